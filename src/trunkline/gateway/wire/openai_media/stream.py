"""Streams of the media endpoints: events whose last one has a name that ends in a known word."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, ProviderFault, Sight, StreamReader
from trunkline.gateway.wire.openai_family import errors as openai_errors
from trunkline.gateway.wire.openai_media.usage import Reported, usage_of
from trunkline.gateway.wire.sse import data_of

_LAST: Final = (".done", ".completed")
_ABSENT: Final = msgspec.Raw()


class _Event(msgspec.Struct):
    type: str = ""
    usage: Reported | None = None
    error: msgspec.Raw = _ABSENT


_decode = msgspec.json.Decoder(_Event).decode


class MediaReader(StreamReader):
    """Reads the events of one stream; the content's bytes stand for what nobody counted."""

    __slots__ = ("content_bytes", "error", "input_usage", "model", "service_tier", "usage")

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.input_usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.content_bytes = 0
        self.error: ProviderFault | None = None

    @override
    def read(self, frame: bytes) -> Sight:
        data = data_of(frame)
        if not data:
            return Sight.START
        if data == b"[DONE]":
            return Sight.END
        try:
            event = _decode(data)
        except msgspec.ValidationError:
            return Sight.CONTENT
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("a data line is not JSON") from None
        if event.type == "error" or bytes(event.error).strip() not in {b"", b"null"}:
            self.error = openai_errors.read_fault(0, data)
            return Sight.ERROR
        self.content_bytes += len(data)
        if event.type.endswith(_LAST):
            self.usage = usage_of(event.usage) or self.usage
            return Sight.CLOSING
        return Sight.CONTENT
