"""Cohere's events, read."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
    ReasoningDelta,
    Started,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.wire.cohere_chat.citations import read_citation
from trunkline.gateway.wire.cohere_chat.content import WIRE
from trunkline.gateway.wire.cohere_chat.logprobs import read_logprobs
from trunkline.gateway.wire.cohere_chat.meter import DONE
from trunkline.gateway.wire.cohere_chat.replies import stop_for
from trunkline.gateway.wire.contract import EventReader, Malformed
from trunkline.gateway.wire.documents import arguments_text
from trunkline.gateway.wire.functions import call_id
from trunkline.gateway.wire.sse import data_of

_MALFORMED: Final = "an event is not what the wire promises"
_SAYING: Final = frozenset({"content-delta", "content-start"})
_CALLING: Final = frozenset({"tool-call-start", "tool-call-delta", "tool-call-end"})


class _Content(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    # ``message-start`` has empty lists here.
    content: _Content | list[Any] | None = None
    tool_plan: str | None = None
    tool_calls: _Call | list[Any] | None = None
    citations: dict[str, Any] | list[Any] | None = None


class _Delta(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    delta: _Delta | None = None
    logprobs: Any = None


_decode = msgspec.json.Decoder(_Event).decode


class CohereEventReader(EventReader):
    """Reads one stream.

    Its state is how many tools were called, the arguments of the call under way that may still turn
    out to be none, and whether a plan is being told.
    """

    __slots__ = ("_called", "_held", "_open", "_planning", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._called = 0
        self._open = False
        self._held: str | None = None
        self._planning = False

    @override
    def read(self, frame: bytes) -> list[Event]:
        data = data_of(frame)
        if not data or data == DONE:
            return []
        try:
            event = _decode(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed(_MALFORMED) from None
        message = event.delta.message if event.delta is not None else None
        kind = event.type
        if kind in _SAYING:
            return self._content(event, message)
        if kind in _CALLING:
            return self._tool(kind, message)
        if kind == "tool-plan-delta":
            return self._plan(message)
        if kind == "citation-start":
            return self._cite(message)
        return self._mark(event, data)

    def _mark(self, event: _Event, data: bytes) -> list[Event]:
        """What an event means that has no content."""
        match event.type:
            case "message-start":
                return [Started(event.id)]
            case "content-end":
                return [PartEnded()]
            case "message-end":
                reason = event.delta.finish_reason if event.delta is not None else None
                return [*self.close(), Stopped(stop_for(reason, called=self._called > 0))]
            case "citation-end":
                return []
            case _:
                return [ForeignEvent(WIRE, data)]

    def _content(self, event: _Event, message: _Message | None) -> list[Event]:
        content = message.content if message is not None else None
        if not isinstance(content, _Content):
            return []
        events: list[Event] = []
        if content.thinking:
            events.append(ReasoningDelta(content.thinking))
        if content.text:
            told = read_logprobs([event.logprobs]) if event.logprobs is not None else None
            events.append(TextDelta(content.text, 0, told))
        return events

    def _plan(self, message: _Message | None) -> list[Event]:
        if message is None or not message.tool_plan:
            return []
        self._planning = True
        return [TextDelta(message.tool_plan)]

    def _cite(self, message: _Message | None) -> list[Event]:
        cited = message.citations if message is not None else None
        return [CitationSeen(read_citation(cited))] if isinstance(cited, dict) else []

    def _tool(self, kind: str | None, message: _Message | None) -> list[Event]:
        if kind == "tool-call-end":
            return self._end_tool()
        call = message.tool_calls if message is not None else None
        if not isinstance(call, _Call) or call.function is None:
            raise Malformed(_MALFORMED)
        function = call.function
        if kind == "tool-call-delta":
            return self._argue(function.arguments or "")
        events = self.close()
        self._open, self._held = True, ""
        told = call.id or call_id(self._seed, self._called)
        events.append(ToolStarted(self._called, told, function.name or ""))
        self._called += 1
        return events + self._argue(function.arguments or "")

    def _argue(self, piece: str) -> list[Event]:
        """A piece of arguments; ``null``, which stands for none, may come in pieces too."""
        if not self._open:
            raise Malformed("arguments belong to no call")
        if self._held is not None:
            piece = self._held + piece
            if not piece.lstrip().startswith("{"):
                self._held = piece
                return []
            self._held = None
        return [ToolDelta(self._called - 1, piece)] if piece else []

    def _end_tool(self) -> list[Event]:
        if not self._open:
            return []
        self._open = False
        index, held = self._called - 1, self._held
        if held is None or held.strip() in {"", "null"}:
            return [ToolEnded(index)]
        return [ToolDelta(index, arguments_text(held)), ToolEnded(index)]

    @override
    def close(self) -> list[Event]:
        if self._planning:
            self._planning = False
            return [PartEnded(), *self._end_tool()]
        return self._end_tool()
