"""What Cohere says with each status when a fault asks for it."""

from collections.abc import Mapping

from trunkline.simulator.refusals import Refusal, Sample

_NO_KIND = ""
_TRIAL = (
    "You are using a Trial key, which is limited to 1000 API calls / month. You can continue to "
    "use the Trial key for free or upgrade to a Production key with higher rate limits."
)

COHERE_SAMPLES: Mapping[str, Sample] = {
    "status_400": Sample(400, _NO_KIND, "invalid request: please check the request and try again"),
    "status_401": Sample(401, _NO_KIND, "invalid api token"),
    "status_402": Sample(
        402, _NO_KIND, "Please add or update your payment method at https://dashboard.cohere.com"
    ),
    "status_403": Sample(403, _NO_KIND, "you do not have access to this model"),
    "status_404": Sample(404, _NO_KIND, "model not found"),
    "status_429": Sample(
        429, _NO_KIND, "rate limit exceeded, please try again later", retry_after=True
    ),
    "status_500": Sample(500, _NO_KIND, "internal server error"),
    "status_503": Sample(503, _NO_KIND, "service unavailable", retry_after=True),
    "status_529": Sample(529, _NO_KIND, "overloaded", retry_after=True),
    "insufficient_quota": Sample(429, _NO_KIND, _TRIAL),
    "overloaded": Sample(503, _NO_KIND, "the model is overloaded", retry_after=True),
}


def invalid(message: str) -> Refusal:
    """Cohere's 400."""
    return Refusal(400, _NO_KIND, f"invalid request: {message}")


def unknown_field(name: str) -> Refusal:
    """Cohere's 422 for a field that it does not know."""
    return Refusal(422, _NO_KIND, f"unknown field: parameter '{name}' is not a valid field")


def model_not_found(name: str) -> Refusal:
    """Cohere's 404."""
    return Refusal(
        404, _NO_KIND, f"model '{name}' not found, make sure the correct model ID was used"
    )
