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
        dearest: computed from the others: the lines whose maximum is the worst case, each the
            dearest input, the dearest output and a search, None where nobody knows.
    """

    ref: str
    rates: Rates
    tiers: tuple[Tier, ...] = ()
    variants: tuple[Variant, ...] = ()
    fixed: int = 0
    dearest: tuple[tuple[int | None, int | None, int | None], ...] = ()

    def __post_init__(self) -> None:
        """Compute what every request needs once."""
        msgspec.structs.force_setattr(self, "dearest", _dearest_lines(self))


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
    rates = (
        rates_for(price, usage.input_total, service_tier)
        if price.tiers or price.variants
        else price.rates
    )
    total = 0
    # Written out rather than looped over: this runs twice for each attempt, and two or three of
    # the buckets are used.
    try:
        if tokens := usage.input:
            total += tokens * rates.input  # type: ignore[operator] # None is caught below
        if tokens := usage.output:
            total += tokens * rates.output  # type: ignore[operator] # as above
        if tokens := usage.cache_read:
            total += tokens * rates.cache_read  # type: ignore[operator] # as above
        if tokens := usage.reasoning:
            total += tokens * rates.reasoning  # type: ignore[operator] # as above
        if tokens := usage.cache_write:
            total += tokens * rates.cache_write  # type: ignore[operator] # as above
        if tokens := usage.cache_write_5m:
            total += tokens * rates.cache_write_5m  # type: ignore[operator] # as above
        if tokens := usage.cache_write_1h:
            total += tokens * rates.cache_write_1h  # type: ignore[operator] # as above
        if tokens := usage.audio_input:
            total += tokens * rates.audio_input  # type: ignore[operator] # as above
        if tokens := usage.audio_output:
            total += tokens * rates.audio_output  # type: ignore[operator] # as above
        if tokens := usage.searches:
            total += tokens * rates.searches  # type: ignore[operator] # as above
    except TypeError:
        return None
    return price.fixed - (-total // TOKENS_PER_PRICE)


def cost_of_input(input_tokens: int, price: Price) -> int | None:
    """``cost_of`` a usage that is nothing but so much text input."""
    if not input_tokens:
        return price.fixed
    rate = (rates_for(price, input_tokens) if price.tiers else price.rates).input
    return None if rate is None else price.fixed - (-input_tokens * rate // TOKENS_PER_PRICE)


def dearest_cost(
    input_tokens: int, output_tokens: int, price: Price, searches: int = 0
) -> int | None:
    """An upper bound in nano-dollars: every token in the dearest bucket, tier and variant.

    None when what may be used of input, output or searches has no known price: its cost would be
    unknown.
    """
    dearest = 0
    try:
        for per_input, per_output, per_search in price.dearest:
            bound = input_tokens * per_input if input_tokens else 0  # type: ignore[operator] # None is caught below
            if output_tokens:
                bound += output_tokens * per_output  # type: ignore[operator] # as above
            if searches:
                bound += searches * per_search  # type: ignore[operator] # as above
            if bound > dearest:  # noqa: PLR1730 - max is a call, and each target would make it.
                dearest = bound
    except TypeError:
        return None
    return price.fixed - (-dearest // TOKENS_PER_PRICE)


def _dearest_lines(price: Price) -> tuple[tuple[int | None, int | None, int | None], ...]:
    """For each schedule of rates the dearest input, the dearest output and a search."""
    schedules = [price.rates, *(tier.rates for tier in price.tiers)]
    for variant in price.variants:
        schedules += [variant.rates, *(tier.rates for tier in variant.tiers)]
    lines = []
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
        lines.append((max(inputs, default=None), max(outputs, default=None), rates.searches))
    return tuple(dict.fromkeys(lines))


def _known(*rates: int | None) -> list[int]:
    return [rate for rate in rates if rate is not None]
