"""Conformance tests run against the whole product."""

from collections.abc import AsyncIterator

import anthropic
import openai
import pytest
import pytest_asyncio
from tests.conformance.sdk import ORGANISATIONS, Sdk
from tests.product.conftest import StartProduct, product, simulator, start_product
from tests.product.running import Product

__all__ = ["product", "simulator", "start_product"]

KINDS = ("sync", "async")


@pytest_asyncio.fixture
async def served(start_product: StartProduct) -> Product:
    """A product with several organisations, some of them without money or patience."""
    return await start_product(organisations=ORGANISATIONS)


@pytest_asyncio.fixture(params=KINDS)
async def openai_sdk(request: pytest.FixtureRequest, served: Product) -> AsyncIterator[Sdk]:
    """OpenAI's client, one after the other."""
    made = openai_client(served, request.param)
    yield made
    await made.close()


@pytest_asyncio.fixture(params=KINDS)
async def anthropic_sdk(request: pytest.FixtureRequest, served: Product) -> AsyncIterator[Sdk]:
    """Anthropic's client, one after the other."""
    made = anthropic_client(served, request.param)
    yield made
    await made.close()


def openai_client(
    served: Product, kind: str, *, key: str = "acme-app", max_retries: int = 0
) -> Sdk:
    """OpenAI's client with one of the organisations' keys."""
    build = openai.AsyncOpenAI if kind == "async" else openai.OpenAI
    client = build(
        base_url=f"{served.base_url}/v1",
        api_key=served.chain.texts.get(key, key),
        max_retries=max_retries,
    )
    return Sdk(client, is_async=kind == "async")


def anthropic_client(
    served: Product, kind: str, *, key: str = "acme-app", max_retries: int = 0, path: str = ""
) -> Sdk:
    """Anthropic's client with one of the organisations' keys."""
    build = anthropic.AsyncAnthropic if kind == "async" else anthropic.Anthropic
    client = build(
        base_url=served.base_url + path,
        api_key=served.chain.texts.get(key, key),
        max_retries=max_retries,
    )
    return Sdk(client, is_async=kind == "async")
