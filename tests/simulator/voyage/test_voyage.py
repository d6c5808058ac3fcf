"""Voyage's wires, compared with what was recorded."""

import base64
import json
import struct
from typing import Any

import pytest
from tests.simulator.conftest import TRANSCRIPTS
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

DOCUMENTS = ["London is large.", "The capital of France is Paris."]
RERANK: Any = {"model": "sim-rerank", "query": "capital of France", "documents": DOCUMENTS}
EMBED: Any = {"model": "sim-embed", "input": ["one two", "three"]}


async def ask(simulator: Simulator, path: str, body: Any, **headers: str) -> Raw:
    return await exchange(simulator.base_url, request(path, body, headers))


def shape(value: Any) -> Any:
    """A document with its values forgotten, and the first item standing for a list."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


@pytest.mark.parametrize("path", ["/voyage/v1/rerank", "/v1/rerank"])
async def test_a_rerank_is_a_list_of_data_billed_by_tokens(simulator: Simulator, path: str) -> None:
    raw = await ask(simulator, path, {**RERANK, "top_k": 1})
    told = raw.json()
    assert [one["index"] for one in told["data"]] == [1]
    # Four tokens of the query twice, four and eight of the documents.
    assert told["usage"] == {"total_tokens": 2 * 4 + 4 + 8}
    (seen,) = simulator.ledger
    assert (seen.wire, seen.input_tokens, seen.bill_nano) == ("voyage_rerank", 20, 20 * 50)
    full = await ask(simulator, path, {**RERANK, "top_k": 2, "return_documents": True})
    assert {one["document"] for one in full.json()["data"]} == set(DOCUMENTS)


@pytest.mark.skipif(not TRANSCRIPTS.is_dir(), reason="the transcripts are not on this machine")
async def test_the_shapes_are_those_that_were_recorded(simulator: Simulator) -> None:
    recorded = json.loads((TRANSCRIPTS / "voyage" / "rerank.json").read_bytes())
    told = (await ask(simulator, "/v1/rerank", {**RERANK, "top_k": 3})).json()
    assert shape(told) == shape(recorded)
    recorded = json.loads((TRANSCRIPTS / "voyage" / "embed-shape.json").read_bytes())
    for one in recorded["data"]:
        # A field that the recording's source adds.
        del one["text"]
    told = (await ask(simulator, "/voyage/v1/embeddings", EMBED)).json()
    assert shape(told) == shape(recorded)


async def test_embeddings_have_the_type_that_was_asked_for(simulator: Simulator) -> None:
    async def first(**fields: Any) -> Any:
        raw = await ask(simulator, "/voyage/v1/embeddings", {**EMBED, **fields})
        return raw.json()["data"][0]["embedding"]

    floats = await first()
    assert len(floats) == 256
    assert await first(output_dtype="int8") == [round(one * 127) for one in floats]
    assert await first(output_dtype="uint8") == [round(one * 127) + 128 for one in floats]
    packed = base64.b64decode(await first(encoding_format="base64"))
    assert list(struct.unpack("<256f", packed)) == floats
    single = await ask(simulator, "/voyage/v1/embeddings", {**EMBED, "input": "one two"})
    assert single.json()["data"][0]["embedding"] == floats
    assert single.json()["usage"] == {"total_tokens": 2}


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("rerank", {**RERANK, "top_n": 1}, "Argument 'top_n' is not supported by our API"),
        ("rerank", {**RERANK, "documents": []}, "between 1 and 1000"),
        ("rerank", {**RERANK, "model": "gpt-9"}, "Model gpt-9 is not supported."),
        ("rerank", b"{", "must be valid JSON"),
        ("embeddings", {**EMBED, "output_dimension": 3}, "must be one of"),
        ("embeddings", {**EMBED, "input": []}, "Argument 'input'"),
        ("embeddings", {**EMBED, "dimensions": 256}, "Argument 'dimensions' is not supported"),
    ],
)
async def test_what_voyage_refuses_has_a_detail(
    simulator: Simulator, path: str, body: Any, sentence: str
) -> None:
    raw = await ask(simulator, f"/voyage/v1/{path}", body)
    assert (raw.status, set(raw.json())) == (400, {"detail"})
    assert sentence in raw.json()["detail"]


async def test_a_key_is_needed(simulator: Simulator) -> None:
    for wrong in ("", "Bearer bad-key"):
        raw = await ask(simulator, "/voyage/v1/rerank", RERANK, authorization=wrong)
        assert (raw.status, raw.json()) == (401, {"detail": "Provided API key is invalid."})


async def test_faults_reach_work_as_well(simulator: Simulator) -> None:
    async def under(fault: str) -> Raw:
        headers = {"x-simulator-fault": fault}
        return await ask(simulator, "/voyage/v1/embeddings", EMBED, **headers)

    assert set((await under("no_usage")).json()) == {"object", "data", "model"}
    assert (await under("status_503;retry_after=2")).headers["retry-after"] == "2"
    told = await under("error_in_stream")
    assert (told.status, set(told.json())) == (200, {"detail"})
    assert (await under("cut_after_bytes;bytes=9")).body == b'{"object"'
