"""Reads the chunks of a stream for usage, failures and the end, whichever way they pass.

Nearly every frame is one piece of text, and that is the path to keep short.
"""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, ProviderFault, Sight, StreamReader
from trunkline.gateway.wire.openai_family.errors import read_fault
from trunkline.gateway.wire.openai_family.usage import Reported, usage_of
from trunkline.gateway.wire.sse import data_of, size_of

_DONE: Final = b"[DONE]"
_FAILURE: Final = b"event: error"
_ABSENT: Final = msgspec.Raw()


class _Delta(msgspec.Struct):
    # Mistral's models tell their thought in a list.
    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: msgspec.Raw = _ABSENT
    function_call: msgspec.Raw = _ABSENT
    audio: msgspec.Raw = _ABSENT


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _TextChoice(msgspec.Struct):
    text: str | None = None
    finish_reason: str | None = None


class _Groq(msgspec.Struct):
    usage: Reported | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Reported | None = None
    error: msgspec.Raw = _ABSENT
    model: str | None = None
    service_tier: str | None = None
    x_groq: _Groq | None = None


class _TextChunk(msgspec.Struct):
    choices: list[_TextChoice] | None = None
    usage: Reported | None = None
    error: msgspec.Raw = _ABSENT
    model: str | None = None
    service_tier: str | None = None
    x_groq: _Groq | None = None


class _StrangeChunk(msgspec.Struct):
    error: msgspec.Raw = _ABSENT
    object: msgspec.Raw = _ABSENT
    choices: msgspec.Raw = _ABSENT


_decode_chat = msgspec.json.Decoder(_Chunk).decode
_decode_text = msgspec.json.Decoder(_TextChunk).decode
_decode_strange = msgspec.json.Decoder(_StrangeChunk).decode


class _ChunkMeter(StreamReader):
    """What chunks of chats and of completions have in common."""

    __slots__ = (
        "_finishing",
        "_hides_usage",
        "_running",
        "content_bytes",
        "error",
        "input_usage",
        "model",
        "service_tier",
        "usage",
    )

    def __init__(self, *, hides_usage: bool = False) -> None:
        self._hides_usage = hides_usage
        self._finishing = False
        self._running: Usage | None = None
        self.usage: Usage | None = None
        self.input_usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.content_bytes = 0
        self.error: ProviderFault | None = None

    def _read_mark(self, data: bytes) -> Sight:
        """A frame that is no chunk: the end, or a failure under the frame's own name."""
        if data == _DONE:
            # Some servers put the bill beside an empty delta and never name a reason to finish.
            self.usage = self.usage or self._running
            return Sight.END
        # Groq names a failure in the frame's event, whatever its data looks like.
        return self._failed(data)

    def _failed(self, data: bytes) -> Sight:
        self.error = read_fault(0, data)
        return Sight.ERROR

    def _read_without_choices(self, chunk: _Chunk | _TextChunk, data: bytes) -> Sight:
        usage = chunk.usage
        if usage is None:
            # Azure's first chunk has an empty list and tells of the prompt's filter.
            return self._read_strange(data) if chunk.choices is None else Sight.START
        self._note_usage(usage, final=True)
        return Sight.HIDDEN if self._hides_usage else Sight.START

    def _read_strange(self, data: bytes) -> Sight:
        """Valid JSON of a shape that we do not know passes as it is, unless it tells of a failure.

        Some servers give the content in another type; its bytes count as content, for estimates.
        Others send a failure without a member of that name.
        """
        try:
            chunk = _decode_strange(data)
        except msgspec.ValidationError:
            return Sight.CONTENT
        failed = chunk.error is not _ABSENT and _says_something(chunk.error)
        if failed or bytes(chunk.object).strip() == b'"error"':
            return self._failed(data)
        if chunk.choices is _ABSENT:
            return Sight.START
        self.content_bytes += len(bytes(chunk.choices))
        return Sight.CONTENT

    def _note_usage(self, reported: Reported, *, final: bool) -> None:
        """Take a report on; a running one, as some servers send with each chunk, is no bill."""
        usage = usage_of(reported)
        if usage is None:
            return
        if final:
            self.usage = usage
        else:
            self.input_usage = self._running = usage

    def _finish(self, chunk: _Chunk | _TextChunk) -> None:
        """Read what may stand beside the last content: the bill, in one of two places."""
        usage = chunk.usage
        if usage is None and chunk.x_groq is not None:
            usage = chunk.x_groq.usage
        if usage is not None:
            self._note_usage(usage, final=self._finishing)


