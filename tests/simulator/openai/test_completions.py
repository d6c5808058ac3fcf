import json
from typing import Any

import openai
import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator


async def ask(simulator: Simulator, **fields: Any) -> Raw:
    body = {"model": "sim-fast", "prompt": "Say hello there", **fields}
    return await exchange(simulator.base_url, request("/v1/completions", body))


def chunks(raw: Raw) -> list[Any]:
    *events, end = raw.events
    assert end == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in events]


def envelope(answer: Any, **fields: Any) -> dict[str, Any]:
    return {
        "id": answer["id"],
        "object": "text_completion",
        "created": answer["created"],
        "model": "sim-fast",
        **fields,
    }


def choice(text: str, finish: str | None = "stop", index: int = 0, **fields: Any) -> dict[str, Any]:
    shown = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
    return {**shown, **fields}


async def test_a_whole_completion_is_one_document(simulator: Simulator) -> None:
    answer = (await ask(simulator)).json()
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert answer == envelope(answer, choices=[choice("hello there")], usage=usage)
    assert answer["id"].startswith("cmpl-")
    assert simulator.ledger[-1].bill_nano == 3 * 500 + 2 * 1500


async def test_a_stream_tells_usage_only_where_it_is_asked_for(simulator: Simulator) -> None:
    whole = (await ask(simulator)).json()
    pieces = [choice("hello", None), choice(" there")]
    bare = chunks(await ask(simulator, stream=True))
    assert bare == [envelope(whole, choices=[piece]) for piece in pieces]
    told = chunks(await ask(simulator, stream=True, stream_options={"include_usage": True}))
    assert told == [
        *(envelope(whole, choices=[piece], usage=None) for piece in pieces),
        envelope(whole, choices=[], usage=whole["usage"]),
    ]


async def test_the_sdk_streams_completions(openai_client: openai.AsyncOpenAI) -> None:
    stream = await openai_client.completions.create(
        model="gpt-3.5-turbo-instruct", prompt="def fib(n):", suffix="print(fib(3))", stream=True
    )
    told = [chunk async for chunk in stream]
    assert [chunk.choices[0].finish_reason for chunk in told] == [*[None] * 15, "length"]


async def test_each_prompt_gets_its_own_answers(simulator: Simulator) -> None:
    prompts = ["Say hello there", "Say bye"]
    fields: Any = {"prompt": prompts, "n": 2, "echo": True, "logprobs": 1}
    answer = (await ask(simulator, **fields)).json()
    assert [one["text"] for one in answer["choices"]] == [
        *["Say hello therehello there"] * 2,
        *["Say byebye"] * 2,
    ]
    assert answer["choices"][0]["logprobs"] == {
        "text_offset": [15, 20],
        "token_logprobs": [-0.125, -0.125],
        "tokens": ["hello", " there"],
        "top_logprobs": [{"hello": -0.125}, {" there": -0.125}],
    }
    assert answer["usage"] == {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    texts = [""] * 4
    tokens: list[list[str]] = [[], [], [], []]
    for chunk in chunks(await ask(simulator, **fields, stream=True)):
        (one,) = chunk["choices"]
        texts[one["index"]] += one["text"]
        tokens[one["index"]] += (one["logprobs"] or {"tokens": []})["tokens"]
    assert texts == [one["text"] for one in answer["choices"]]
    assert tokens == [one["logprobs"]["tokens"] for one in answer["choices"]]


@pytest.mark.parametrize(
    ("prompt", "tokens"), [([1, 2, 3], 3), ([[1, 2], [3]], 3), (["a", "b"], 2), (None, 6)]
)
async def test_prompts_may_be_tokens(simulator: Simulator, prompt: Any, tokens: int) -> None:
    answer = (await ask(simulator, prompt=prompt, max_tokens=1)).json()
    assert answer["usage"]["prompt_tokens"] == tokens


async def test_nothing_is_generated_where_nothing_may_be(simulator: Simulator) -> None:
    fields: Any = {"max_tokens": 0, "echo": True, "logprobs": 0}
    answer = (await ask(simulator, **fields)).json()
    nothing: dict[str, Any] = {
        "text_offset": [],
        "token_logprobs": [],
        "tokens": [],
        "top_logprobs": None,
    }
    assert answer["choices"] == [choice("Say hello there", "length", logprobs=nothing)]
    told = chunks(await ask(simulator, max_tokens=0, stream=True))
    assert [chunk["choices"] for chunk in told] == [[choice("", "length")]]


async def test_a_stop_ends_the_answer(simulator: Simulator) -> None:
    for stop in ("there", ["there", "", "x"]):
        answer = (await ask(simulator, stop=stop)).json()
        assert answer["choices"] == [choice("hello ")]


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"model": "nothing"}, 404, None, "model_not_found"),
        ({"model": "gpt-4o"}, 404, "model", None),
        ({"messages": []}, 400, "messages", "unknown_parameter"),
        ({"prompt": []}, 400, "prompt", "empty_array"),
        ({"stream_options": {}}, 400, "stream_options", None),
        ({"logprobs": 6}, 400, "logprobs", None),
        ({"best_of": 3}, 400, "best_of", None),
        ({"echo": True, "suffix": "x"}, 400, "echo", None),
        ({"max_tokens": 64_001}, 400, "max_tokens", "invalid_value"),
        ({"prompt": ["a"] * 65, "n": 2}, 400, "n", None),
        ({"prompt": "word " * 200_000}, 400, None, "context_length_exceeded"),
    ],
)
async def test_what_breaks_a_rule_is_refused(
    simulator: Simulator, fields: Any, status: int, param: str | None, code: str | None
) -> None:
    raw = await ask(simulator, **fields)
    error = raw.json()["error"]
    assert (raw.status, error["param"], error["code"]) == (status, param, code)
    assert (simulator.ledger[-1].bill_nano, error["type"]) == (0, "invalid_request_error")
