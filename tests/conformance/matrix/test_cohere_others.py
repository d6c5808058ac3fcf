"""Cohere's SDK, embed and rerank, before every provider wire that can answer them."""

from collections.abc import AsyncIterator
from typing import Any

import cohere
import pytest
import pytest_asyncio
from tests.conformance.matrix.bench import Bench
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.vectors import QUERY, TEXTS, expected_order, expected_vectors

EMBED = "cohere embed"
RERANK = "cohere rerank"
ONCE: Any = {"max_retries": 0}
REFUSED = {
    "status_429": cohere.TooManyRequestsError,
    "status_400": cohere.BadRequestError,
    "status_500": cohere.InternalServerError,
}


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[cohere.AsyncClientV2]:
    """The client as its users set it up."""
    async with cohere.AsyncClientV2(api_key=bench.key, base_url=bench.url) as client:
        yield client


async def embedded(bench: Bench, sdk: cohere.AsyncClientV2, provider: str, texts: list[str]) -> Any:
    return await sdk.embed(
        model=bench.model(provider, "sim-embed"),
        texts=texts,
        input_type="search_document",
        embedding_types=["float"],
        request_options=ONCE,
    )


async def reranked(bench: Bench, sdk: cohere.AsyncClientV2, provider: str, **fields: Any) -> Any:
    return await sdk.rerank(
        model=bench.model(provider, "sim-rerank"),
        query=QUERY,
        documents=TEXTS,
        request_options=ONCE,
        **fields,
    )


@cells(EMBED, "one")
async def test_a_text_becomes_a_vector(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    answer = await embedded(bench, sdk, provider, TEXTS[:1])
    assert answer.embeddings.float_ == expected_vectors(TEXTS[:1])
    (call,) = await bench.calls(provider, 1)
    assert answer.meta.billed_units.input_tokens == call.seen.input_tokens


@cells(EMBED, "several")
async def test_texts_become_vectors_in_their_order(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    answer = await embedded(bench, sdk, provider, TEXTS)
    assert answer.embeddings.float_ == expected_vectors(TEXTS)
    assert answer.texts == TEXTS
    (call,) = await bench.calls(provider, 1)
    assert answer.meta.billed_units.input_tokens == call.seen.input_tokens


@cells(EMBED, "errors")
async def test_failures_of_embeddings_are_the_sdks_own_exceptions(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    for fault, error in REFUSED.items():
        bench.fail(fault)
        with pytest.raises(error):
            await embedded(bench, sdk, provider, TEXTS)
        bench.heal()
    await bench.failures(provider)


@cells(RERANK, "order")
async def test_documents_come_best_first(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    answer = await reranked(bench, sdk, provider)
    order = [(result.index, result.relevance_score) for result in answer.results]
    assert order == expected_order(TEXTS, QUERY)
    fewer = await reranked(bench, sdk, provider, top_n=2)
    shown = [(result.index, result.relevance_score) for result in fewer.results]
    assert shown == order[:2]
    for call in await bench.calls(provider, 2):
        assert call.usage.searches == call.seen.search_units


@cells(RERANK, "errors")
async def test_failures_of_rankings_are_the_sdks_own_exceptions(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    for fault, error in REFUSED.items():
        bench.fail(fault)
        with pytest.raises(error):
            await reranked(bench, sdk, provider)
        bench.heal()
    await bench.failures(provider)
