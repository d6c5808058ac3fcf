"""Prices as the providers' own pages list them, typed by hand, against the bundled catalogue.

Dollars for a million tokens. The pages were read before the catalogue was built; where the
catalogue says something else, ``DIFFERENCES`` says why that is right.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from trunkline.catalog.reader import Catalog
from trunkline.gateway.metering.price import Rates, rates_for
from trunkline.kit.money import format_usd

TODAY = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


class Listed(NamedTuple):
    provider: str
    model: str
    input: str
    output: str
    cache_read: str | None = None
    cache_write_5m: str | None = None
    cache_write_1h: str | None = None


LISTED = [
    Listed("openai", "gpt-4o", "2.50", "10.00", "1.25"),
    Listed("openai", "gpt-4o-2024-05-13", "5.00", "15.00"),
    Listed("openai", "gpt-4o-mini", "0.15", "0.60", "0.075"),
    Listed("openai", "gpt-4.1", "2.00", "8.00", "0.50"),
    Listed("openai", "gpt-4.1-mini", "0.40", "1.60", "0.10"),
    Listed("openai", "gpt-4.1-nano", "0.10", "0.40", "0.025"),
    Listed("openai", "gpt-5", "1.25", "10.00", "0.125"),
    Listed("openai", "gpt-5-mini", "0.25", "2.00", "0.025"),
    Listed("openai", "gpt-5-nano", "0.05", "0.40", "0.005"),
    Listed("openai", "gpt-4-turbo", "10.00", "30.00"),
    Listed("openai", "gpt-4", "30.00", "60.00"),
    Listed("openai", "gpt-3.5-turbo", "0.50", "1.50"),
    Listed("openai", "o1", "15.00", "60.00", "7.50"),
    Listed("openai", "o3", "2.00", "8.00", "0.50"),
    Listed("openai", "o3-mini", "1.10", "4.40", "0.55"),
    Listed("openai", "o4-mini", "1.10", "4.40", "0.275"),
    Listed("anthropic", "claude-sonnet-4-5", "3.00", "15.00", "0.30", "3.75", "6.00"),
    Listed("anthropic", "claude-sonnet-4-20250514", "3.00", "15.00", "0.30", "3.75", "6.00"),
    Listed("anthropic", "claude-haiku-4-5", "1.00", "5.00", "0.10", "1.25", "2.00"),
    Listed("anthropic", "claude-opus-4-1", "15.00", "75.00", "1.50", "18.75", "30.00"),
    Listed("anthropic", "claude-opus-4-5", "5.00", "25.00", "0.50", "6.25", "10.00"),
    Listed("anthropic", "claude-3-7-sonnet-20250219", "3.00", "15.00", "0.30", "3.75", "6.00"),
    Listed("anthropic", "claude-3-5-haiku-20241022", "0.80", "4.00", "0.08", "1.00", "1.60"),
    Listed("anthropic", "claude-3-haiku-20240307", "0.25", "1.25", "0.03", "0.30", "0.50"),
    Listed("google", "gemini-2.5-pro", "1.25", "10.00", "0.125"),
    Listed("google", "gemini-2.5-flash", "0.30", "2.50", "0.03"),
    Listed("google", "gemini-2.5-flash-lite", "0.10", "0.40", "0.01"),
    Listed("mistral", "mistral-large-2411", "2.00", "6.00"),
    Listed("mistral", "codestral-2508", "0.30", "0.90"),
    Listed("groq", "llama-3.3-70b-versatile", "0.59", "0.79"),
    Listed("groq", "llama-3.1-8b-instant", "0.05", "0.08"),
    Listed("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "0.88", "0.88"),
    Listed("deepseek", "deepseek-reasoner", "0.28", "0.42", "0.028"),
    Listed("deepseek", "deepseek-chat", "0.28", "0.42", "0.028"),
    Listed("x-ai", "grok-4-0709", "3.00", "15.00", "0.75"),
]

# (provider, model, bucket) -> (what the catalogue says, why).
STALE = (
    "genai-prices still has DeepSeek's prices of early 2025 for this name, off-peak hours "
    "included, while the provider lowered them in September 2025: we charge too much until it "
    "follows, or until the operator sets a price."
)
DIFFERENCES: dict[tuple[str, str, str], tuple[str, str]] = {
    ("deepseek", "deepseek-reasoner", "input"): ("0.55", STALE),
    ("deepseek", "deepseek-reasoner", "output"): ("2.19", STALE),
    ("deepseek", "deepseek-reasoner", "cache_read"): ("0.14", STALE),
    ("deepseek", "deepseek-chat", "input"): ("0.27", STALE),
    ("deepseek", "deepseek-chat", "output"): ("1.10", STALE),
    ("deepseek", "deepseek-chat", "cache_read"): ("0.07", STALE),
}


def _rates(provider: str, model: str, input_tokens: int = 1, tier: str | None = None) -> Rates:
    catalog = Catalog()
    row = catalog.find(provider, model)
    assert row is not None
    price = catalog.price_at(provider, row, TODAY).price
    assert price is not None
    return rates_for(price, input_tokens, tier)


@pytest.mark.parametrize("listed", LISTED, ids=lambda row: row.model)
def test_the_catalogue_has_the_listed_price_or_the_difference_is_explained(listed: Listed) -> None:
    rates = _rates(listed.provider, listed.model)
    differing = {}
    for bucket in ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h"):
        expected, rate = getattr(listed, bucket), getattr(rates, bucket)
        said = None if rate is None else format_usd(rate)
        if expected is not None and said != expected:
            differing[listed.provider, listed.model, bucket] = said
    explained = {key: said for key, (said, _) in DIFFERENCES.items() if key[:2] == listed[:2]}
    assert differing == explained


def test_each_difference_has_a_reason() -> None:
    assert all(len(reason) > 20 for _, reason in DIFFERENCES.values())


def test_long_inputs_of_claude_sonnet_cost_their_listed_premium() -> None:
    rates = _rates("anthropic", "claude-sonnet-4-5", 200_001)
    assert (format_usd(rates.input or 0), format_usd(rates.output or 0)) == ("6.00", "22.50")


def test_service_tiers_of_openai_cost_what_is_listed() -> None:
    flex, priority = (_rates("openai", "gpt-5", tier=tier) for tier in ("flex", "priority"))
    assert (format_usd(flex.input or 0), format_usd(flex.output or 0)) == ("0.625", "5.00")
    assert (format_usd(priority.input or 0), format_usd(priority.output or 0)) == ("2.50", "20.00")


def test_web_searches_of_claude_cost_ten_dollars_a_thousand() -> None:
    assert _rates("anthropic", "claude-sonnet-4-5").searches == 10_000_000_000_000
