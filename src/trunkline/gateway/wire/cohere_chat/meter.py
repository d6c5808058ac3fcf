"""Reads the events of a stream as far as money and the end need it."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.cohere_family.usage import Reported, usage_of
from trunkline.gateway.wire.contract import Malformed, ProviderFault, Sight, StreamReader
from trunkline.gateway.wire.endings import BAD_ENDS, may_end_badly
from trunkline.gateway.wire.sse import data_of, size_of

DONE: Final = b"[DONE]"
_SILENT: Final = frozenset({"message-start", "content-end", "citation-end", "debug"})


_ABSENT: Final = msgspec.Raw()


class _Content(msgspec.Struct):
    text: str | None = None
    thinking: str | None = None


class _Message(msgspec.Struct):
    # ``message-start`` has an empty list here.
    content: _Content | list[Any] | None = None
    tool_plan: str | None = None
    tool_calls: msgspec.Raw = _ABSENT


class _Delta(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None
    usage: Reported | None = None
    error: str | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    delta: _Delta | None = None
    message: str | None = None


_decode = msgspec.json.Decoder(_Event).decode


def is_fault(finish_reason: str | None) -> bool:
    """Whether a reason to finish says that the answer is not whole through no will of the model."""
    if finish_reason is None or finish_reason == "ERROR_TOXIC":
        return False
    return finish_reason.startswith("ERROR") or finish_reason == "TIMEOUT"


class CohereChatReader(StreamReader):
    """Reads events up to ``message-end``, after which ``[DONE]`` may or may not come."""

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
        data = data_of(frame)
        if not data:
            return Sight.START
        if data == DONE:
            return Sight.END
        try:
            event = _decode(data)
        except msgspec.ValidationError:
            # Valid JSON of a shape that we do not know passes as it is; it only tells us nothing.
            self.clean = self.clean and not may_end_badly(data)
            return Sight.CONTENT
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        delta = event.delta
        if event.type == "message-end":
            return self._end(delta)
        if delta is not None and delta.message is not None and event.type not in _SILENT:
            size = _content_size(delta.message)
            self.content_bytes += size
            return Sight.CONTENT if size or event.type != "content-start" else Sight.START
        if event.message is not None and event.type is None:
            self.error = ProviderFault(502, None, event.message, ours=False)
            return Sight.ERROR
        return Sight.START

    def _end(self, delta: _Delta | None) -> Sight:
        if delta is None:
            return Sight.CLOSING
        reason = delta.finish_reason
        if is_fault(reason):
            status = 504 if reason == "TIMEOUT" else 502
            self.error = ProviderFault(status, reason, delta.error, ours=False)
            return Sight.ERROR
        self.clean = self.clean and reason not in BAD_ENDS
        self.usage = usage_of(delta.usage, generates=True)
        return Sight.CLOSING


def _content_size(message: _Message) -> int:
    size = size_of(message.tool_plan) if message.tool_plan else 0
    if isinstance(message.content, _Content):
        text = message.content.text or message.content.thinking
        size += size_of(text) if text else 0
    if message.tool_calls is not _ABSENT:
        size += len(bytes(message.tool_calls))
    return size
