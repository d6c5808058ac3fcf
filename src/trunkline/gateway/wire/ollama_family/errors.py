"""Errors in Ollama's shape, ours and the provider's."""

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import ProviderFault

_encode = msgspec.json.Encoder().encode


class _Nested(msgspec.Struct):
    message: str | None = None


class _Envelope(msgspec.Struct):
    error: str | _Nested | None = None


_decode = msgspec.json.Decoder(_Envelope).decode


def error_body(error: TrunklineError) -> bytes:
    """The object whose ``error`` Ollama's clients show; our code stands beside it."""
    message = f"{error.message} {error.hint}" if error.hint else error.message
    return _encode({"error": message, "code": error.code})


def read_fault(status: int, body: bytes) -> ProviderFault:
    """Understand an error answer, or the error line of a stream (status 0)."""
    ours = status in {401, 402, 403}
    try:
        error = _decode(body).error
    except (msgspec.DecodeError, RecursionError):
        error = None
    message = error.message if isinstance(error, _Nested) else error
    return ProviderFault(status or 502, None, message, ours)
