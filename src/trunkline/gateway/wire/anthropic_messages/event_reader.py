"""One stream of this wire, read event by event into the internal form."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.wire.anthropic_messages.blocks import WIRE, json_text, read_citation
from trunkline.gateway.wire.anthropic_messages.replies import explanation_of, read_stop
from trunkline.gateway.wire.contract import EventReader, Malformed
from trunkline.gateway.wire.sse import data_of


class _Message(msgspec.Struct):
    id: str | None = None
    model: str | None = None


class _Delta(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: dict[str, Any] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Any = None


class _Block(msgspec.Struct):
    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None


class _Event(msgspec.Struct):
    type: str
    index: int = 0
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Message | None = None


_decode = msgspec.json.Decoder(_Event).decode
_decode_any = msgspec.json.Decoder().decode

_TEXT: Final = -1
_FOREIGN: Final = -2


class MessagesEventReader(EventReader):
    """Its state is which block is what, how many tools were called, and why the model stopped."""

    __slots__ = ("_blocks", "_calls", "_sequence", "_started", "_stop")

    def __init__(self) -> None:
        # By index of the block: the number of its call, or one of the two constants.
        self._blocks: dict[int, int] = {}
        self._calls = 0
        self._started = False
        self._stop: str | None = None
        self._sequence: str | None = None

    @override
    def read(self, frame: bytes) -> list[Event]:
        data = data_of(frame)
        if not data:
            return []
        try:
            event = _decode(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("an event is not what the wire promises") from None
        kind = event.type
        if kind == "content_block_delta":
            return self._delta(event, data)
        if kind == "content_block_start":
            return self._begin(event, data)
        if kind == "content_block_stop":
            return self._end(event.index, data)
        if kind == "message_start":
            return self._start(event.message)
        if kind == "message_delta":
            return self._finish(event.delta)
        # Pings, the wire's own end, and failures, which the other reader of the stream tells.
        return []

    def _start(self, message: _Message | None) -> list[Event]:
        if self._started or message is None:
            return []
        self._started = True
        return [Started(message.id, message.model)]

    def _begin(self, event: _Event, data: bytes) -> list[Event]:
        block = event.content_block
        if block is None:
            raise Malformed("a block begins without being said what it is")
        if block.type == "tool_use":
            return self._begin_call(event.index, block)
        self._blocks[event.index] = _TEXT
        if block.type == "text":
            return [TextDelta(block.text)] if block.text else []
        if block.type == "thinking":
            events: list[Event] = [ReasoningDelta(block.thinking)] if block.thinking else []
            if block.signature:
                events.append(SignatureDelta(block.signature, "anthropic"))
            return events
        if block.type == "redacted_thinking" and block.data is not None:
            return [SignatureDelta(block.data, "anthropic", redacted=True)]
        self._blocks[event.index] = _FOREIGN
        return [_foreign(data)]

    def _begin_call(self, index: int, block: _Block) -> list[Event]:
        if not block.id or block.name is None:
            raise Malformed("a tool call has no id or no name")
        call = self._calls
        self._blocks[index] = call
        self._calls += 1
        events: list[Event] = [ToolStarted(call, block.id, block.name)]
        if block.input:
            events.append(ToolDelta(call, json_text(block.input)))
        return events

    def _delta(self, event: _Event, data: bytes) -> list[Event]:
        delta = event.delta
        place = self._blocks.get(event.index)
        if delta is None or place is None:
            raise Malformed("a piece belongs to no block")
        if place == _FOREIGN:
            return [_foreign(data)]
        kind = delta.type
        if kind == "text_delta":
            return [TextDelta(delta.text)] if delta.text else []
        if kind == "input_json_delta":
            if delta.partial_json and place >= 0:
                return [ToolDelta(place, delta.partial_json)]
            return []
        if kind == "thinking_delta":
            return [ReasoningDelta(delta.thinking)] if delta.thinking else []
        if kind == "signature_delta":
            return [SignatureDelta(delta.signature, "anthropic")] if delta.signature else []
        if kind == "citations_delta" and delta.citation is not None:
            return [CitationSeen(read_citation(delta.citation))]
        return [_foreign(data)]

    def _end(self, index: int, data: bytes) -> list[Event]:
        place = self._blocks.pop(index, None)
        if place is None:
            return []
        return [_ended(place) if place != _FOREIGN else _foreign(data)]

    def _finish(self, delta: _Delta | None) -> list[Event]:
        if delta is None:
            return []
        if delta.stop_reason is not None:
            self._stop, self._sequence = delta.stop_reason, delta.stop_sequence
        refused = explanation_of(delta.stop_details)
        return [RefusalDelta(refused)] if refused is not None else []

    @override
    def close(self) -> list[Event]:
        events = [_ended(place) for place in self._blocks.values() if place != _FOREIGN]
        self._blocks = {}
        stop = read_stop(self._stop, self._sequence, called=self._calls > 0)
        return [*events, Stopped(stop)]


def _ended(place: int) -> Event:
    return ToolEnded(place) if place >= 0 else PartEnded()


def _foreign(data: bytes) -> Event:
    return ForeignEvent(WIRE, _decode_any(data))
