"""Streamed completions as events, and events as streamed completions."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.reply import (
    Event,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
)
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, EventReader, EventWriter, Malformed
from trunkline.gateway.wire.openai_completions.logprobs import read_logprobs, write_logprobs
from trunkline.gateway.wire.openai_family.stops import native_word, read_stop, write_stop
from trunkline.gateway.wire.openai_family.usage import write_usage
from trunkline.gateway.wire.sse import data_of

_DONE: Final = b"[DONE]"
_END: Final = b"data: [DONE]\n\n"
_encode = msgspec.json.Encoder().encode


class _Choice(msgspec.Struct):
    text: str | None = None
    index: int = 0
    finish_reason: str | None = None
    stop_reason: Any = None
    logprobs: Any = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    id: str | None = None
    model: str | None = None
    created: int | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class TextEventReader(EventReader):
    """Reads streamed ``text_completion`` frames. Its state is the last that was said of a choice.

    Choices of which nothing has been said have none.
    """

    __slots__ = ("_last", "_said", "_started")

    def __init__(self) -> None:
        self._started = False
        self._said: set[int] = set()
        self._last: dict[int, _Choice] = {}

    @override
    def read(self, frame: bytes) -> list[Event]:
        data = data_of(frame)
        if not data or data == _DONE:
            return []
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not a chunk of a completion") from None
        events: list[Event] = []
        if chunk.choices and not self._started:
            self._started = True
            events.append(Started(chunk.id or None, chunk.model or None, chunk.created or None))
        for choice in chunk.choices or ():
            at = choice.index
            if choice.text:
                self._said.add(at)
                events.append(TextDelta(choice.text, at, read_logprobs(choice.logprobs)))
            if choice.finish_reason is not None or at not in self._last:
                self._last[at] = choice
        return events

    @override
    def close(self) -> list[Event]:
        events: list[Event] = []
        for at, last in sorted(self._last.items()) or [(0, _Choice())]:
            if at in self._said:
                events.append(PartEnded(at))
            stop = read_stop(
                last.finish_reason, None, last.stop_reason, called=False, refused=False
            )
            events.append(Stopped(stop, at))
        return events


class TextEventWriter(EventWriter):
    """Writes streamed ``text_completion`` frames up to ``[DONE]``.

    Its state is how much text each choice has, and why those stopped that did.
    """

    __slots__ = ("_answering", "_head", "_length", "_stops", "_tail", "_wants_usage")

    def __init__(self, answering: Answering, *, wants_usage: bool) -> None:
        self._answering = answering
        self._wants_usage = wants_usage
        self._head = b""
        self._tail = b"]" + (b',"usage":null' if wants_usage else b"") + b"}\n\n"
        self._length: dict[int, int] = {}
        self._stops: dict[int, Stop] = {}

    @override
    def write(self, events: list[Event]) -> bytes:
        frames: list[bytes] = []
        for event in events:
            if isinstance(event, TextDelta | RefusalDelta):
                frames.append(self._text(event))
            elif isinstance(event, ReasoningDelta):
                self._length.setdefault(event.choice, 0)
                frames.append(self._chunk(event.choice, {"reasoning_content": event.text}))
            elif isinstance(event, Started):
                self._start(event)
            elif isinstance(event, Stopped):
                self._stops[event.choice] = event.stop
        return b"".join(frames)

    @override
    def close(self, usage: Usage | None) -> bytes:
        frames: list[bytes] = []
        for at in sorted(self._stops.keys() | self._length.keys() | {0}):
            stop = self._stops.get(at, Stop())
            told: dict[str, Any] = {"finish_reason": write_stop(stop, called=False, refused=True)}
            native = native_word(stop)
            if native is not None:
                told["native_finish_reason"] = native
            frames.append(self._chunk(at, told))
        if usage is not None and self._wants_usage:
            frames.append(self._head + b'],"usage":' + _encode(write_usage(usage)) + b"}\n\n")
        frames.append(_END)
        return b"".join(frames)

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        at = event.choice
        offset = self._length.get(at, 0)
        self._length[at] = offset + len(event.text)
        logprobs = event.logprobs if isinstance(event, TextDelta) else None
        if logprobs is not None:
            told = {"text": event.text, "logprobs": write_logprobs(logprobs, offset)}
            return self._chunk(at, told)
        if not self._head:
            self._start(Started())
        said = b'{"index":%d,"text":' % at + _encode(event.text)
        return self._head + said + b',"logprobs":null,"finish_reason":null}' + self._tail

    def _chunk(self, at: int, told: dict[str, Any]) -> bytes:
        if not self._head:
            self._start(Started())
        choice = {"index": at, "text": "", "logprobs": None, "finish_reason": None, **told}
        return self._head + _encode(choice) + self._tail

    def _start(self, event: Started) -> None:
        head = {
            "id": f"cmpl-{self._answering.id}",
            "object": "text_completion",
            "created": event.created or self._answering.created,
            "model": event.model or self._answering.model,
        }
        self._head = b"data: " + _encode(head)[:-1] + b',"choices":['
