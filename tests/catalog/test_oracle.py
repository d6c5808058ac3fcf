"""Our costs against those that genai-prices computes, for every model of every bundled provider."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

import pytest
from genai_prices import Usage as GenaiUsage
from genai_prices.data import providers
from genai_prices.types import ModelInfo, Provider

from trunkline.catalog.reader import Catalog
from trunkline.gateway.metering.price import Price, Rates, Tier, cost_of
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.money import NANO_PER_USD

# Before all dates; inside and outside of daily windows; after the variants began; long after.
MOMENTS = [
    datetime(2024, 1, 1, 12, tzinfo=UTC),
    datetime(2026, 2, 1, 0, 30, tzinfo=UTC),
    datetime(2026, 2, 1, 0, 29, 59, tzinfo=UTC),
    datetime(2026, 11, 21, 16, 30, tzinfo=UTC),
    datetime(2030, 6, 1, tzinfo=UTC),
]
USAGES = [
    Usage(input=1),
    Usage(input=1_000, output=1_000),
    Usage(input=999_983, cache_read=77, output=131_071, reasoning=7),
    Usage(input=50_000, cache_read=100_000, cache_write_5m=30_000, cache_write_1h=20_001, output=9),
    Usage(input=128_001, output=3),
    Usage(input=100_000, cache_read=100_000, output=3),
    Usage(input=1, cache_write=271_999, output=5),
    Usage(input=1, cache_write=272_000, output=5),
    Usage(input=10, audio_input=33_333, output=1, audio_output=7_777),
    Usage(input=31, output=17, searches=3),
]
CONTEXTS = {
    None: None,
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "default": {"service_tier": "default"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
BUNDLED = [
    "anthropic", "deepseek", "google", "groq", "mistral", "openai", "openrouter", "together",
    "x-ai",
]  # fmt: skip

# OpenRouter lists cache writes of Gemini as repeating decimals (0.083333...); a rate is rounded up
# to whole nano-dollars for a million, so that a cost may be one nano-dollar above the oracle's.
ROUNDED = ("openrouter", "google/gemini-")


def _provider(provider_id: str) -> Provider:
    return next(provider for provider in providers if provider.id == provider_id)


def _as_genai(usage: Usage) -> GenaiUsage:
    """The same usage in the inclusive convention of genai-prices."""
    return GenaiUsage(
        input_tokens=usage.input_total,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write + usage.cache_write_5m + usage.cache_write_1h,
        cache_write_5m_tokens=usage.cache_write_5m,
        cache_write_1h_tokens=usage.cache_write_1h,
        input_audio_tokens=usage.audio_input,
        output_tokens=usage.output_total,
        output_text_tokens=usage.output + usage.reasoning,
        output_reasoning_tokens=usage.reasoning,
        output_audio_tokens=usage.audio_output,
        web_searches=usage.searches,
    )


def _oracle(
    provider: Provider, model: ModelInfo, usage: Usage, at: datetime, tier: str | None
) -> int:
    price = model.calc_price(
        _as_genai(usage), provider, genai_request_timestamp=at, price_context=CONTEXTS[tier]
    )
    return int((price.total_price * NANO_PER_USD).to_integral_value(rounding=ROUND_CEILING))


def _grid(model: ModelInfo) -> Iterator[tuple[datetime, str | None, Usage]]:
    tiers: list[str | None] = [None]
    if model.price_variants:
        tiers += [tier for tier in CONTEXTS if tier is not None]
    for at in MOMENTS if isinstance(model.prices, list) or len(tiers) > 1 else MOMENTS[:1]:
        for tier in tiers:
            for usage in USAGES:
                yield at, tier, usage


@pytest.mark.parametrize("provider_id", BUNDLED)
def test_every_cost_equals_the_one_of_genai_prices_rounded_up(provider_id: str) -> None:
    catalog, provider = Catalog(), _provider(provider_id)
    ours = {model.id: model for model in catalog.models(provider_id)}
    assert list(ours) == [model.id for model in provider.models]
    differing: list[tuple[object, ...]] = []
    rounded: set[str] = set()
    for model in provider.models:
        row = ours[model.id]
        if row.unpriced:
            continue
        for at, tier, usage in _grid(model):
            price = catalog.price_at(provider_id, row, at.timestamp()).price
            assert price is not None
            cost = cost_of(usage, price, tier)
            expected = _oracle(provider, model, usage, at, tier)
            if cost is None:
                # genai-prices counts what has no price as free; we say that we do not know.
                assert _lacks_a_rate(price, usage)
            elif cost != expected:
                if cost - expected == 1 and model.id.lstrip("~").startswith(ROUNDED[1]):
                    rounded.add(provider_id)
                else:
                    differing.append((model.id, at, tier, usage, cost, expected))
    assert differing == []
    assert rounded <= {ROUNDED[0]}


def _lacks_a_rate(price: Price, usage: Usage) -> bool:
    rates = [price.rates, *(tier.rates for tier in price.tiers)]
    return any(
        (usage.searches and rate.searches is None)
        or (usage.output_total and rate.output is None)
        or (usage.input_total and rate.input is None)
        for rate in rates
    )


@pytest.mark.parametrize("provider_id", [p for p in BUNDLED if p != "google"])
def test_a_name_finds_the_same_model_as_in_genai_prices(provider_id: str) -> None:
    catalog, provider = Catalog(), _provider(provider_id)
    names = {name for model in provider.models for name in _spellings(model.id)}
    names |= {name for model in catalog.models(provider_id) for name in model.match.equals}
    for name in sorted(names):
        found, expected = catalog.find(provider_id, name), provider.find_model(name)
        assert (found and found.id) == (expected and expected.id), name


def _spellings(model_id: str) -> list[str]:
    return [
        model_id, model_id.upper(), f"{model_id}-20251211", f"{model_id}-2025-12-11",
        f"{model_id}-20259999", f"{model_id}-latest", f"x{model_id}", f"{model_id}-tts",
    ]  # fmt: skip


def test_a_tier_applies_to_the_whole_request_above_its_threshold_only() -> None:
    catalog = Catalog()
    model = catalog.find("anthropic", "claude-sonnet-4-5-20250929")
    assert model is not None
    price = catalog.price_at("anthropic", model, MOMENTS[-1].timestamp()).price
    assert price is not None
    assert price.tiers == (
        Tier(
            200_000,
            Rates(
                input=6_000_000_000,
                cache_read=600_000_000,
                cache_write=7_500_000_000,
                cache_write_5m=7_500_000_000,
                cache_write_1h=12_000_000_000,
                audio_input=6_000_000_000,
                output=22_500_000_000,
                reasoning=22_500_000_000,
                audio_output=22_500_000_000,
                searches=10_000_000_000_000,
            ),
        ),
    )
    assert cost_of(Usage(input=200_000), price) == int(Decimal("0.6") * NANO_PER_USD)
    assert cost_of(Usage(input=200_001), price) == 1_200_006_000
