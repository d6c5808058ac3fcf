"""What Ollama says with each status when a fault asks for it: a sentence and nothing else."""

from collections.abc import Mapping

from trunkline.simulator.refusals import Refusal, Sample

_NO_KIND = ""

OLLAMA_SAMPLES: Mapping[str, Sample] = {
    "status_400": Sample(400, _NO_KIND, "invalid request"),
    "status_401": Sample(401, _NO_KIND, "unauthorized"),
    "status_402": Sample(402, _NO_KIND, "this model requires a subscription, upgrade for access"),
    "status_403": Sample(403, _NO_KIND, "forbidden"),
    "status_404": Sample(404, _NO_KIND, "model not found"),
    "status_429": Sample(429, _NO_KIND, "too many concurrent requests", retry_after=True),
    "status_500": Sample(500, _NO_KIND, "llama runner process has terminated: exit status 2"),
    "status_503": Sample(
        503,
        _NO_KIND,
        "server busy, please try again. maximum pending requests exceeded",
        retry_after=True,
    ),
    "status_529": Sample(529, _NO_KIND, "overloaded", retry_after=True),
    "insufficient_quota": Sample(
        429, _NO_KIND, "you have reached your weekly usage limit, please upgrade to continue"
    ),
    "overloaded": Sample(
        503,
        _NO_KIND,
        "server busy, please try again. maximum pending requests exceeded",
        retry_after=True,
    ),
}


def invalid(message: str) -> Refusal:
    """Ollama's 400."""
    return Refusal(400, _NO_KIND, message)


def not_found(model: str) -> Refusal:
    """Ollama's answer to a model that was never pulled."""
    return Refusal(404, _NO_KIND, f"model '{model}' not found")
