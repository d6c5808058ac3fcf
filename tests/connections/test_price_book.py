"""What a price book knows of a target besides its price."""

import pytest

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import Catalog
from trunkline.connections.price_book import PriceBook
from trunkline.gateway.exchange.destination import Traits
from trunkline.gateway.exchange.parts import Family
from trunkline.gateway.snapshot import Connection, Origin

CAPABILITIES = Capabilities()
BOOK = PriceBook(Catalog(), CAPABILITIES, 1_760_000_000.0)


def connection(provider: str) -> Connection:
    return Connection(
        id="c1",
        name=provider,
        provider=provider,
        wires={},
        origin=Origin("https", "api.example.com", 443),
        headers=(),
    )


@pytest.mark.parametrize(
    ("provider", "model", "family"),
    [
        ("anthropic", "claude-opus-4-8", "anthropic"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic"),
        ("gemini", "gemini-2.5-flash", "google"),
        ("openrouter", "openai/gpt-5", "openai"),
        ("nobody-knows-it", "llama-3.3-70b", "other"),
    ],
)
def test_a_target_says_what_its_model_refuses_and_whose_signatures_it_reads(
    provider: str, model: str, family: Family
) -> None:
    target = BOOK.target(connection(provider), model)
    assert target.family == family
    assert target.traits == CAPABILITIES.traits(provider, model) != Traits()
