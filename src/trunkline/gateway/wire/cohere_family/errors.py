"""Errors in Cohere's shape, ours and the provider's."""

from typing import Final

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import ProviderFault

_encode = msgspec.json.Encoder().encode

# 498 is Cohere's own status for a token that is not valid.
_OURS: Final = frozenset({401, 402, 403, 498})


class _Envelope(msgspec.Struct):
    message: str | None = None


_decode = msgspec.json.Decoder(_Envelope).decode


def message_of(error: TrunklineError) -> str:
    """What a caller reads of an error."""
    return f"{error.message} {error.hint}" if error.hint else error.message


def error_body(error: TrunklineError, request_id: str) -> bytes:
    """The object that Cohere's SDK puts into its own exceptions."""
    return _encode({"id": request_id, "message": message_of(error), "code": error.code})


def read_fault(status: int, body: bytes) -> ProviderFault:
    """Understand an error answer."""
    try:
        message = _decode(body).message
    except (msgspec.DecodeError, RecursionError):
        message = None
    return ProviderFault(status or 502, None, message, ours=status in _OURS)
