"""Prices as integers, and the one place where usage becomes money."""

import msgspec

from trunkline.gateway.metering.usage import Usage
from trunkline.kit.money import TOKENS_PER_PRICE


class Rates(msgspec.Struct, frozen=True, omit_defaults=True):
    """Nano-dollars per million of each bucket of ``Usage``; None where no price is known."""

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    audio_output: int | None = None
    searches: int | None = None


class Tier(msgspec.Struct, frozen=True):
    """Rates for a whole request whose input is above a number of tokens: a cliff, not a bracket."""

    above_input_tokens: int
    rates: Rates


class Variant(msgspec.Struct, frozen=True):
    """Rates under one of the provider's service tiers, such as ``flex`` or ``priority``."""

    service_tier: str
    rates: Rates
    tiers: tuple[Tier, ...] = ()


class Price(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one model costs at one provider from one moment on.

    Attributes:
        ref: identifies this price row and its version; stored with every cost.
        rates: the ordinary rates.
        tiers: dearer rates for long inputs, highest threshold first.
        variants: rates under other service tiers.
        fixed: nano-dollars for each request, whatever it used.
    """

    ref: str
    rates: Rates
    tiers: tuple[Tier, ...] = ()
    variants: tuple[Variant, ...] = ()
    fixed: int = 0


FREE = Rates(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def rates_for(price: Price, input_tokens: int, service_tier: str | None = None) -> Rates:
    """The rates that apply to a request of this many input tokens under this service tier."""
    rates, tiers = price.rates, price.tiers
    if service_tier is not None:
        for variant in price.variants:
            if variant.service_tier == service_tier:
                rates, tiers = variant.rates, variant.tiers
                break
    for tier in tiers:
        if input_tokens > tier.above_input_tokens:
            return tier.rates
    return rates


def cost_of(usage: Usage, price: Price, service_tier: str | None = None) -> int | None:
    """Nano-dollars of this usage, rounded up once; None when a used bucket has no known price."""
    rates = rates_for(price, usage.input_total, service_tier)
    total = 0
    for tokens, rate in (
        (usage.input, rates.input),
        (usage.cache_read, rates.cache_read),
        (usage.cache_write, rates.cache_write),
        (usage.cache_write_5m, rates.cache_write_5m),
        (usage.cache_write_1h, rates.cache_write_1h),
        (usage.audio_input, rates.audio_input),
        (usage.output, rates.output),
        (usage.reasoning, rates.reasoning),
        (usage.audio_output, rates.audio_output),
        (usage.searches, rates.searches),
    ):
        if tokens:
            if rate is None:
                return None
            total += tokens * rate
    return price.fixed - (-total // TOKENS_PER_PRICE)


def dearest_cost(
    input_tokens: int, output_tokens: int, price: Price, searches: int = 0
) -> int | None:
    """An upper bound in nano-dollars: every token in the dearest bucket, tier and variant.

    None when neither input nor output has any known price.
    """
    schedules = [price.rates, *(tier.rates for tier in price.tiers)]
    for variant in price.variants:
        schedules += [variant.rates, *(tier.rates for tier in variant.tiers)]
    dearest: int | None = None
    for rates in schedules:
        inputs = _known(
            rates.input,
            rates.cache_read,
            rates.cache_write,
            rates.cache_write_5m,
            rates.cache_write_1h,
            rates.audio_input,
        )
        outputs = _known(rates.output, rates.reasoning, rates.audio_output)
        if not inputs and not outputs:
            continue
        bound = (
            input_tokens * max(inputs, default=0)
            + output_tokens * max(outputs, default=0)
            + searches * (rates.searches or 0)
        )
        dearest = bound if dearest is None else max(dearest, bound)
    if dearest is None:
        return None
    return price.fixed - (-dearest // TOKENS_PER_PRICE)


def _known(*rates: int | None) -> list[int]:
    return [rate for rate in rates if rate is not None]
