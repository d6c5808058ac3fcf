"""Meters streamed completions."""

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
    says_something,
)
from trunkline.gateway.wire.sse import data_of, size_of


class _Choice(msgspec.Struct):
    text: str | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None


class _Chunk(Chunk):
    choices: list[_Choice] | None = None


_decode = msgspec.json.Decoder(_Chunk).decode


class TextMeter(ChunkMeter):
    """Reads streamed ``text_completion`` frames up to ``[DONE]``."""

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
        self.model = self.model or chunk.model
        self.service_tier = chunk.service_tier or self.service_tier
        if not chunk.choices:
            return self.read_without_choices(chunk, chunk.choices, data)
        sight = Sight.START
        for choice in chunk.choices:
            if choice.text:
                self.content_bytes += size_of(choice.text)
                self._running = None
                sight = Sight.CONTENT
            if choice.native_finish_reason in BAD_ENDS:
                self.clean = False
            if choice.finish_reason is not None:
                sight = self.finished(choice.finish_reason)
        self.read_bill(chunk)
        return sight
