"""Streams of Converse: frames into events, and events into frames."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.bedrock_converse.blocks import (
    WIRE,
    read_citation,
    unwrapped,
    wrapped,
)
from trunkline.gateway.wire.bedrock_converse.replies import read_stop, stop_word
from trunkline.gateway.wire.bedrock_converse.usage import write_usage
from trunkline.gateway.wire.contract import EventReader, EventWriter, Malformed
from trunkline.gateway.wire.event_stream import FrameReader, encode_frame

_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode
_SERVER_TOOL: Final = "server_tool_use"


class _Thought(msgspec.Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Used(msgspec.Struct):
    input: str | None = None


class _Delta(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _Used | None = None
    reasoning_content: _Thought | None = None
    citation: Document | None = None


class _DeltaEvent(msgspec.Struct, rename="camel"):
    delta: _Delta
    content_block_index: int = 0


class _ToolStart(msgspec.Struct, rename="camel"):
    tool_use_id: str
    name: str
    type: str | None = None


class _Start(msgspec.Struct, rename="camel"):
    tool_use: _ToolStart | None = None


class _StartEvent(msgspec.Struct, rename="camel"):
    start: _Start
    content_block_index: int = 0


class _StopEvent(msgspec.Struct, rename="camel"):
    content_block_index: int = 0


class _MessageStop(msgspec.Struct, rename="camel"):
    stop_reason: str | None = None
    additional_model_response_fields: Any = None


_decode_delta = msgspec.json.Decoder(_DeltaEvent).decode
_decode_start = msgspec.json.Decoder(_StartEvent).decode
_decode_stop = msgspec.json.Decoder(_StopEvent).decode
_decode_message_stop = msgspec.json.Decoder(_MessageStop).decode


class ConverseEvents(EventReader):
    """Reads one stream. Its state is the blocks under way and what has been said of the end."""

    __slots__ = ("_calls", "_foreign", "_frames", "_said", "_stopped", "_tools")

    def __init__(self) -> None:
        self._frames = FrameReader()
        # The number of a call by the index of its block, and the blocks of text that say anything.
        self._tools: dict[int, int] = {}
        self._calls = 0
        self._said: set[int] = set()
        self._foreign: set[int] = set()
        self._stopped = False

    @override
    def read(self, frame: bytes) -> list[Event]:
        head, payload = self._frames.read(frame)
        try:
            match head.name:
                case "contentBlockDelta":
                    return self._delta(payload)
                case "contentBlockStart":
                    return self._start(payload)
                case "contentBlockStop":
                    return self._stop(payload)
                case "messageStart":
                    return [Started()]
                case "messageStop":
                    told = _decode_message_stop(payload)
                    return self._end(told.stop_reason, told.additional_model_response_fields)
                case "metadata":
                    return []
                case _:
                    return [_foreign(head.name, payload)]
        except msgspec.ValidationError:
            return [_foreign(head.name, payload)]
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the payload of a frame is not JSON") from None

    @override
    def close(self) -> list[Event]:
        return [] if self._stopped else self._end(None, None)

    def _delta(self, payload: bytes) -> list[Event]:
        event = _decode_delta(payload)
        delta, block = event.delta, event.content_block_index
        if delta.text is not None:
            if not delta.text:
                return []
            self._said.add(block)
            return [TextDelta(delta.text)]
        if delta.tool_use is not None:
            number = self._tools.get(block)
            if number is None:
                return [_foreign("contentBlockDelta", payload)]
            return [ToolDelta(number, delta.tool_use.input)] if delta.tool_use.input else []
        if delta.reasoning_content is not None:
            return self._thought(delta.reasoning_content, block, payload)
        if delta.citation is not None:
            return [CitationSeen(read_citation(delta.citation))]
        return [_foreign("contentBlockDelta", payload)]

    def _thought(self, thought: _Thought, block: int, payload: bytes) -> list[Event]:
        self._said.add(block)
        events: list[Event] = []
        if thought.text:
            events.append(ReasoningDelta(thought.text))
        # Only Claude's thought is signed on Bedrock.
        if thought.signature:
            events.append(SignatureDelta(thought.signature, "anthropic"))
        if thought.redacted_content:
            text = unwrapped(thought.redacted_content)
            events.append(
                _foreign("contentBlockDelta", payload)
                if text is None
                else SignatureDelta(text, "anthropic", redacted=True)
            )
        return events

    def _start(self, payload: bytes) -> list[Event]:
        event = _decode_start(payload)
        tool, block = event.start.tool_use, event.content_block_index
        if tool is None or tool.type == _SERVER_TOOL:
            self._foreign.add(block)
            return [_foreign("contentBlockStart", payload)]
        number = self._tools[block] = self._calls
        self._calls += 1
        return [ToolStarted(number, tool.tool_use_id, tool.name)]

    def _stop(self, payload: bytes) -> list[Event]:
        block = _decode_stop(payload).content_block_index
        if block in self._tools:
            return [ToolEnded(self._tools.pop(block))]
        if block in self._foreign:
            self._foreign.discard(block)
            return [_foreign("contentBlockStop", payload)]
        if block in self._said:
            self._said.discard(block)
            return [PartEnded()]
        return []

    def _end(self, word: str | None, fields: Any) -> list[Event]:
        self._stopped = True
        events: list[Event] = [ToolEnded(number) for number in self._tools.values()]
        if self._said:
            events.append(PartEnded())
        return [*events, Stopped(read_stop(word, fields, called=self._calls > 0))]


def _foreign(name: str, payload: bytes) -> ForeignEvent:
    return ForeignEvent(WIRE, (name, _decode_any(payload)))


class ConverseFrames(EventWriter):
    """Writes one stream. Its state is the blocks that are open and how the answer stopped."""

    __slots__ = ("_block", "_kind", "_next", "_stop", "_tools")

    def __init__(self) -> None:
        self._next = 0
        self._block = 0
        self._kind = ""
        self._tools: dict[int, int] = {}
        self._stop = Stop()

    @override
    def write(self, events: list[Event]) -> bytes:
        return b"".join([self._write(event) for event in events])

    @override
    def close(self, usage: Usage | None) -> bytes:
        told = [self._closed(), *(_block_stop(block) for block in self._tools.values())]
        self._tools.clear()
        told.append(_frame("messageStop", {"stopReason": stop_word(self._stop)}))
        reported = {} if usage is None else {"usage": write_usage(usage)}
        told.append(_frame("metadata", reported))
        return b"".join(told)

    def _write(self, event: Event) -> bytes:
        match event:
            case TextDelta() | RefusalDelta():
                return self._delta("text", {"text": event.text})
            case ReasoningDelta():
                return self._delta("thought", {"reasoningContent": {"text": event.text}})
            case SignatureDelta():
                return self._signature(event)
            case ToolStarted():
                block = self._tools[event.index] = self._next
                self._next += 1
                used = {"toolUseId": event.id, "name": event.name}
                start = {"start": {"toolUse": used}, "contentBlockIndex": block}
                return self._closed() + _frame("contentBlockStart", start)
            case ToolDelta():
                delta = {"toolUse": {"input": event.arguments}}
                return _block_delta(delta, self._tools[event.index])
            case ToolEnded():
                return _block_stop(self._tools.pop(event.index))
            case _:
                return self._write_rest(event)

    def _write_rest(self, event: Event) -> bytes:
        match event:
            case Started():
                return _frame("messageStart", {"role": "assistant"})
            case PartEnded():
                return self._closed()
            case CitationSeen(citation=citation) if citation.wire == WIRE:
                return self._delta("text", {"citation": citation.native})
            case ForeignEvent(wire=wire, value=value) if wire == WIRE:
                return self._closed() + _frame(*value)
            case Stopped():
                self._stop = event.stop
        return b""

    def _signature(self, event: SignatureDelta) -> bytes:
        """Another maker's signature means nothing to Bedrock's models."""
        if event.family != "anthropic":
            return b""
        if event.redacted:
            blob = {"redactedContent": wrapped(event.signature)}
            return self._closed() + self._delta("thought", {"reasoningContent": blob})
        return self._delta("thought", {"reasoningContent": {"signature": event.signature}})

    def _delta(self, kind: str, delta: Document) -> bytes:
        told = b""
        if self._kind != kind:
            told = self._closed()
            self._kind, self._block = kind, self._next
            self._next += 1
        return told + _block_delta(delta, self._block)

    def _closed(self) -> bytes:
        if not self._kind:
            return b""
        self._kind = ""
        return _block_stop(self._block)


def _block_delta(delta: Document, block: int) -> bytes:
    return _frame("contentBlockDelta", {"delta": delta, "contentBlockIndex": block})


def _block_stop(block: int) -> bytes:
    return _frame("contentBlockStop", {"contentBlockIndex": block})


def _frame(name: str, payload: Document) -> bytes:
    headers = {
        ":event-type": name,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return encode_frame(headers, _encode(payload))
