"""Errors as FastAPI writes them, which Jina and Voyage use: ``{"detail": ...}``.

Servers that took over one of these formats mostly have OpenAI's errors; they are understood too.
"""

from typing import Any

import msgspec
from typing_extensions import override

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import ProviderFault
from trunkline.gateway.wire.whole import WholeWire

_encode = msgspec.json.Encoder().encode


class _Envelope(msgspec.Struct):
    detail: Any = None
    message: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Envelope).decode


def detail_body(error: TrunklineError) -> bytes:
    """An error as a whole answer."""
    message = f"{error.message} {error.hint}" if error.hint else error.message
    return _encode({"detail": message, "code": error.code})


def read_fault(status: int, body: bytes) -> ProviderFault:
    """Understand an error answer."""
    ours = status in {401, 402, 403}
    try:
        envelope = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ProviderFault(status or 502, None, None, ours)
    kind = envelope.error.get("type") if isinstance(envelope.error, dict) else None
    words = (_words(told) for told in (envelope.detail, envelope.error, envelope.message))
    message = next((word for word in words if word), None)
    return ProviderFault(status or 502, kind if isinstance(kind, str) else None, message, ours)


def _words(told: Any) -> str | None:
    """The sentence of an error, wherever it stands; FastAPI lists one for each field."""
    if isinstance(told, str):
        return told
    if isinstance(told, list):
        return "; ".join(filter(None, (_words(one) for one in told[:3]))) or None
    if isinstance(told, dict):
        said = told.get("message") or told.get("msg")
        return said if isinstance(said, str) else None
    return None


class DetailWire(WholeWire):
    """A format with these errors, whose version belongs to the provider's base address."""

    versioned = False

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return detail_body(error)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return detail_body(error)
