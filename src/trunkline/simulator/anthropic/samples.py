"""What Anthropic says with each status that a fault asks for."""

from collections.abc import Mapping

from trunkline.simulator.refusals import Sample

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
