import asyncio
import json
from typing import Any

import openai
import pytest

from trunkline.simulator import Simulator

ASKED: list[Any] = [{"role": "user", "content": "Why do gateways exist?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
        },
    },
}


async def test_an_answer_is_text_with_usage_and_the_ledger_knows_it(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    answer = await openai_client.chat.completions.create(model="sim-fast", messages=ASKED)
    assert answer.usage is not None
    assert (answer.choices[0].finish_reason, answer.model) == ("stop", "sim-fast")
    assert len(answer.choices[0].message.content or "") > 80
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    # 4 of overhead, 5 words and a question mark of which "gateways" has two pieces, 3 at the end.
    assert answer.usage.prompt_tokens == 4 + 6 + 3
    (seen,) = simulator.ledger
    assert (seen.input_tokens, seen.output_tokens) == (13, answer.usage.completion_tokens)
    assert (seen.status, seen.complete, seen.reported_usage) == (200, True, True)
    # $0.50 and $1.50 per million tokens are 500 and 1,500 nano-dollars per token.
    assert seen.bill_nano == 13 * 500 + answer.usage.completion_tokens * 1500
    assert seen.input_only_nano == 13 * 500
    assert answer._request_id == seen.request_id


async def test_a_stream_carries_the_same_text_and_usage_only_when_asked(
    openai_client: openai.AsyncOpenAI,
) -> None:
    whole = await openai_client.chat.completions.create(model="sim-fast", messages=ASKED)
    stream = await openai_client.chat.completions.create(
        model="sim-fast", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert [chunk.usage for chunk in chunks] == [None] * (len(chunks) - 1) + [whole.usage]
    assert chunks[-1].choices == []
    assert {chunk.id for chunk in chunks} == {whole.id}
    bare = await openai_client.chat.completions.create(
        model="sim-fast", messages=ASKED, stream=True
    )
    assert [chunk.usage for chunk in [chunk async for chunk in bare]] == [None] * (len(chunks) - 1)


def test_the_synchronous_client_works_as_well() -> None:
    async def run() -> str:
        simulator = Simulator()
        await simulator.start()
        try:
            return await asyncio.to_thread(_speak, simulator.base_url)
        finally:
            await simulator.stop()

    assert asyncio.run(run()) == "hello there"


def _speak(base_url: str) -> str:
    with openai.OpenAI(base_url=f"{base_url}/v1", api_key="key") as client:
        whole = client.chat.completions.create(
            model="sim-fast", messages=[{"role": "user", "content": "Say hello there"}]
        )
        stream = client.chat.completions.create(
            model="sim-fast",
            messages=[{"role": "user", "content": "Say hello there"}],
            stream=True,
        )
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert whole.choices[0].message.content == streamed
        return streamed


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_may_call_tools_does_and_then_answers(
    openai_client: openai.AsyncOpenAI, stream: bool
) -> None:
    question: Any = [{"role": "user", "content": "The weather in Paris and Boston?"}]
    if stream:
        async with openai_client.chat.completions.stream(
            model="sim-fast", messages=question, tools=[WEATHER]
        ) as events:
            answer: Any = await events.get_final_completion()
    else:
        answer = await openai_client.chat.completions.create(
            model="sim-fast", messages=question, tools=[WEATHER]
        )
    choice = answer.choices[0]
    calls = choice.message.tool_calls
    assert (choice.finish_reason, len(calls)) == ("tool_calls", 2)
    for call in calls:
        arguments = json.loads(call.function.arguments)
        assert set(arguments) == {"city", "unit"}
        assert arguments["unit"] in {"celsius", "fahrenheit"}
    assert calls[0].id != calls[1].id
    question += [choice.message.model_dump(exclude_none=True)]
    question += [{"role": "tool", "tool_call_id": call.id, "content": "17"} for call in calls]
    final = await openai_client.chat.completions.create(
        model="sim-fast", messages=question, tools=[WEATHER]
    )
    assert (final.choices[0].finish_reason, final.choices[0].message.tool_calls) == ("stop", None)


async def test_tool_choice_and_parallel_calls_are_honoured(
    openai_client: openai.AsyncOpenAI,
) -> None:
    question: Any = [{"role": "user", "content": "The weather in Paris and Boston?"}]
    other: Any = {"type": "function", "function": {"name": "get_time"}}

    async def names(**fields: Any) -> list[str]:
        answer = await openai_client.chat.completions.create(
            model="sim-fast", messages=question, tools=[WEATHER, other], **fields
        )
        calls: Any = answer.choices[0].message.tool_calls
        return [call.function.name for call in calls or ()]

    assert await names(tool_choice="none") == []
    assert await names(tool_choice="required") == ["get_weather", "get_time"]
    assert await names(parallel_tool_calls=False) == ["get_weather"]
    named: Any = {"type": "function", "function": {"name": "get_time"}}
    assert await names(tool_choice=named, parallel_tool_calls=False) == ["get_time"]


async def test_structured_output_follows_the_schema(openai_client: openai.AsyncOpenAI) -> None:
    schema: Any = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "rank": {"type": "integer", "minimum": 3}},
        "required": ["city", "rank"],
        "additionalProperties": False,
    }
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    answer = await openai_client.chat.completions.create(
        model="sim-fast", messages=ASKED, response_format=wanted
    )
    place = json.loads(answer.choices[0].message.content or "")
    assert set(place) == {"city", "rank"}
    assert place["rank"] >= 3
    loose = await openai_client.chat.completions.create(
        model="sim-fast", messages=ASKED, response_format={"type": "json_object"}
    )
    assert set(json.loads(loose.choices[0].message.content or "")) == {"answer", "confidence"}


