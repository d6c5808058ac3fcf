"""The strategy ``price``: the cheapest for this very request."""

from tests.gateway.routing.examples import alias, order, priced, target

from trunkline.gateway.metering.price import FREE, Price, Rates, Tier
from trunkline.gateway.routing.facts import StatedFacts


def test_long_inputs_and_long_outputs_have_different_winners() -> None:
    reads = priced("reads", input=10, output=900)
    writes = priced("writes", input=100, output=100)
    among = alias((reads, writes), strategy="price")
    long_input = StatedFacts(input_tokens=100_000, output_tokens=100)
    long_output = StatedFacts(input_tokens=100, output_tokens=10_000)
    assert order(among, long_input) == ["reads", "writes"]
    assert order(among, long_output) == ["writes", "reads"]


def test_unknown_prices_come_last_and_free_ones_first() -> None:
    nothing = target("nothing", price=Price(ref="free", rates=FREE))
    half = priced("half", input=1, output=None)
    cheap = priced("cheap", input=1, output=1)
    among = alias((target("unknown"), half, cheap, nothing), strategy="price")
    assert order(among, StatedFacts(input_tokens=10, output_tokens=10)) == [
        "nothing",
        "cheap",
        "unknown",
        "half",
    ]


def test_equal_prices_keep_the_order_in_which_they_are_written() -> None:
    among = [priced(name, input=5, output=5) for name in ("z", "a", "m")]
    assert order(alias(among, strategy="price")) == ["z", "a", "m"]


def test_a_tokenizer_that_makes_more_tokens_costs_more() -> None:
    fine = priced("fine", input=100, output=100, bytes_per_token=3.0)
    coarse = priced("coarse", input=110, output=100, bytes_per_token=4.0)
    facts = StatedFacts(input_tokens=1_000, output_tokens=0)
    assert order(alias((fine, coarse), strategy="price"), facts) == ["coarse", "fine"]


def test_the_tier_of_long_inputs_counts() -> None:
    low, high = Rates(input=1_000, output=1_000), Rates(input=9_000, output=9_000)
    tiered = target("tiered", price=Price(ref="t", rates=low, tiers=(Tier(200_000, high),)))
    flat = target("flat", price=Price(ref="f", rates=Rates(input=3_000, output=3_000)))
    among = alias((tiered, flat), strategy="price")
    assert order(among, StatedFacts(input_tokens=1_000_000))[0] == "flat"
    assert order(among, StatedFacts(input_tokens=100_000))[0] == "tiered"
