"""The calls of one stream, by the items that they are."""

from typing import Any

from trunkline.gateway.exchange.parts import Document, ToolCall
from trunkline.gateway.exchange.reply import Event, ToolDelta, ToolEnded, ToolStarted
from trunkline.gateway.wire.contract import Malformed
from trunkline.gateway.wire.openai_responses.replies import read_output


class _Call:
    """One call: its number among the calls, and the arguments that were told of it."""

    __slots__ = ("ended", "index", "told")

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.told = ""
        self.ended = False


class CallReader:
    """Reads calls. Its state is the calls so far; one without a number has not been announced."""

    __slots__ = ("_calls", "_seed", "called")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._calls: dict[Any, _Call] = {}
        self.called = 0

    def added(self, event: Document, item: Any) -> list[Event]:
        """A call is announced, by some servers with all of its arguments."""
        key = _key(event, item)
        if key in self._calls:
            return []
        if not isinstance(item.get("name"), str):
            # Its name comes when it is done.
            return []
        read = self._read(item)
        call = self._calls[key] = self._calls[_place(event)] = _Call(self.called)
        self.called += 1
        told = item.get("input" if read.kind == "custom" else "arguments")
        call.told = told if isinstance(told, str) else ""
        events: list[Event] = [self._begin(call, read)]
        if call.told:
            events.append(ToolDelta(call.index or 0, call.told))
        return events

    def piece(self, item_id: str | None, place: int | None, delta: str) -> list[Event]:
        """A piece of the arguments; kept for a call that has not been announced."""
        call = self._of(item_id if item_id is not None else place, place)
        call.told += delta
        return [ToolDelta(call.index, delta)] if delta and call.index is not None else []

    def whole(self, event: Document, arguments: Any) -> list[Event]:
        """The arguments when they are whole, of which some or all were told before."""
        if not isinstance(arguments, str):
            return []
        place, item_id = _place(event), event.get("item_id")
        call = self._of(item_id if isinstance(item_id, str) else place, place)
        if call.index is None:
            call.told = arguments
            return []
        return self._rest(call, arguments)

    def done(self, event: Document, item: Any) -> list[Event]:
        """A call is complete."""
        read = self._read(item)
        call = self._of(_key(event, item), _place(event))
        if call.ended:
            return []
        events: list[Event] = []
        arguments = read.arguments
        if call.index is None:
            if arguments in {"", "{}"} and call.told:
                arguments = call.told
            call.index, call.told = self.called, ""
            self.called += 1
            events.append(self._begin(call, read))
        events += self._rest(call, arguments)
        call.ended = True
        events.append(ToolEnded(call.index))
        return events

    def close(self) -> list[Event]:
        """The ends of the calls that were announced and never done."""
        ended: list[Event] = []
        for call in self._calls.values():
            if call.index is not None and not call.ended:
                call.ended = True
                ended.append(ToolEnded(call.index))
        return ended

    def _of(self, key: Any, place: Any) -> _Call:
        found = self._calls.get(key)
        if found is None and place is not None:
            found = self._calls.get(place)
        if found is None:
            found = self._calls[key] = _Call(None)
        return found

    def _rest(self, call: _Call, arguments: str) -> list[Event]:
        """What was not told yet; what was told otherwise cannot be taken back."""
        if not arguments.startswith(call.told):
            return []
        rest = arguments[len(call.told) :]
        call.told = arguments
        return [ToolDelta(call.index or 0, rest)] if rest else []

    def _read(self, item: Any) -> ToolCall:
        parts = read_output(item, self._seed, self.called).parts
        first = parts[0] if parts else None
        if not isinstance(first, ToolCall):
            raise Malformed("a call of the answer names no tool")
        return first

    def _begin(self, call: _Call, read: ToolCall) -> Event:
        return ToolStarted(
            call.index or 0, read.id, read.name, 0, read.kind, read.signature, read.family
        )


def _key(event: Document, item: Any) -> Any:
    known = item.get("id")
    return known if isinstance(known, str) and known else _place(event)


def _place(event: Document) -> int | None:
    place = event.get("output_index")
    return place if isinstance(place, int) else None
