"""Tool calls out of the chunks of one choice.

Servers differ in what makes a new call: OpenAI counts an ``index``, Google's compatible endpoint
sends whole calls that all have index 0, Mistral's has none at all, and some send the id and the
name again with each piece. The pieces of two calls may come by turns; events tell one call after
the other.
"""

from collections import deque
from typing import Any

from trunkline.gateway.exchange.reply import Event, ToolDelta, ToolEnded, ToolStarted
from trunkline.gateway.wire.contract import Malformed
from trunkline.gateway.wire.documents import arguments_text, decoded
from trunkline.gateway.wire.openai_family.calls import made_id, signature_of
from trunkline.gateway.wire.openai_family.chunks import Call, Function


class _Open:
    """One call: what has been said of it, and which of its arguments have not been told."""

    __slots__ = ("arguments", "custom", "ended", "id", "name", "number", "signature", "untold")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.number = -1
        self.arguments: list[str] = []
        self.untold: list[str] = []
        self.custom = False
        self.ended = False
        self.signature: str | None = None

    @property
    def whole(self) -> bool:
        """Whether the arguments can be complete; the text of a custom tool always can."""
        return self.custom or decoded("".join(self.arguments)) is not None


class CallReader:
    """The calls of one choice in their order, of which the first that waits is being told."""

    __slots__ = ("_by_index", "_choice", "_count", "_latest", "_seed", "_waiting")

    def __init__(self, choice: int, seed: str) -> None:
        self._choice = choice
        self._seed = seed
        self._by_index: dict[int, _Open] = {}
        self._latest: _Open | None = None
        self._waiting: deque[_Open] = deque()
        self._count = 0

    @property
    def called(self) -> bool:
        """Whether any tool was called."""
        return self._count > 0

    def read(self, piece: Call, events: list[Event]) -> None:
        """Take on a piece of a call.

        Raises:
            Malformed: it belongs to a call that is over.
        """
        name, arguments = _said(piece)
        call = self._find(piece, name)
        if call is None:
            call = _Open()
            self._waiting.append(call)
            self._latest = call
            if piece.index is not None:
                self._by_index[piece.index] = call
        elif call.ended and arguments:
            raise Malformed("a tool call goes on after its end")
        call.id = call.id or piece.id or ""
        call.name = call.name or name or ""
        call.custom = call.custom or piece.custom is not None
        call.signature = call.signature or signature_of(piece.extra_content)
        if arguments:
            call.arguments.append(arguments)
            call.untold.append(arguments)
        self._tell(events)

    def read_legacy(self, piece: Function, events: list[Event]) -> None:
        """Take on a piece of ``function_call``, of which there is one."""
        self.read(Call(index=0, function=piece), events)

    def end(self, events: list[Event]) -> None:
        """All calls so far are complete."""
        while self._waiting:
            self._end_first(events)

    def _find(self, piece: Call, name: str | None) -> _Open | None:
        """The call that a piece belongs to, or None for a new one."""
        call = self._latest if piece.index is None else self._by_index.get(piece.index)
        if call is None or not name or not call.name:
            return call
        if piece.id or call.id:
            return call if not piece.id or piece.id == call.id else None
        # Whole calls without ids under one index: a name after whole arguments begins the next.
        return None if call.whole else call

    def _tell(self, events: list[Event]) -> None:
        while True:
            first = self._waiting[0] if self._waiting else None
            if first is None or not self._tell_call(first, events):
                return
            if len(self._waiting) == 1 or not first.whole:
                return
            self._end_first(events)

    def _tell_call(self, call: _Open, events: list[Event]) -> bool:
        """Tell what is new of a call; False while its name has not come."""
        if call.number < 0:
            if not call.name:
                return False
            self._start(call, events)
        # The word "null", which stands for no arguments, is told by nobody.
        if call.untold and not (
            len(call.untold) == len(call.arguments)
            and "null".startswith("".join(call.untold).strip())
        ):
            events.extend(ToolDelta(call.number, text, self._choice) for text in call.untold)
            call.untold.clear()
        return True

    def _start(self, call: _Open, events: list[Event]) -> None:
        call.number = self._count
        self._count += 1
        events.append(
            ToolStarted(
                call.number,
                call.id or made_id(self._seed, self._choice, call.number),
                call.name,
                self._choice,
                "custom" if call.custom else "function",
                call.signature,
                "google" if call.signature is not None else "",
            )
        )

    def _end_first(self, events: list[Event]) -> None:
        call = self._waiting.popleft()
        call.ended = True
        if not self._tell_call(call, events):
            if call.arguments:
                raise Malformed("a tool call names no tool")
            return
        if call.untold and (call.custom or "".join(call.untold).strip() not in {"", "null"}):
            events.append(ToolDelta(call.number, "".join(call.untold), self._choice))
        events.append(ToolEnded(call.number, self._choice))


def _said(piece: Call) -> tuple[str | None, str]:
    """The name and the arguments that a piece adds."""
    if piece.custom is not None:
        return piece.custom.name, piece.custom.input or ""
    function = piece.function
    if function is None:
        return None, ""
    arguments: Any = function.arguments
    if isinstance(arguments, dict):
        return function.name, arguments_text(arguments)
    return function.name, arguments or ""
