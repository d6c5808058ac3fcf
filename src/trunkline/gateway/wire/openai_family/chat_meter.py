"""Meters streamed chats. Nearly every frame is a piece of text, and that is the path kept short."""

import msgspec
from typing_extensions import override

from trunkline.gateway.wire.contract import Malformed, Sight
from trunkline.gateway.wire.endings import BAD_ENDS, may_end_badly
from trunkline.gateway.wire.openai_family.metering import (
    ABSENT,
    DONE,
    FAILURE,
    Chunk,
    ChunkMeter,
    refuses,
    says_something,
)
from trunkline.gateway.wire.sse import data_of, size_of


class _Delta(msgspec.Struct):
    # Mistral's models tell their thought in a list.
    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: msgspec.Raw = ABSENT
    function_call: msgspec.Raw = ABSENT
    audio: msgspec.Raw = ABSENT


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None


class _Chunk(Chunk):
    choices: list[_Choice] | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class ChatMeter(ChunkMeter):
    """Reads ``chat.completion.chunk`` frames up to ``[DONE]``."""

    __slots__ = ()

    @override
    def read(self, frame: bytes) -> Sight:
        data = data_of(frame)
        if not data:
            return Sight.START
        if data == DONE or frame.startswith(FAILURE):
            return self.read_mark(data)
        try:
            chunk = _decode(data)
        except msgspec.ValidationError:
            self.clean = self.clean and not may_end_badly(data)
            return self.read_strange(data)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        if chunk.error is not ABSENT and says_something(chunk.error):
            return self.failed(data)
        if not self.model:
            self.model = chunk.model
        if chunk.service_tier is not None:
            self.service_tier = chunk.service_tier
        choices = chunk.choices
        if not choices:
            return self.read_without_choices(chunk, choices, data)
        if chunk.usage is None and len(choices) == 1 and self._is_text(choices[0]):
            return Sight.CONTENT
        sight = self._sight_of(choices)
        self.read_bill(chunk)
        return sight

    def _is_text(self, choice: _Choice) -> bool:
        """Whether this is a piece of text and nothing else, as nearly every frame is."""
        delta = choice.delta
        if delta is None or choice.finish_reason is not None:
            return False
        content = delta.content
        if content.__class__ is not str or not content or delta.refusal:
            return False
        if choice.native_finish_reason is not None:
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
                if refuses(delta.refusal, delta.content):
                    self.clean = False
            if choice.native_finish_reason in BAD_ENDS:
                self.clean = False
            if choice.finish_reason is not None:
                sight = self.finished(choice.finish_reason)
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
        if raw is not ABSENT and says_something(raw):
            size += len(bytes(raw))
    return size


def _raw_size(items: list[msgspec.Raw]) -> int:
    return sum(len(bytes(item)) for item in items)
