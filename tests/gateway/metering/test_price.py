"""Costs and their bounds agree with each other, whatever a price list leaves out."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.metering.price import (
    Price,
    Rates,
    Tier,
    Variant,
    cost_of,
    cost_of_input,
    dearest_cost,
)
from trunkline.gateway.metering.usage import Usage

_rate = st.none() | st.sampled_from([0, 1, 999_999, 1_000_000, 3_000_000_000])
_rates = st.builds(Rates, *[_rate] * len(Rates.__struct_fields__))
_tiers = st.lists(
    st.builds(Tier, st.sampled_from([0, 10, 1_000]), _rates),
    max_size=2,
    unique_by=lambda tier: tier.above_input_tokens,
).map(lambda tiers: tuple(sorted(tiers, key=lambda tier: -tier.above_input_tokens)))
_prices = st.builds(
    Price,
    st.just("p"),
    _rates,
    _tiers,
    st.lists(st.builds(Variant, st.just("flex"), _rates, _tiers), max_size=1).map(tuple),
    st.sampled_from([0, 7]),
)
_few = st.sampled_from([0, 0, 1, 6, 2_000])
_usages = st.builds(Usage, *[_few] * len(Usage.__struct_fields__))


@given(price=_prices, tokens=st.sampled_from([0, 1, 10, 11, 1_000, 1_001, 5_000_000]))
def test_text_alone_costs_what_a_usage_of_nothing_else_does(price: Price, tokens: int) -> None:
    assert cost_of_input(tokens, price) == cost_of(Usage(input=tokens), price)


@given(price=_prices, usage=_usages, service_tier=st.sampled_from([None, "flex", "unknown"]))
def test_no_usage_costs_more_than_the_bound_of_its_sums(
    price: Price, usage: Usage, service_tier: str | None
) -> None:
    bound = dearest_cost(usage.input_total, usage.output_total, price, usage.searches)
    cost = cost_of(usage, price, service_tier)
    assert cost is None or bound is None or cost <= bound
