"""What OpenAI says with each status that a fault asks for."""

from collections.abc import Mapping

from trunkline.simulator.refusals import Sample

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
