"""The one tree of errors: each has a status, a code, a sentence and a way out.

Wire modules turn these into the shape of the caller's API; nothing else writes error bodies.
"""

from typing import ClassVar


class TrunklineError(Exception):
    """An error that a caller may see.

    Attributes:
        status: HTTP status of the answer.
        code: stable machine-readable word; clients may switch on it.
        message: one sentence that says what happened.
        hint: one sentence that says what to do next, or None.
        retry_after: seconds after which a repeat can succeed, only where that is known.
        should_retry: what ``x-should-retry`` says; SDKs of OpenAI and Anthropic obey it.
        param: name of the offending field of the request, where there is one.
        reference: where more is written, for our own logs only; never sent to the caller.
    """

    status: int = 500
    default_code: ClassVar[str] = "internal_error"
    default_should_retry: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        hint: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        param: str | None = None,
        reference: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if status is not None:
            self.status = status
        self.code = code or self.default_code
        self.hint = hint
        self.retry_after = retry_after
        self.should_retry = self.default_should_retry if should_retry is None else should_retry
        self.param = param
        self.reference = reference


class InvalidRequest(TrunklineError):
    """The request cannot be understood or is not allowed by its own rules."""

    status = 400
    default_code = "invalid_request"


class Unauthenticated(TrunklineError):
    """No credential, or one that we do not know."""

    status = 401
    default_code = "invalid_api_key"


class BudgetExhausted(TrunklineError):
    """The money of a budget is spent; waiting does not help until its window turns."""

    status = 402
    default_code = "budget_exhausted"


class Forbidden(TrunklineError):
    """The caller is known and may not do this."""

    status = 403
    default_code = "permission_denied"


class NotFound(TrunklineError):
    """What the request names does not exist for this caller."""

    status = 404
    default_code = "not_found"


class MethodNotAllowed(TrunklineError):
    """The path exists, the method does not."""

    status = 405
    default_code = "method_not_allowed"


class RequestTimeout(TrunklineError):
    """The client took too long to send its request."""

    status = 408
    default_code = "request_timeout"
    default_should_retry = True


class Conflict(TrunklineError):
    """The request contradicts the present state, such as a repeat of one still running."""

    status = 409
    default_code = "conflict"


class PayloadTooLarge(TrunklineError):
    """The body is larger than the operator allows."""

    status = 413
    default_code = "request_too_large"


class UnsupportedMediaType(TrunklineError):
    """The content type is not one that the endpoint reads."""

    status = 415
    default_code = "unsupported_media_type"


class UpgradeRequired(TrunklineError):
    """The client asks for a protocol on this connection that the server does not speak."""

    status = 426
    default_code = "protocol_not_supported"


class LimitExceeded(TrunklineError):
    """A rate, token, concurrency or daily limit refused the request."""

    status = 429
    default_code = "rate_limit_exceeded"
    default_should_retry = True


class HeadersTooLarge(TrunklineError):
    """The request's line and headers are larger than the server reads."""

    status = 431
    default_code = "headers_too_large"


class InternalError(TrunklineError):
    """A defect of ours; the detail stands in the log under the request id."""

    status = 500
    default_code = "internal_error"


class UpstreamFailed(TrunklineError):
    """The provider could not be reached, broke the protocol or failed."""

    status = 502
    default_code = "upstream_error"
    default_should_retry = True


class Unavailable(TrunklineError):
    """We cannot serve right now: starting, draining, full, or a part we need is down."""

    status = 503
    default_code = "service_unavailable"
    default_should_retry = True


class UpstreamTimeout(TrunklineError):
    """The provider stayed silent for longer than the operator allows."""

    status = 504
    default_code = "upstream_timeout"
