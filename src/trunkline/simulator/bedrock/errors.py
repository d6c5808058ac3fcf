"""Bedrock's errors: their kind stands in a header, only their sentence in the body."""

from collections.abc import Mapping

from typing_extensions import override

from trunkline.simulator.refusals import Refusal, Sample

_TYPE_HEADER = "x-amzn-errortype"
_NAMESPACE = "http://internal.amazon.com/coral/com.amazon.bedrock/"


def refused(status: int, kind: str, message: str) -> Refusal:
    """An error as Bedrock makes it."""
    return Refusal(status, kind, message, headers=((_TYPE_HEADER, f"{kind}:{_NAMESPACE}"),))


def invalid(message: str) -> Refusal:
    """Bedrock's 400."""
    return refused(400, "ValidationException", message)


class _Sample(Sample, frozen=True):
    @override
    def refusal(self, retry_after: float) -> Refusal:
        return refused(self.status, self.kind, self.message)


BEDROCK_SAMPLES: Mapping[str, Sample] = {
    "status_400": _Sample(400, "ValidationException", "The provided request is not valid"),
    "status_401": _Sample(
        401, "UnrecognizedClientException", "The security token included in the request is invalid."
    ),
    "status_402": _Sample(
        402, "ServiceQuotaExceededException", "Your account has no valid payment instrument."
    ),
    "status_403": _Sample(
        403,
        "AccessDeniedException",
        "You don't have access to the model with the specified model ID.",
    ),
    "status_404": _Sample(
        404, "ResourceNotFoundException", "Could not resolve the foundation model"
    ),
    "status_429": _Sample(
        429, "ThrottlingException", "Too many requests, please wait before trying again."
    ),
    "status_500": _Sample(
        500,
        "InternalServerException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    "status_503": _Sample(
        503,
        "ServiceUnavailableException",
        "Bedrock is unable to process your request.",
    ),
    "status_529": _Sample(529, "ServiceUnavailableException", "The service is overloaded."),
    "insufficient_quota": _Sample(
        429, "ThrottlingException", "Too many tokens per day, please wait before trying again."
    ),
    "overloaded": _Sample(
        503,
        "ServiceUnavailableException",
        "Too many connections, please wait before trying again.",
    ),
}
