"""What Google says with each status when a fault asks for it."""

from collections.abc import Mapping

from typing_extensions import override

from trunkline.simulator.refusals import Refusal, Sample


class QuotaRefusal(Refusal):
    """A limit was reached; when to come back stands in the body, not in a header.

    Attributes:
        quota: the name of the quota that was reached.
        retry_delay: seconds, or None where it does not help to come back today.
    """

    def __init__(self, message: str, quota: str, retry_delay: float | None) -> None:
        super().__init__(429, "RESOURCE_EXHAUSTED", message)
        self.quota = quota
        self.retry_delay = retry_delay


class _Quota(Sample, frozen=True, kw_only=True):
    quota: str

    @override
    def refusal(self, retry_after: float) -> Refusal:
        delay = retry_after if self.retry_after else None
        return QuotaRefusal(self.message, self.quota, delay)


_EXCEEDED = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)

GEMINI_SAMPLES: Mapping[str, Sample] = {
    "status_400": Sample(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "status_401": Sample(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential.",
    ),
    "status_402": Sample(
        402, "FAILED_PRECONDITION", "Your prepayment credits are depleted. Please add credit."
    ),
    "status_403": Sample(403, "PERMISSION_DENIED", "The caller does not have permission"),
    "status_404": Sample(404, "NOT_FOUND", "Requested entity was not found."),
    "status_429": _Quota(
        429,
        "RESOURCE_EXHAUSTED",
        _EXCEEDED,
        retry_after=True,
        quota="GenerateRequestsPerMinutePerProjectPerModel",
    ),
    "status_500": Sample(
        500, "INTERNAL", "An internal error has occurred. Please retry or report it."
    ),
    "status_503": Sample(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "status_529": Sample(529, "UNAVAILABLE", "The service is overloaded."),
    # A daily quota: no repeat helps today, so there is no delay to wait for.
    "insufficient_quota": _Quota(
        429, "RESOURCE_EXHAUSTED", _EXCEEDED, quota="GenerateRequestsPerDayPerProjectPerModel"
    ),
    "overloaded": Sample(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
}
