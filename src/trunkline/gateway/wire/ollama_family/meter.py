"""Reads the lines of a stream as far as money and the end need it."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, ProviderFault, Sight, StreamReader
from trunkline.gateway.wire.endings import BAD_ENDS, may_end_badly
from trunkline.gateway.wire.ollama_family.counts import Counts, usage_of
from trunkline.gateway.wire.ollama_family.errors import read_fault
from trunkline.gateway.wire.sse import size_of

_ABSENT: Final = msgspec.Raw()
_NULL: Final = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: msgspec.Raw = _ABSENT


class _Line(Counts):
    """A line of either format: chat has a message, generate has the same members on its own."""

    message: _Message | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: msgspec.Raw = _ABSENT
    done: bool = False
    model: str | None = None
    error: msgspec.Raw = _ABSENT


_decode = msgspec.json.Decoder(_Line).decode


class OllamaReader(StreamReader):
    """Reads lines up to the one that says ``done``."""

    __slots__ = ("clean", "content_bytes", "error", "input_usage", "model", "service_tier", "usage")

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.input_usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.content_bytes = 0
        self.error: ProviderFault | None = None
        self.clean = True

    @override
    def read(self, frame: bytes) -> Sight:
        try:
            line = _decode(frame)
        except msgspec.ValidationError:
            # Valid JSON of a shape that we do not know passes as it is; it only tells us nothing.
            self.clean = self.clean and not may_end_badly(frame)
            return Sight.CONTENT
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a line is not JSON") from None
        if line.error is not _ABSENT and line.error != _NULL:
            self.error = read_fault(0, frame)
            return Sight.ERROR
        if self.model is None:
            self.model = line.model
        if line.done_reason is not None:
            self.clean = self.clean and line.done_reason not in BAD_ENDS
        size = _content_size(line)
        self.content_bytes += size
        if line.done:
            self.usage = usage_of(line, answered=self.content_bytes > 0)
            return Sight.END
        return Sight.CONTENT if size else Sight.START


def _content_size(line: _Line) -> int:
    message = line.message
    if message is not None:
        text, thinking, calls = message.content, message.thinking, message.tool_calls
    else:
        text, thinking, calls = line.response, line.thinking, line.tool_calls
    size = size_of(text) if text else 0
    if thinking:
        size += size_of(thinking)
    if calls is not _ABSENT and bytes(calls).strip() not in {b"null", b"[]"}:
        size += len(bytes(calls))
    return size
