"""LiteLLM's prices of single tokens as dollars for a million."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from trunkline.configuration.litellm.fields import Fields
from trunkline.configuration.litellm.report import Report

_MILLION = 1_000_000
_NANO = Decimal("1e-9")
_BUCKETS = MappingProxyType({
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "output_cost_per_audio_token": "audio_output",
})  # fmt: skip


def price_of(fields: list[Fields], report: Report) -> dict[str, Any]:
    """The price of a deployment, from its parameters and from what is said of its model.

    Empty where neither has one: the bundled price holds then.
    """
    found: dict[str, str] = {}
    for where in fields:
        for name, bucket in _BUCKETS.items():
            value = where.take(name)
            if value is not None and bucket not in found:
                amount = _dollars(value)
                if amount is None:
                    report.left_out(where.at(name), "is no price")
                else:
                    found[bucket] = amount
        request = _dollars(where.take("input_cost_per_query"), for_each=1)
        if request is not None:
            found["request"] = request
    if found and all(Decimal(amount) == 0 for amount in found.values()):
        return {"free": True}
    return {**found}


def _dollars(value: object, for_each: int = _MILLION) -> str | None:
    """A decimal string to the nano-dollar; numbers are taken as they are written."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = (Decimal(str(value)) * for_each).quantize(_NANO, ROUND_HALF_UP)
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0:
        return None
    whole, _, rest = f"{amount:f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
