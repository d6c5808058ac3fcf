"""Longest outputs and token densities, kept by hand."""

import re

import pytest

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import Catalog

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
    facts = (*CAPABILITIES._file.max_output_tokens, *CAPABILITIES._file.bytes_per_token)
    assert [fact for fact in facts if not fact.source] == []
    assert [fact for fact in facts if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", fact.date)] == []


def test_dated_names_mean_the_model_that_they_stand_beside() -> None:
    catalog = Catalog()
    for row in CAPABILITIES._file.dated_names:
        for name in row.names:
            found = catalog.find(row.provider, name)
            assert (found and found.id) == row.model, name


def test_a_model_without_dated_names_has_none() -> None:
    assert CAPABILITIES.dated_names("openai", "gpt-4o") == ()
