import pytest

from trunkline.simulator import PRICES, ListPrice
from trunkline.simulator.billing import TokenUse, bill
from trunkline.simulator.models import MODELS

ODD = ListPrice(input=1, output=3, cache_read=0, cache_write_5m=0, cache_write_1h=0)


@pytest.mark.parametrize(
    ("model", "tier", "use", "nano"),
    [
        # Worked out by hand from the price pages: dollars per million are 1,000 nano per token.
        ("sim-fast", None, TokenUse(uncached=1000, output=100), 1000 * 500 + 100 * 1500),
        ("gpt-4o-mini", None, TokenUse(uncached=7, cache_read=128, output=3), 12_450),
        ("gpt-5-mini", None, TokenUse(uncached=11, output=228, reasoning=192), 458_750),
        ("gpt-5-mini", "flex", TokenUse(uncached=11, output=228), 229_375),
        ("gpt-5-mini", "unheard-of", TokenUse(uncached=11, output=228), 458_750),
        ("o4-mini", "flex", TokenUse(cache_read=1000), 138_000),
        (
            "claude-haiku-4-5",
            None,
            TokenUse(uncached=4, cache_write_5m=1000, cache_write_1h=500, output=10),
            4_000 + 1_250_000 + 1_000_000 + 50_000,
        ),
        ("claude-sonnet-4-5", None, TokenUse(cache_read=1163, uncached=4, output=202), 3_390_900),
        ("claude-sonnet-4-5", None, TokenUse(uncached=200_000, output=1), 600_015_000),
        # One token above the threshold makes the whole request dear: $6 and $22.50.
        ("claude-sonnet-4-5", None, TokenUse(uncached=200_001, output=1), 1_200_028_500),
        (
            "claude-sonnet-4-5",
            None,
            TokenUse(uncached=1, cache_read=200_000),
            200_000 * 600 + 6000,
        ),
    ],
)
def test_bills_agree_with_the_price_pages(
    model: str, tier: str | None, use: TokenUse, nano: int
) -> None:
    assert bill(use, PRICES[model], tier) == nano


@pytest.mark.parametrize(
    ("use", "nano"),
    [
        (TokenUse(), 0),
        (TokenUse(uncached=1), 1),
        (TokenUse(uncached=1_000_000), 1),
        (TokenUse(uncached=1_000_001), 2),
        (TokenUse(uncached=500_000, output=500_000), 2),
        (TokenUse(uncached=1, output=1), 1),
    ],
)
def test_a_bill_is_rounded_up_once_and_not_for_each_part(use: TokenUse, nano: int) -> None:
    assert bill(use, ODD) == nano


def test_every_model_has_a_price_and_every_price_a_model() -> None:
    assert {model.name for model in MODELS} == set(PRICES)
