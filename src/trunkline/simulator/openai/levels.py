"""How much OpenAI's models think, and by which tier they are served."""

from trunkline.simulator.models import SimModel, price_of
from trunkline.simulator.openai.wire import invalid

_REASONING_TOKENS = {"none": 0, "minimal": 0, "low": 64, "medium": 192, "high": 512, "xhigh": 1024}


def reasoning_tokens(effort: str | None, model: SimModel, param: str) -> int:
    """About how many tokens the model reasons for.

    Raises:
        Refusal: nobody knows such an effort; ``param`` is the field that asks for it.
    """
    if not model.reasons:
        return 0
    effort = effort or "medium"
    if effort not in _REASONING_TOKENS:
        raise invalid(
            f"Invalid value: '{effort}'. Supported values are: "
            + ", ".join(f"'{name}'" for name in _REASONING_TOKENS),
            param,
            "invalid_value",
        )
    return _REASONING_TOKENS[effort]


def service_tier(wanted: str | None, model: SimModel) -> str:
    """A tier that the model does not have is served, and reported, as the ordinary one."""
    return wanted if wanted and wanted in price_of(model).service_tiers else "default"
