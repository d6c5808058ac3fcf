"""Longest outputs and token densities, kept by hand."""

import re

import pytest

from trunkline.catalog.capabilities import Capabilities, Fact, LateSystemRow, TraitRow
from trunkline.catalog.reader import Catalog
from trunkline.gateway.exchange.destination import Traits
from trunkline.gateway.exchange.fit import NAMES
from trunkline.gateway.exchange.thinking import EFFORTS

CAPABILITIES = Capabilities()


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("gpt-4o", 16_384),
        ("gpt-4o-mini-2024-07-18", 16_384),
        ("gpt-4o-2024-05-13", 4_096),
        ("gpt-5", 128_000),
        ("gpt-5.4-mini", 128_000),
        ("gpt-5-chat-latest", 16_384),
        ("gpt-4", 8_192),
        ("o3-mini", 100_000),
        ("claude-sonnet-4-5-20250929", 64_000),
        ("claude-haiku-4-5", 64_000),
        ("claude-sonnet-4-20250514", 64_000),
        ("claude-opus-4-20250514", 32_000),
        ("claude-opus-4-0", 32_000),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-opus-4-5", 64_000),
        ("claude-opus-4-6", 128_000),
        ("claude-3-5-haiku-20241022", 8_192),
        ("claude-3-haiku-20240307", 4_096),
        ("anthropic/claude-haiku-4.5", 64_000),
        ("gemini-2.5-pro", 65_536),
        ("nobody-knows-it", 32_768),
    ],
)
def test_the_longest_output_is_known_or_the_default(name: str, most: int) -> None:
    assert CAPABILITIES.max_output_tokens(name) == most


def test_no_output_is_longer_than_the_context() -> None:
    assert CAPABILITIES.max_output_tokens("nobody-knows-it", 8_192) == 8_192


@pytest.mark.parametrize(
    ("name", "density"),
    [
        ("gpt-4o", 4.0),
        ("claude-opus-4-6", 3.7),
        ("claude-3-haiku-20240307", 3.7),
        ("claude-sonnet-4-5-20250929", 3.7),
        ("claude-opus-4-7", 2.8),
        ("claude-sonnet-5-5", 2.8),
        ("claude-fable-5", 2.8),
        ("gemini-2.5-pro", 3.6),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", 3.6),
        ("mistral-large-2411", 3.6),
        ("nobody-knows-it", 3.6),
    ],
)
def test_the_density_of_tokens_follows_the_family(name: str, density: float) -> None:
    assert CAPABILITIES.bytes_per_token(name) == density


def test_each_fact_has_a_source_and_a_month() -> None:
    file = CAPABILITIES._file
    facts: list[Fact | TraitRow | LateSystemRow] = [
        *file.max_output_tokens,
        *file.bytes_per_token,
        *file.traits,
        *file.late_system,
    ]
    assert [fact for fact in facts if not fact.source] == []
    assert [fact for fact in facts if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", fact.date)] == []


SAMPLING = frozenset({"temperature", "top_p", "top_k"})
EVERY_EFFORT = ("low", "medium", "high", "xhigh", "max")


@pytest.mark.parametrize(
    ("provider", "model", "traits"),
    [
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            Traits(
                refuses=frozenset({"top_p_with_temperature"}),
                refuses_thinking=SAMPLING | {"prefill", "forced_tools"},
                thinking="budget",
            ),
        ),
        (
            "anthropic",
            "claude-sonnet-4-20250514",
            Traits(
                refuses=frozenset({"json_schema", "strict_tools"}),
                refuses_thinking=SAMPLING | {"prefill", "forced_tools"},
                thinking="budget",
            ),
        ),
        (
            "anthropic",
            "claude-opus-4-8",
            Traits(
                refuses=SAMPLING | {"prefill"},
                thinking="adaptive",
                efforts=EVERY_EFFORT,
                late_system=True,
            ),
        ),
        (
            "bedrock",
            "us.anthropic.claude-opus-4-8-v1:0",
            Traits(refuses=SAMPLING | {"prefill"}, thinking="adaptive", efforts=EVERY_EFFORT),
        ),
        (
            "openrouter",
            "anthropic/claude-fable-5.1",
            Traits(
                refuses=SAMPLING | {"prefill", "forced_tools"},
                thinking="adaptive",
                efforts=EVERY_EFFORT,
                thinks_unasked=True,
                thinks_always=True,
            ),
        ),
        (
            "vertex",
            "publishers/google/models/gemini-2.5-pro",
            Traits(
                thinking="budget",
                least_budget=128,
                most_budget=32_768,
                thinks_unasked=True,
                thinks_always=True,
            ),
        ),
        (
            "gemini",
            "gemini-3-pro-preview",
            Traits(
                thinking="level",
                efforts=("low", "high"),
                thinks_unasked=True,
                thinks_always=True,
            ),
        ),
        (
            "ollama",
            "qwen3:8b",
            Traits(
                refuses=frozenset({"image", "audio", "file"}),
                thinking="switch",
                thinks_unasked=True,
            ),
        ),
        ("vllm", "nobody-knows-it", Traits()),
    ],
)
def test_traits_follow_the_generation_of_the_model(
    provider: str, model: str, traits: Traits
) -> None:
    assert CAPABILITIES.traits(provider, model) == traits


@pytest.mark.parametrize(
    ("model", "efforts", "always"),
    [
        ("gpt-5", ("minimal", "low", "medium", "high"), True),
        ("gpt-5-mini-2025-08-07", ("minimal", "low", "medium", "high"), True),
        ("gpt-5-pro", ("high",), True),
        ("gpt-5.1", ("none", "low", "medium", "high"), False),
        ("gpt-5.4", ("none", "low", "medium", "high", "xhigh"), False),
        ("gpt-5.6-sol", ("none", *EVERY_EFFORT), False),
        ("gpt-6-astra", EVERY_EFFORT, True),
        ("o3", ("low", "medium", "high"), True),
        ("ft:gpt-4o-mini-2024-07-18:acme::x", (), False),
        ("gpt-4o", (), False),
    ],
)
def test_models_of_openai_take_the_efforts_of_their_generation(
    model: str, efforts: tuple[str, ...], *, always: bool
) -> None:
    traits = CAPABILITIES.traits("openai", model)
    assert (traits.efforts, traits.thinks_always) == (efforts, always)


def test_a_model_that_reasons_takes_sampling_only_while_it_does_not() -> None:
    traits = CAPABILITIES.traits("openai", "gpt-5.1")
    assert "temperature" not in traits.refuses
    assert "temperature" in traits.refuses_thinking


def test_traits_name_only_what_a_request_can_be_rid_of() -> None:
    for row in CAPABILITIES._file.traits:
        assert row.traits.refuses | row.traits.refuses_thinking <= NAMES, row
        assert set(row.traits.efforts) <= set(EFFORTS), row


def test_efforts_stand_in_their_order() -> None:
    for row in CAPABILITIES._file.traits:
        assert list(row.traits.efforts) == sorted(row.traits.efforts, key=EFFORTS.index), row


def test_dated_names_mean_the_model_that_they_stand_beside() -> None:
    catalog = Catalog()
    for row in CAPABILITIES._file.dated_names:
        for name in row.names:
            found = catalog.find(row.provider, name)
            assert (found and found.id) == row.model, name


def test_a_model_without_dated_names_has_none() -> None:
    assert CAPABILITIES.dated_names("openai", "gpt-4o") == ()
