"""Ollama's lines as events, and events as lines, for either format."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.reply import (
    Event,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, EventReader, EventWriter, Malformed
from trunkline.gateway.wire.ollama_family.calls import Call, read_call, write_call
from trunkline.gateway.wire.ollama_family.counts import counts_for, done_reason, stop_for
from trunkline.gateway.wire.ollama_family.logprobs import read_logprobs, write_logprobs
from trunkline.gateway.wire.ollama_family.times import rfc3339, unix_seconds

_encode = msgspec.json.Encoder().encode


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Call] | None = None


class _Line(_Message):
    """A line of either format: chat has a message, generate has the same members on its own."""

    message: _Message | None = None
    response: str | None = None
    model: str | None = None
    created_at: str | None = None
    logprobs: Any = None
    done: bool = False
    done_reason: str | None = None


_decode = msgspec.json.Decoder(_Line).decode


class OllamaEventReader(EventReader):
    """Reads one stream. Its state is whether it has begun and how many tools were called."""

    __slots__ = ("_called", "_seed", "_started")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._started = False
        self._called = 0

    @override
    def read(self, frame: bytes) -> list[Event]:
        try:
            line = _decode(frame)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a line is not what the wire promises") from None
        events: list[Event] = []
        if not self._started:
            self._started = True
            events.append(Started(None, line.model, unix_seconds(line.created_at)))
        message = line.message or line
        text = line.response if line.message is None else message.content
        if message.thinking:
            events.append(ReasoningDelta(message.thinking))
        if text:
            events.append(TextDelta(text, 0, read_logprobs(line.logprobs)))
        for call in message.tool_calls or ():
            events += self._tool(call)
        if line.done:
            events.append(Stopped(stop_for(line.done_reason, called=self._called > 0)))
        return events

    def _tool(self, call: Call) -> tuple[Event, ...]:
        index = self._called
        self._called += 1
        read = read_call(call, self._seed, index)
        return (
            ToolStarted(index, read.id, read.name),
            ToolDelta(index, read.arguments),
            ToolEnded(index),
        )

    @override
    def close(self) -> list[Event]:
        return []


class Form(msgspec.Struct, frozen=True):
    """Where a format has its text: what stands before it in a line, and what closes it."""

    opening: bytes
    closing: bytes


CHAT_FORM: Final = Form(b',"message":{"role":"assistant","content":', b"}")
GENERATE_FORM: Final = Form(b',"response":', b"")


def keep_alive_line(form: Form) -> bytes:
    """A line without content, for clients that wait for the first one."""
    head = b'{"model":"","created_at":"%s"' % rfc3339(0).encode()
    return head + form.opening + b'""' + form.closing + b',"done":false}\n'


class OllamaEventWriter(EventWriter):
    """Writes one stream. A tool call is kept until its arguments are whole, as the format wants."""

    __slots__ = ("_answering", "_arguments", "_before", "_between", "_form", "_open", "_stop")

    def __init__(self, answering: Answering, form: Form) -> None:
        self._answering = answering
        self._form = form
        self._before = b""
        self._between = form.closing + b',"done":false}\n'
        self._open: ToolStarted | None = None
        self._arguments: list[str] = []
        self._stop = Stop()

    @override
    def write(self, events: list[Event]) -> bytes:
        if len(events) == 1 and isinstance(events[0], TextDelta) and events[0].logprobs is None:
            delta = events[0]
            if delta.choice:
                return b""
            return (self._before or self._begin(None)) + _encode(delta.text) + self._between
        return b"".join([self._line(event) for event in events])

    def _begin(self, model: str | None) -> bytes:
        """What stands before the text of every line."""
        answering = self._answering
        created = rfc3339(answering.created).encode()
        name = _encode(model or answering.model)
        self._before = b'{"model":%s,"created_at":"%s"' % (name, created) + self._form.opening
        return self._before

    def _line(self, event: Event) -> bytes:
        """The line that an event makes, or nothing. A caller of this format has one answer."""
        if isinstance(event, Started):
            self._begin(event.model)
            return b""
        if event.choice:
            return b""
        if isinstance(event, (TextDelta, RefusalDelta)):
            return self._text(event)
        if isinstance(event, ReasoningDelta):
            return self._piece(b'"","thinking":' + _encode(event.text))
        if isinstance(event, ToolStarted):
            whole = self._whole_call()
            self._open = event
            return whole
        if isinstance(event, ToolDelta):
            self._arguments.append(event.arguments)
        elif isinstance(event, ToolEnded):
            return self._whole_call()
        elif isinstance(event, Stopped):
            self._stop = event.stop
        return b""

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        listed = write_logprobs(event.logprobs) if isinstance(event, TextDelta) else None
        piece = self._piece(_encode(event.text))
        if listed is None:
            return piece
        return piece.removesuffix(b"}\n") + b',"logprobs":' + _encode(listed) + b"}\n"

    def _piece(self, content: bytes) -> bytes:
        return (self._before or self._begin(None)) + content + self._between

    def _whole_call(self) -> bytes:
        call, arguments = self._open, "".join(self._arguments)
        self._arguments.clear()
        if call is None:
            return b""
        self._open = None
        written = write_call(call.id, call.name, arguments, call.index)
        return self._piece(b'"","tool_calls":' + _encode([written]))

    @override
    def close(self, usage: Usage | None) -> bytes:
        whole = self._whole_call()
        told = {"done_reason": done_reason(self._stop), "done": True, **counts_for(usage)}
        before = self._before or self._begin(None)
        return whole + before + b'""' + self._form.closing + b"," + _encode(told)[1:] + b"\n"
