import base64
import math
import struct
from typing import Any

import openai
import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator

SMALL = "text-embedding-3-small"


async def ask(simulator: Simulator, **fields: Any) -> Raw:
    body = {"model": SMALL, "input": "hello there", **fields}
    return await exchange(simulator.base_url, request("/v1/embeddings", body))


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_a_whole_answer_is_one_document_and_is_billed_by_its_input(
    simulator: Simulator,
) -> None:
    raw = await ask(simulator, dimensions=4)
    answer = raw.json()
    assert answer == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": answer["data"][0]["embedding"]}],
        "model": SMALL,
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }
    assert len(answer["data"][0]["embedding"]) == 4
    (seen,) = simulator.ledger
    # $0.02 per million tokens are 20 nano-dollars per token.
    assert (seen.input_tokens, seen.output_tokens, seen.bill_nano) == (2, 0, 40)
    assert (seen.complete, seen.reported_usage) == (True, True)


async def test_both_encodings_hold_the_same_floats(simulator: Simulator) -> None:
    floats = (await ask(simulator)).json()["data"][0]["embedding"]
    text = (await ask(simulator, encoding_format="base64")).json()["data"][0]["embedding"]
    assert list(struct.unpack("<1536f", base64.b64decode(text))) == floats
    assert math.isclose(likeness(floats, floats), 1, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("given", "number", "tokens"),
    [("a b", 1, 2), (["a b", "c"], 2, 3), ([1, 2, 3], 1, 3), ([[1, 2], [3], [4]], 3, 4)],
)
async def test_all_shapes_of_input_are_taken(
    openai_client: openai.AsyncOpenAI, given: Any, number: int, tokens: int
) -> None:
    answer = await openai_client.embeddings.create(model=SMALL, input=given)
    assert [one.index for one in answer.data] == list(range(number))
    assert {len(one.embedding) for one in answer.data} == {1536}
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == tokens


async def test_texts_that_share_words_are_alike_and_the_seed_decides(
    openai_client: openai.AsyncOpenAI,
) -> None:
    texts = ["the cat sat on the mat", "The cat lay on the mat.", "prices rose in autumn"]
    answer = await openai_client.embeddings.create(model="sim-embed", input=texts)
    cat, other_cat, prices = (one.embedding for one in answer.data)
    assert likeness(cat, other_cat) > 0.6 > likeness(cat, prices)
    again = await openai_client.embeddings.create(model="sim-embed", input=texts[0])
    assert again.data[0].embedding == cat
    larger = await openai_client.embeddings.create(model="sim-embed-mine", input=texts[0])
    assert larger.data[0].embedding != cat


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"model": "gpt-4o"}, 404, None, "model_not_found"),
        ({"input": ""}, 400, "input", None),
        ({"input": ["a", ""]}, 400, "input", None),
        ({"input": []}, 400, "input", "empty_array"),
        ({"input": ["a"] * 2049}, 400, "input", "array_above_max_length"),
        ({"input": "a " * 8193}, 400, None, None),
        ({"dimensions": 1537}, 400, "dimensions", None),
        ({"output_dimension": 4}, 400, "output_dimension", "unknown_parameter"),
        ({"input_type": "query"}, 400, "input_type", "unknown_parameter"),
    ],
)
async def test_what_breaks_a_rule_is_refused(
    simulator: Simulator, fields: Any, status: int, param: str | None, code: str | None
) -> None:
    raw = await ask(simulator, **fields)
    error = raw.json()["error"]
    assert (raw.status, error["param"], error["code"]) == (status, param, code)
    assert (simulator.ledger[-1].bill_nano, error["type"]) == (0, "invalid_request_error")