async def test_images_and_files_count_by_their_kind(openai_client: openai.AsyncOpenAI) -> None:
    async def tokens(*parts: Any) -> int:
        content: Any = [{"type": "text", "text": "What is it?"}, *parts]
        answer = await openai_client.chat.completions.create(
            model="sim-fast", messages=[{"role": "user", "content": content}]
        )
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    bare = await tokens()
    low = {"type": "image_url", "image_url": {"url": "https://example.com/a", "detail": "low"}}
    high = {"type": "image_url", "image_url": {"url": "https://example.com/a"}}
    file = {"type": "file", "file": {"file_id": "file-1"}}
    assert await tokens(low) == bare + 85
    assert await tokens(high) == bare + 765
    assert await tokens(file) == bare + 2000


async def test_reasoning_is_hidden_counted_and_follows_the_effort(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    async def reasoning(**fields: Any) -> int:
        answer = await openai_client.chat.completions.create(
            model="sim-think", messages=ASKED, **fields
        )
        assert answer.usage is not None
        assert answer.usage.completion_tokens_details is not None
        told = answer.usage.completion_tokens_details.reasoning_tokens or 0
        assert simulator.ledger[-1].reasoning_tokens == told
        assert simulator.ledger[-1].output_tokens == answer.usage.completion_tokens > told
        return told

    assert await reasoning(reasoning_effort="none") == 0
    low, medium = await reasoning(reasoning_effort="low"), await reasoning()
    assert (low, medium) == (64, 192)
    plain = await openai_client.chat.completions.create(model="sim-fast", messages=ASKED)
    assert plain.usage is not None
    assert plain.usage.completion_tokens_details is not None
    assert plain.usage.completion_tokens_details.reasoning_tokens == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_several_choices_differ_and_are_all_counted(
    simulator: Simulator, openai_client: openai.AsyncOpenAI, stream: bool
) -> None:
    texts = ["", "", ""]
    if stream:
        chunks = await openai_client.chat.completions.create(
            model="sim-fast", messages=ASKED, n=3, stream=True
        )
        async for chunk in chunks:
            texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    else:
        answer = await openai_client.chat.completions.create(model="sim-fast", messages=ASKED, n=3)
        texts = [choice.message.content or "" for choice in answer.choices]
    assert len(set(texts)) == 3
    assert simulator.ledger[-1].output_tokens > sum(len(text) for text in texts) / 6


async def test_max_tokens_and_stop_sequences_end_the_answer(
    openai_client: openai.AsyncOpenAI,
) -> None:
    said: Any = [{"role": "user", "content": "Say one two three four"}]
    cut = await openai_client.chat.completions.create(model="sim-fast", messages=said, max_tokens=2)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("one two", "length")
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 2
    stopped = await openai_client.chat.completions.create(
        model="sim-fast", messages=said, stop=["four", "three"]
    )
    choice = stopped.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("one two ", "stop")


async def test_a_tool_call_can_be_cut_in_its_arguments(openai_client: openai.AsyncOpenAI) -> None:
    async def call(most: int) -> Any:
        answer = await openai_client.chat.completions.create(
            model="sim-fast",
            messages=ASKED,
            tools=[WEATHER],
            tool_choice="required",
            max_tokens=most,
        )
        assert answer.choices[0].finish_reason == "length"
        return answer.choices[0].message.tool_calls

    (cut,) = await call(10)
    assert cut.function.arguments.startswith("{")
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.function.arguments)
    assert await call(3) is None


