"""Errors in Google's shape, ours and the provider's.

Source: google.rpc's error model, the troubleshooting page of the Gemini API and the recorded
transcripts.
"""

from typing import Any, Final

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import ProviderFault

_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    # Google has no word for it; an exhausted budget is an exhausted resource.
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_CODES: Final = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_TYPE: Final = "type.googleapis.com/google.rpc."
_DOMAIN: Final = "trunkline"

# The status under which Google says that the project has no billing for the caller's country, and
# the reasons with which it refuses a key.
_OUR_STATUSES: Final = frozenset({"FAILED_PRECONDITION"})
_OUR_REASONS: Final = frozenset(
    {
        "API_KEY_INVALID",
        "API_KEY_SERVICE_BLOCKED",
        "API_KEY_HTTP_REFERRER_BLOCKED",
        "API_KEY_IP_ADDRESS_BLOCKED",
        "CONSUMER_INVALID",
        "CONSUMER_SUSPENDED",
        "BILLING_DISABLED",
        "SERVICE_DISABLED",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    }
)
_DAILY: Final = "PerDay"

_encode = msgspec.json.Encoder().encode


class _Violation(msgspec.Struct, rename="camel"):
    quota_id: str | None = None


class _Detail(msgspec.Struct, rename="camel"):
    reason: str | None = None
    retry_delay: str | None = None
    violations: list[_Violation] | None = None


class _Error(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: Any = None


class _Envelope(msgspec.Struct):
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Envelope | list[_Envelope]).decode


def error_body(error: TrunklineError, request_id: str) -> bytes:
    """The envelope that Google's SDKs turn into their own exceptions."""
    message = f"{error.message} {error.hint}" if error.hint else error.message
    metadata = {"code": error.code, "requestId": request_id}
    if error.param:
        metadata["param"] = error.param
    details: list[dict[str, object]] = [
        {
            "@type": f"{_TYPE}ErrorInfo",
            "reason": error.code.upper(),
            "domain": _DOMAIN,
            "metadata": metadata,
        }
    ]
    if error.retry_after is not None:
        delay = f"{error.retry_after:.10g}s"
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": delay})
    told = {
        "code": error.status,
        "message": message,
        "status": status_word(error.status),
        "details": details,
    }
    return _encode({"error": told})


def status_word(status: int) -> str:
    """Google's word for an HTTP status."""
    return _STATUSES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")


def read_fault(status: int, body: bytes) -> ProviderFault:
    """Understand an error answer, or the error frame of a stream (status 0)."""
    error = _error_in(body)
    if error is None:
        return ProviderFault(status or 502, None, None, ours=status in {401, 402, 403})
    word = error.status or (error.code if isinstance(error.code, str) else None)
    if not status:
        told = error.code if isinstance(error.code, int) else _CODES.get(word or "", 502)
        status = told if 400 <= told <= 599 else 502
    reasons, delay, spent = _read_details(error.details)
    ours = (
        status in {401, 402, 403}
        or word in _OUR_STATUSES
        or spent
        or not _OUR_REASONS.isdisjoint(reasons)
    )
    return ProviderFault(status, word, error.message, ours, delay)


def _error_in(body: bytes) -> _Error | None:
    """The error; a stream that was not asked for as events tells it in an array."""
    try:
        envelope: _Envelope | list[_Envelope] = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if isinstance(envelope, list):
        return next((one.error for one in envelope if one.error is not None), None)
    return envelope.error


def _read_details(details: Any) -> tuple[set[str], float | None, bool]:
    """The reasons, the delay after which a repeat makes sense, and whether the day is used up."""
    reasons: set[str] = set()
    delay: float | None = None
    spent = False
    for value in details if isinstance(details, list) else ():
        try:
            detail = msgspec.convert(value, _Detail)
        except (msgspec.ValidationError, RecursionError):
            continue
        if detail.reason is not None:
            reasons.add(detail.reason)
        delay = _seconds(detail.retry_delay) if delay is None else delay
        spent = spent or any(_DAILY in (one.quota_id or "") for one in detail.violations or ())
    return reasons, delay, spent


def _seconds(duration: str | None) -> float | None:
    """Seconds of a duration such as ``34.4s``."""
    if duration is None or not duration.endswith("s"):
        return None
    try:
        seconds = float(duration[:-1])
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None
