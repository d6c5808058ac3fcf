"""Errors in Anthropic's shape, ours and the provider's."""

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import ProviderFault

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    415: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

_encode = msgspec.json.Encoder().encode


class _Details(msgspec.Struct):
    error_code: str | None = None


class _Error(msgspec.Struct):
    type: str | None = None
    message: str | None = None
    details: _Details | None = None


class _Envelope(msgspec.Struct):
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Envelope).decode


def error_body(error: TrunklineError, request_id: str) -> bytes:
    """The envelope that Anthropic's SDKs turn into their own exception classes."""
    message = f"{error.message} {error.hint}" if error.hint else error.message
    inner: dict[str, object] = {
        "type": _TYPES.get(error.status, "api_error"),
        "message": message,
        "code": error.code,
    }
    if error.param:
        inner["param"] = error.param
    if error.hint:
        inner["hint"] = error.hint
    return _encode({"type": "error", "error": inner, "request_id": request_id})


def read_fault(status: int, body: bytes) -> ProviderFault:
    """Understand an error answer, or the ``error`` event of a stream (status 0)."""
    try:
        error = _decode(body).error
    except (msgspec.DecodeError, RecursionError):
        error = None
    if error is None:
        return ProviderFault(status or 502, None, None, ours=status in {401, 402, 403})
    status = status or _STATUS_OF_TYPE.get(error.type or "", 502)
    spent = error.details is not None and error.details.error_code is not None
    ours = status in {401, 402, 403} or (
        spent and error.details is not None and "spend_limit" in (error.details.error_code or "")
    )
    # Anthropic reports an empty balance as 400 with a sentence that begins so. Elsewhere in a
    # sentence the words may be the caller's own, repeated.
    ours = ours or (error.message or "").startswith("Your credit balance is too low")
    return ProviderFault(status, error.type, error.message, ours)
