"""Google's SDK, embeddings, before the provider wires that can answer them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from google import genai
from google.genai import errors, types
from google.genai.client import AsyncClient
from tests.conformance.matrix.bench import Bench
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.vectors import TEXTS, expected_vectors

CLIENT = "google-genai embeddings"
VECTORS = "sim-embed"


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[AsyncClient]:
    """The client as its users set it up."""
    options = types.HttpOptions(base_url=bench.url)
    async with genai.Client(api_key=bench.key, http_options=options).aio as client:
        yield client


@cells(CLIENT, "one")
async def test_a_text_becomes_a_vector(bench: Bench, sdk: AsyncClient, provider: str) -> None:
    answer = await sdk.models.embed_content(model=bench.model(provider, VECTORS), contents=TEXTS[0])
    found = [embedding.values for embedding in answer.embeddings or []]
    assert found == expected_vectors(TEXTS[:1])
    await bench.calls(provider, 1)


@cells(CLIENT, "several")
async def test_texts_become_vectors_in_their_order(
    bench: Bench, sdk: AsyncClient, provider: str
) -> None:
    # Plain texts would be one content to the SDK where a model's name begins with "gemini".
    contents: Any = [types.Content(parts=[types.Part(text=text)]) for text in TEXTS]
    answer = await sdk.models.embed_content(model=bench.model(provider, VECTORS), contents=contents)
    found = [embedding.values for embedding in answer.embeddings or []]
    assert found == expected_vectors(TEXTS)
    await bench.calls(provider, 1)


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: AsyncClient, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider, VECTORS), "contents": TEXTS}
    for fault, code in (("status_429", 429), ("status_400", 400), ("not_json", 502)):
        bench.fail(fault)
        with pytest.raises(errors.APIError) as refused:
            await sdk.models.embed_content(**fields)
        bench.heal()
        assert (fault, refused.value.code) == (fault, code)
    await bench.failures(provider)