async def test_a_long_prefix_seen_before_is_cached(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    system = "word " * 1500

    async def cached(question: str) -> int:
        answer = await openai_client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[
                {"role": "system", "content": system},
                {"role": "user", "content": question},
            ],
            max_tokens=1,
        )
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        return answer.usage.prompt_tokens_details.cached_tokens or 0

    assert await cached("first") == 0
    assert await cached("second") == 1408
    seen = simulator.ledger[-1]
    # $0.15 outside, $0.075 inside the cache and $0.60 for the one token, per million.
    assert seen.bill_nano == -(-((seen.input_tokens - 1408) * 150 + 1408 * 75 + 600) // 1)
    assert seen.model == "gpt-4o-mini"


async def test_service_tiers_are_reported_and_billed(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    async def tier(model: str, wanted: Any) -> str | None:
        answer = await openai_client.chat.completions.create(
            model=model, messages=ASKED, service_tier=wanted, max_completion_tokens=1
        )
        return answer.service_tier

    assert await tier("gpt-4o", "priority") == "priority"
    # 13 tokens in at $4.25 and one out at $17 per million.
    assert simulator.ledger[-1].bill_nano == 13 * 4250 + 17000
    assert await tier("gpt-4o", "flex") == "default"
    assert await tier("gpt-4o", "auto") == "default"
    assert simulator.ledger[-1].bill_nano == 13 * 2500 + 10000


@pytest.mark.parametrize(
    ("fields", "error", "code", "param"),
    [
        ({"model": "gpt-none"}, openai.NotFoundError, "model_not_found", None),
        ({"messages": []}, openai.BadRequestError, "empty_array", "messages"),
        ({"max_tokens": 0}, openai.BadRequestError, "invalid_type", "max_tokens"),
        ({"max_tokens": 10**9}, openai.BadRequestError, "invalid_value", "max_tokens"),
        ({"temperature": 3}, openai.BadRequestError, "invalid_type", "temperature"),
        ({"stream_options": {}}, openai.BadRequestError, None, "stream_options"),
        ({"tool_choice": "required"}, openai.BadRequestError, None, "tool_choice"),
        ({"tool_choice": "often"}, openai.BadRequestError, "invalid_value", "tool_choice"),
        (
            {"tool_choice": {"function": {"name": "none"}}},
            openai.BadRequestError,
            "invalid_value",
            "tool_choice",
        ),
        (
            {"response_format": {"type": "json_schema"}},
            openai.BadRequestError,
            "missing_required_parameter",
            "response_format.json_schema",
        ),
        (
            {"model": "gpt-5-mini", "max_tokens": 5},
            openai.BadRequestError,
            "unsupported_parameter",
            "max_tokens",
        ),
        (
            {"model": "gpt-5-mini", "temperature": 0.5},
            openai.BadRequestError,
            "unsupported_value",
            "temperature",
        ),
        (
            {"model": "sim-think", "reasoning_effort": "huge"},
            openai.BadRequestError,
            "invalid_value",
            "reasoning_effort",
        ),
        (
            {"messages": [{"role": "user", "content": "a " * 130_000}], "model": "gpt-4o"},
            openai.BadRequestError,
            "context_length_exceeded",
            "messages",
        ),
        (
            {"messages": [{"role": "tool", "content": "1", "tool_call_id": "x"}]},
            openai.BadRequestError,
            None,
            "messages.[0].role",
        ),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "{}"}}],
                    },
                    {"role": "user", "content": "hello"},
                ]
            },
            openai.BadRequestError,
            None,
            "messages",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"type": "array", "minItems": 1e9}},
                }
            },
            openai.BadRequestError,
            "invalid_schema",
            None,
        ),
    ],
)
async def test_bad_requests_are_refused_as_openai_does_and_cost_nothing(
    simulator: Simulator,
    openai_client: openai.AsyncOpenAI,
    fields: dict[str, Any],
    error: type[openai.APIStatusError],
    code: str | None,
    param: str | None,
) -> None:
    asked = {"model": "sim-fast", "messages": ASKED, **fields}
    with pytest.raises(error) as caught:
        await openai_client.chat.completions.create(**asked)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.type == "invalid_request_error"
    seen = simulator.ledger[-1]
    assert (seen.status, seen.bill_nano) == (caught.value.status_code, 0)
    assert caught.value.request_id == seen.request_id


