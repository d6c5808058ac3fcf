"""Jina's rerank, which answers on the path that it shares with Voyage."""

from typing import Any

import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

DOCUMENTS = ["London is large.", {"text": "The capital of France is Paris."}]
RERANK: Any = {"model": "sim-rerank", "query": "capital of France", "documents": DOCUMENTS}


async def ask(simulator: Simulator, body: Any, **headers: str) -> Raw:
    return await exchange(simulator.base_url, request("/v1/rerank", body, headers))


async def test_a_rerank_has_results_with_their_documents_and_is_billed_by_tokens(
    simulator: Simulator,
) -> None:
    told = (await ask(simulator, {**RERANK, "top_n": 1})).json()
    score = told["results"][0]["relevance_score"]
    assert told == {
        "model": "sim-rerank",
        "object": "list",
        "usage": {"total_tokens": 20},
        "results": [
            {
                "index": 1,
                "relevance_score": score,
                "document": {"text": "The capital of France is Paris."},
            }
        ],
    }
    (seen,) = simulator.ledger
    assert (seen.wire, seen.input_tokens, seen.bill_nano) == ("jina_rerank", 20, 20 * 50)


async def test_documents_may_be_left_out(simulator: Simulator) -> None:
    told = (await ask(simulator, {**RERANK, "return_documents": False})).json()
    assert [set(one) for one in told["results"]] == [{"index", "relevance_score"}] * 2


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({**RERANK, "documents": []}, "must not be empty"),
        ({**RERANK, "top_n": 0}, "Argument 'top_n'"),
        ({"model": "sim-rerank", "documents": ["x"]}, "Argument 'query'"),
        (b"[]", "Expected `object`"),
    ],
)
async def test_what_jina_refuses_has_a_detail(
    simulator: Simulator, body: Any, sentence: str
) -> None:
    raw = await ask(simulator, body)
    assert (raw.status, set(raw.json())) == (400, {"detail"})
    assert sentence in raw.json()["detail"]


async def test_an_answer_may_lack_its_usage(simulator: Simulator) -> None:
    raw = await ask(simulator, RERANK, **{"x-simulator-fault": "no_usage"})
    assert set(raw.json()) == {"model", "object", "results"}
