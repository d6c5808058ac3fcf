"""The provider registry agrees with settings, catalogue, documentation and recordings."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from genai_prices.data import providers as genai
from scripts.build_provider_docs import PAGE, page

from trunkline.catalog.reader import Catalog
from trunkline.gateway.providers.families import family_of
from trunkline.gateway.providers.registry import PROVIDERS, find_provider
from trunkline.gateway.wire.registry import WIRES
from trunkline.settings import Settings

ROOT = Path(__file__).parent.parent.parent.parent
FIXTURES = Path(os.environ.get("TRUNKLINE_FIXTURES", ROOT.parent / "shared" / "fixtures"))  # noqa: TID251 - tests read this one name


def test_each_id_is_there_once_and_is_found() -> None:
    ids = [row.id for row in PROVIDERS]
    assert len(set(ids)) == len(ids)
    assert [find_provider(row.id) for row in PROVIDERS] == list(PROVIDERS)
    assert find_provider("nobody") is None


def test_each_setting_is_a_field_of_the_settings() -> None:
    named = [name for row in PROVIDERS for name in row.settings]
    assert [name for name in named if name not in Settings.model_fields] == []
    keys = {name for name in Settings.model_fields if name.endswith("_api_key")}
    assert keys <= set(named), "a provider key that no row of the registry uses"


def test_each_price_provider_has_a_bundled_file() -> None:
    catalog = Catalog()
    named = [row.price_provider for row in PROVIDERS if row.price_provider]
    assert [name for name in named if not catalog.models(name)] == []


def test_fallbacks_of_prices_are_those_of_genai_prices() -> None:
    theirs = {row.id: set(row.fallback_model_providers or ()) for row in genai}
    for row in PROVIDERS:
        assert set(row.price_fallbacks) <= theirs.get(row.price_provider or "", set()), row.id
        assert all(Catalog().models(name) for name in row.price_fallbacks), row.id


def test_self_hosted_providers_take_no_prices_from_the_catalogue() -> None:
    assert [row.id for row in PROVIDERS if row.self_hosted and row.price_provider] == []


def test_each_address_is_one_that_a_wire_path_can_follow() -> None:
    for row in PROVIDERS:
        if row.base_url:
            url = urlsplit(row.base_url)
            assert url.scheme in {"http", "https"}, row.id
            trailing = (url.query, url.fragment, row.base_url[-1] == "/")
            assert trailing == ("", "", False), row.id
            assert url.scheme == "https" or row.self_hosted, row.id


def test_the_documentation_has_the_table_of_the_registry() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run python -m scripts.build_provider_docs"
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    unverified = [line for line in rows if "*unverified*" in line]
    assert len(rows) == len(PROVIDERS)
    assert len(unverified) == len([row for row in PROVIDERS if not row.fixtures])


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"no recorded transcripts at {FIXTURES}")
def test_each_verified_row_has_recorded_transcripts() -> None:
    folders = [row.fixtures for row in PROVIDERS if row.fixtures]
    assert [name for name in folders if not list((FIXTURES / name).glob("*.meta.json"))] == []


@pytest.mark.parametrize(
    ("provider", "model", "family"),
    [
        ("anthropic", "anything", "anthropic"), ("vertex", "gemini-2.5-pro", "google"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic"),
        ("bedrock", "openai.gpt-oss-120b-1:0", "other"), ("bedrock", "amazon.nova-v1:0", "other"),
        ("openrouter", "google/gemini-2.5-pro", "google"), ("openrouter", "openai/o4", "openai"),
        ("openrouter", "openai/gpt-5", "openai"), ("litellm", "o3", "openai"),
        ("openai_compatible", "Claude", "anthropic"), ("vllm", "gpt-5-distilled", "other"),
        ("nobody", "gpt-5", "openai"),
    ],
)  # fmt: skip
def test_whose_signatures_a_model_reads_is_told_by_its_maker(
    provider: str, model: str, family: str
) -> None:
    assert family_of(find_provider(provider), model) == family


def test_each_wire_of_a_row_can_be_spoken_and_each_wire_is_spoken_by_some_row() -> None:
    assert {wire for row in PROVIDERS for wire in row.wires} == WIRES.keys()


def test_each_wire_of_a_row_is_there_once() -> None:
    for row in PROVIDERS:
        assert len(set(row.wires)) == len(row.wires), row.id
        assert {wire for wire, _ in row.prefixes} <= set(row.wires), row.id
