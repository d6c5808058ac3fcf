"""The faults on the wires of work that is no conversation."""

from typing import Any

import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

_RERANK: Any = {"model": "sim-rerank", "query": "x", "documents": ["y", "z"]}
_PART: Any = {"parts": [{"text": "one two"}]}

WORK: dict[str, tuple[str, Any]] = {
    "gemini": ("/v1beta/models/sim-embed:embedContent", {"content": _PART}),
    "gemini batch": (
        "/v1beta/models/sim-embed:batchEmbedContents",
        {"requests": [{"model": "models/sim-embed", "content": _PART}]},
    ),
    "ollama": ("/api/embed", {"model": "sim-embed", "input": "one two"}),
    "cohere embed": (
        "/v2/embed",
        {"model": "sim-embed", "input_type": "search_query", "texts": ["one two"]},
    ),
    "cohere rerank": ("/v2/rerank", _RERANK),
    "voyage embeddings": ("/voyage/v1/embeddings", {"model": "sim-embed", "input": "one two"}),
    "voyage rerank": ("/v1/rerank", {**_RERANK, "top_k": 1}),
    "jina rerank": ("/v1/rerank", _RERANK),
}

works = pytest.mark.parametrize(("path", "body"), WORK.values(), ids=WORK)


async def under(simulator: Simulator, path: str, body: Any, fault: str) -> Raw:
    return await exchange(simulator.base_url, request(path, body, {"x-simulator-fault": fault}))


@works
@pytest.mark.parametrize("fault", ["status_401", "status_503", "insufficient_quota"])
async def test_an_error_status_has_the_words_of_the_wire_and_costs_nothing(
    simulator: Simulator, path: str, body: Any, fault: str
) -> None:
    raw = await under(simulator, path, body, fault)
    told = raw.json()
    assert raw.status == {"status_401": 401, "status_503": 503}.get(fault, 429)
    assert set(told) in ({"error"}, {"id", "message"}, {"detail"})
    (seen,) = simulator.ledger
    assert (seen.bill_nano, seen.complete) == (0, True)


@works
async def test_what_is_broken_below_the_wire_is_broken_here_too(
    simulator: Simulator, path: str, body: Any
) -> None:
    whole = await exchange(simulator.base_url, request(path, body))
    cut = await under(simulator, path, body, "cut_after_bytes;bytes=20")
    assert (cut.body, cut.ended_well) == (whole.body[:20], False)
    error = await under(simulator, path, body, "error_in_stream")
    assert (error.status, set(error.json()) & set(whole.json()) - {"id"}) == (200, set())
    huge = await under(simulator, path, body, "huge_chunk;megabytes=0.1")
    told = huge.json()
    assert (told.pop("padding"), told) == ("x" * 100_000, whole.json())
    quiet = await under(simulator, path, body, "no_usage")
    assert len(quiet.body) < len(whole.body)
    bills = [seen.bill_nano for seen in simulator.ledger]
    assert bills == [bills[0]] * 5
    assert bills[0] > 0
    assert [seen.reported_usage for seen in simulator.ledger] == [True, False, False, True, False]