async def test_keys_are_asked_for_and_one_is_always_wrong(simulator: Simulator) -> None:
    for key, code in (("bad-key", "invalid_api_key"), ("", None)):
        async with openai.AsyncOpenAI(
            base_url=f"{simulator.base_url}/v1",
            api_key=key or "unused",
            default_headers={} if key else {"authorization": "Basic abc"},
        ) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                await client.chat.completions.create(model="sim-fast", messages=ASKED)
            assert caught.value.code == code


async def test_models_are_listed_and_shown_alone(openai_client: openai.AsyncOpenAI) -> None:
    listed = [model.id async for model in openai_client.models.list()]
    assert {"sim-fast", "gpt-4o", "gpt-5-mini"} <= set(listed)
    assert not any(name.startswith("claude") for name in listed)
    assert (await openai_client.models.retrieve("gpt-4o")).owned_by == "simulator"
    assert (await openai_client.models.retrieve("sim-own")).id == "sim-own"
    with pytest.raises(openai.NotFoundError):
        await openai_client.models.retrieve("claude-haiku-4-5")


async def test_answers_carry_rate_limits_in_openais_names(
    openai_client: openai.AsyncOpenAI,
) -> None:
    answer = await openai_client.chat.completions.with_raw_response.create(
        model="sim-fast", messages=ASKED
    )
    assert answer.headers["x-ratelimit-limit-requests"] == "10000"
    assert answer.headers["x-ratelimit-remaining-requests"] == "9999"
    assert answer.headers["x-ratelimit-remaining-tokens"] == "1999987"
    assert answer.headers["x-ratelimit-reset-tokens"] == "0ms"
    assert answer.headers["openai-version"] == "2020-10-01"


async def test_dated_names_are_served_and_invented_ones_stand_for_sim_fast(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    answer = await openai_client.chat.completions.create(
        model="gpt-4o-2024-08-06", messages=ASKED, max_tokens=1
    )
    assert (answer.model, simulator.ledger[-1].model) == ("gpt-4o-2024-08-06", "gpt-4o")
    own = await openai_client.chat.completions.create(model="sim-own", messages=ASKED, max_tokens=1)
    assert (own.model, simulator.ledger[-1].bill_nano) == ("sim-own", 13 * 500 + 1500)
