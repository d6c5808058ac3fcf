import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import Simulator


@pytest.fixture
async def mistral(simulator: Simulator) -> AsyncIterator[Mistral]:
    async with Mistral(api_key="key", server_url=simulator.base_url) as client:
        yield client


async def ask(simulator: Simulator, **fields: Any) -> Raw:
    body = {"model": "sim-fast", "prompt": "Say hello there", "suffix": "!", **fields}
    headers = fields.pop("headers", None)
    return await exchange(simulator.base_url, request("/v1/fim/completions", body, headers))


async def test_a_whole_answer_has_the_shape_of_a_chat(simulator: Simulator) -> None:
    raw = await ask(simulator)
    answer = raw.json()
    assert answer == {
        "id": answer["id"],
        "object": "chat.completion",
        "created": answer["created"],
        "model": "sim-fast",
        "usage": {"prompt_tokens": 4, "total_tokens": 6, "completion_tokens": 2},
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "tool_calls": None, "content": "hello there"},
            }
        ],
    }
    assert raw.headers["x-ratelimit-tokens-query-cost"] == "4"
    assert simulator.ledger[-1].bill_nano == 4 * 500 + 2 * 1500


async def test_a_stream_tells_usage_with_its_last_word(simulator: Simulator) -> None:
    whole = (await ask(simulator)).json()
    raw = await ask(simulator, stream=True)
    *events, end = raw.events
    assert end == "data: [DONE]"
    told = [json.loads(event.removeprefix("data: ")) for event in events]
    assert ["p" in chunk for chunk in told] == [False, True, True, True]
    for chunk in told:
        chunk.pop("p", None)
    shared = {
        "id": whole["id"],
        "object": "chat.completion.chunk",
        "created": whole["created"],
        "model": "sim-fast",
    }

    def choices(delta: dict[str, str], finish: str | None = None) -> list[Any]:
        return [{"index": 0, "delta": delta, "finish_reason": finish}]

    assert told == [
        {**shared, "choices": choices({"role": "assistant", "content": ""})},
        {**shared, "choices": choices({"content": "hello"})},
        {**shared, "choices": choices({"content": " there"})},
        {**shared, "choices": choices({"content": ""}, "stop"), "usage": whole["usage"]},
    ]


async def test_mistrals_sdk_completes_and_streams(mistral: Mistral) -> None:
    fields: Any = {"model": "codestral-latest", "prompt": "Say x = 1", "max_tokens": 50}
    whole = await mistral.fim.complete_async(**fields, stop=["1"])
    assert (whole.choices or [])[0].message is not None
    async with await mistral.fim.stream_async(**fields, suffix="y = 2") as stream:
        deltas = [event.data.choices[0].delta.content async for event in stream]
    assert "".join(str(delta) for delta in deltas) == "x = 1"
    with pytest.raises(SDKError, match="Service tier capacity exceeded"):
        await mistral.fim.complete_async(model="sim-fast+fault=overloaded", prompt="x")


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        (
            {"model": "gpt-4o"},
            400,
            {
                "object": "error",
                "message": "Invalid model: gpt-4o",
                "type": "invalid_model",
                "param": None,
                "code": "1500",
            },
        ),
        (
            {"prompt": "word " * 200_000},
            400,
            {
                "object": "error",
                "message": (
                    "Prompt contains 200002 tokens, too large for model with 200000 maximum "
                    "context length"
                ),
                "type": "invalid_request_prompt",
                "param": None,
                "code": "3051",
            },
        ),
        (
            {"seed": 1},
            422,
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "seed"],
                        "msg": "Extra inputs are not permitted",
                    }
                ]
            },
        ),
        (
            {"prompt": 3},
            422,
            {
                "detail": [
                    {
                        "type": "value_error",
                        "loc": ["body", "prompt"],
                        "msg": "Invalid type for 'prompt': Expected `str`, got `int`.",
                    }
                ]
            },
        ),
        ({"headers": {"authorization": "Bearer bad-key"}}, 401, {"detail": "Unauthorized"}),
    ],
)
async def test_what_breaks_a_rule_is_refused_in_mistrals_shapes(
    simulator: Simulator, fields: Any, status: int, told: Any
) -> None:
    raw = await ask(simulator, **fields)
    assert (raw.status, raw.json()) == (status, told)


async def test_a_body_that_lacks_something_or_is_no_json_is_refused(simulator: Simulator) -> None:
    async def refused(body: bytes) -> Any:
        raw = await exchange(simulator.base_url, request("/v1/fim/completions", body))
        assert raw.status == 422
        return raw.json()["detail"]

    missing = {"type": "missing", "loc": ["body", "prompt"], "msg": "Field required"}
    assert await refused(b'{"model": "sim-fast"}') == [missing]
    broken = {"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error"}
    assert await refused(b"{") == [broken]
