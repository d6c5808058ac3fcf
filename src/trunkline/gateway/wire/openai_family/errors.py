"""Errors in OpenAI's shape, ours and the provider's."""

from typing import Any

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import ProviderFault

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
}

# Codes under which the provider speaks of our account, not of the caller's request.
# Source: OpenAI's error-code guide, and the recorded transcripts.
_OUR_ACCOUNT = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "account_deactivated",
        "invalid_api_key",
        "invalid_organization",
    }
)

_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "insufficient_quota": 429,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "overloaded_error": 503,
    "server_is_overloaded": 503,
}

_encode = msgspec.json.Encoder().encode


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Envelope(msgspec.Struct):
    """Older vLLM and Mistral tell the error without an object of its own, or as ``detail``."""

    error: _Error | str | None = None
    message: Any = None
    type: Any = None
    code: Any = None
    detail: Any = None


_decode = msgspec.json.Decoder(_Envelope).decode


def error_object(error: TrunklineError, request_id: str) -> dict[str, object]:
    """The object that OpenAI's SDKs turn into their own exception classes.

    An exhausted budget carries OpenAI's own code for it, since coding tools stop on that word and
    would repeat on any other; our code stands in ``reason``.
    """
    message = f"{error.message} {error.hint}" if error.hint else error.message
    body: dict[str, object] = {
        "message": message,
        "type": _TYPES.get(error.status, "server_error"),
        "param": error.param,
        "code": "insufficient_quota" if error.status == 402 else error.code,
        "reason": error.code,
        "request_id": request_id,
    }
    if error.hint:
        body["hint"] = error.hint
    return body


def error_body(error: TrunklineError, request_id: str) -> bytes:
    """An error as a whole answer."""
    return _encode({"error": error_object(error, request_id)})


def read_fault(status: int, body: bytes) -> ProviderFault:
    """Understand an error answer, or the error frame of a stream (status 0)."""
    try:
        envelope = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        return ProviderFault(status or 502, None, None, ours=status in {401, 402, 403})
    error = envelope.error
    if error is None:
        error = _flat(envelope)
    if not isinstance(error, _Error):
        return ProviderFault(status or 502, None, error, ours=status in {401, 402, 403})
    code = error.code if isinstance(error.code, str) else None
    if not status:
        status = _status_of(error)
    ours = status in {401, 402, 403} or code in _OUR_ACCOUNT or error.type in _OUR_ACCOUNT
    return ProviderFault(status, code or error.type, error.message, ours)


def _flat(envelope: _Envelope) -> _Error | str | None:
    """An error whose members stand at the top, or the sentences of a ``detail``."""
    message, detail = envelope.message, envelope.detail
    if isinstance(message, str):
        kind, code = envelope.type, envelope.code
        return _Error(
            message,
            kind if isinstance(kind, str) else None,
            code if isinstance(code, str | int) else None,
        )
    if isinstance(detail, str):
        return detail
    if not isinstance(detail, list):
        return None
    told = [item.get("msg") for item in detail if isinstance(item, dict)]
    return " ".join([text for text in told if isinstance(text, str)]) or None


def _status_of(error: _Error) -> int:
    if isinstance(error.code, int) and 400 <= error.code <= 599:
        return error.code
    known = _STATUS_OF_TYPE.get(error.type or "")
    return known or _STATUS_OF_TYPE.get(str(error.code), 502)
