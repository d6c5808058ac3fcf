"""What Mistral says with each status that a fault asks for."""

from collections.abc import Mapping

from trunkline.simulator.refusals import Sample

MISTRAL_SAMPLES: Mapping[str, Sample] = {
    "status_400": Sample(400, "invalid_request_error", "This request is not valid.", "3000"),
    "status_401": Sample(401, "unauthorized", "Unauthorized"),
    "status_402": Sample(402, "payment_required", "Your workspace has no credit left.", "2300"),
    "status_403": Sample(403, "forbidden", "Your key may not use this model.", "2200"),
    "status_404": Sample(404, "not_found", "The model does not exist.", "1500"),
    "status_429": Sample(
        429, "rate_limited", "Requests rate limit exceeded", "1300", retry_after=True
    ),
    "status_500": Sample(500, "internal_server_error", "Internal server error", "1000"),
    "status_503": Sample(
        503, "service_unavailable", "Service unavailable.", "3800", retry_after=True
    ),
    "status_529": Sample(529, "overloaded", "Service is overloaded.", "3800", retry_after=True),
    "insufficient_quota": Sample(
        429, "monthly_limit_reached", "Your workspace reached its monthly limit.", "1301"
    ),
    "overloaded": Sample(
        503,
        "service_tier_capacity_exceeded",
        "Service tier capacity exceeded for this model.",
        "3505",
        retry_after=True,
    ),
}