class ChatMeter(_ChunkMeter):
    """Reads ``chat.completion.chunk`` frames up to ``[DONE]``."""

    __slots__ = ()

    @override
    def read(self, frame: bytes) -> Sight:
        data = data_of(frame)
        if not data:
            return Sight.START
        if data == _DONE or frame.startswith(_FAILURE):
            return self._read_mark(data)
        try:
            chunk = _decode_chat(data)
        except msgspec.ValidationError:
            return self._read_strange(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        if chunk.error is not _ABSENT and _says_something(chunk.error):
            return self._failed(data)
        if not self.model:
            self.model = chunk.model
        if chunk.service_tier is not None:
            self.service_tier = chunk.service_tier
        choices = chunk.choices
        if not choices:
            return self._read_without_choices(chunk, data)
        if chunk.usage is None and len(choices) == 1 and self._is_text(choices[0]):
            return Sight.CONTENT
        sight = self._sight_of(choices)
        self._finish(chunk)
        return sight

    def _is_text(self, choice: _Choice) -> bool:
        """Whether this is a piece of text and nothing else, as nearly every frame is."""
        delta = choice.delta
        if delta is None or choice.finish_reason is not None:
            return False
        content = delta.content
        if content.__class__ is not str or not content:
            return False
        self.content_bytes += size_of(content)
        self._running = None
        return True

    def _sight_of(self, choices: list[_Choice]) -> Sight:
        sight = Sight.START
        for choice in choices:
            delta = choice.delta
            if delta is not None:
                size = _content_size(delta)
                if size:
                    self.content_bytes += size
                    self._running = None
                    sight = Sight.CONTENT
            if choice.finish_reason is not None:
                self._finishing = True
                sight = Sight.CONTENT
        return sight


class TextMeter(_ChunkMeter):
    """Reads streamed ``text_completion`` frames up to ``[DONE]``."""

    __slots__ = ()

    @override
    def read(self, frame: bytes) -> Sight:
        data = data_of(frame)
        if not data:
            return Sight.START
        if data == _DONE or frame.startswith(_FAILURE):
            return self._read_mark(data)
        try:
            chunk = _decode_text(data)
        except msgspec.ValidationError:
            return self._read_strange(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        if chunk.error is not _ABSENT and _says_something(chunk.error):
            return self._failed(data)
        self.model = self.model or chunk.model
        self.service_tier = chunk.service_tier or self.service_tier
        if not chunk.choices:
            return self._read_without_choices(chunk, data)
        sight = Sight.START
        for choice in chunk.choices:
            if choice.text:
                self.content_bytes += size_of(choice.text)
                self._running = None
                sight = Sight.CONTENT
            if choice.finish_reason is not None:
                self._finishing = True
                sight = Sight.CONTENT
        self._finish(chunk)
        return sight


def _content_size(delta: _Delta) -> int:
    content = delta.content
    if content:
        return size_of(content) if isinstance(content, str) else _raw_size(content)
    size = 0
    for text in (delta.reasoning_content, delta.reasoning, delta.refusal):
        if text:
            size += size_of(text)
    for raw in (delta.tool_calls, delta.function_call, delta.audio):
        if raw is not _ABSENT and _says_something(raw):
            size += len(bytes(raw))
    return size


def _raw_size(items: list[msgspec.Raw]) -> int:
    return sum(len(bytes(item)) for item in items)


def _says_something(raw: msgspec.Raw) -> bool:
    # Servers send empty lists and null where there is nothing (vLLM sends both).
    return bytes(raw).strip() not in {b"", b"null", b"[]", b"[ ]"}
