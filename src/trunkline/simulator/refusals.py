"""The errors that the fake providers answer with, before either wire gives them a shape."""

from collections.abc import Mapping

import msgspec


class Refusal(Exception):
    """A request that gets an error status.

    Attributes:
        status: HTTP status.
        kind: the ``type`` of the error, in the words of the provider asked.
        message: its sentence.
        code: OpenAI's ``code`` or Anthropic's ``details.error_code``, or None.
        param: the field that is wrong, or None.
        headers: what is sent besides the ordinary headers.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.headers = headers


class Sample(msgspec.Struct, frozen=True):
    """What a provider says with one status when a fault asks for it."""

    status: int
    kind: str
    message: str
    code: str | None = None
    retry_after: bool = False

    def refusal(self, retry_after: float) -> Refusal:
        """The error itself; ``retry_after`` is in seconds and only sent where it is meant."""
        headers: tuple[tuple[str, str], ...] = ()
        if self.retry_after:
            headers = (("retry-after", f"{retry_after:g}"),)
        return Refusal(self.status, self.kind, self.message, code=self.code, headers=headers)


OPENAI_SAMPLES: Mapping[str, Sample] = {
    "status_400": Sample(
        400, "invalid_request_error", "We could not understand this request.", "invalid_request"
    ),
    "status_401": Sample(
        401, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key"
    ),
    "status_402": Sample(
        402, "insufficient_quota", "Your account has no credit left.", "billing_hard_limit_reached"
    ),
    "status_403": Sample(
        403, "invalid_request_error", "Your project may not use this model.", "model_not_allowed"
    ),
    "status_404": Sample(
        404,
        "invalid_request_error",
        "The model does not exist or you do not have access to it.",
        "model_not_found",
    ),
    "status_429": Sample(
        429,
        "requests",
        "Rate limit reached on requests per min (RPM). Please try again later.",
        "rate_limit_exceeded",
        retry_after=True,
    ),
    "status_500": Sample(
        500, "server_error", "The server had an error while processing your request."
    ),
    "status_503": Sample(
        503,
        "service_unavailable_error",
        "The server is overloaded or not ready yet.",
        "server_is_overloaded",
        retry_after=True,
    ),
    "status_529": Sample(
        529, "overloaded_error", "The engine is overloaded.", "overloaded", retry_after=True
    ),
    "insufficient_quota": Sample(
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
    ),
    "overloaded": Sample(
        503,
        "service_unavailable_error",
        "That model is currently overloaded with other requests.",
        "server_is_overloaded",
        retry_after=True,
    ),
}

ANTHROPIC_SAMPLES: Mapping[str, Sample] = {
    "status_400": Sample(400, "invalid_request_error", "messages: this request is not valid"),
    "status_401": Sample(401, "authentication_error", "invalid x-api-key"),
    "status_402": Sample(402, "billing_error", "Your credit balance is too low."),
    "status_403": Sample(403, "permission_error", "Your key may not use this resource."),
    "status_404": Sample(404, "not_found_error", "model: not found"),
    "status_429": Sample(
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit.",
        retry_after=True,
    ),
    "status_500": Sample(500, "api_error", "Internal server error"),
    "status_503": Sample(503, "api_error", "Service unavailable", retry_after=True),
    "status_529": Sample(529, "overloaded_error", "Overloaded", retry_after=True),
    # A spend limit that somebody set: a repeat does not help, so there is no retry-after.
    "insufficient_quota": Sample(
        429,
        "rate_limit_error",
        "You have reached your specified API usage limits.",
        "enforced_spend_limit_reached",
    ),
    "overloaded": Sample(529, "overloaded_error", "Overloaded", retry_after=True),
}
