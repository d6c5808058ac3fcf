"""OpenAI's SDK, Chat Completions, before every provider wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI
from pydantic import BaseModel
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import THINKER, Bench, Call
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.streams import until_it_breaks

CLIENT = "openai chat"
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": asked.TOOL,
            "description": asked.TOOL_SAYS,
            "parameters": asked.weather_schema(),
        },
    }
]


class Place(BaseModel):
    """What a structured answer is parsed into."""

    city: str
    inhabitants: int


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[AsyncOpenAI]:
    """The client as its users set it up."""
    async with AsyncOpenAI(base_url=f"{bench.url}/v1", api_key=bench.key, max_retries=0) as client:
        yield client


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def check_usage(usage: Any, call: Call) -> None:
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
        call.seen.input_tokens,
        call.seen.output_tokens,
        call.seen.input_tokens + call.seen.output_tokens,
    )


@cells(CLIENT, "text")
async def test_an_answer_arrives_whole(bench: Bench, sdk: AsyncOpenAI, provider: str) -> None:
    model = bench.model(provider)
    answer = await sdk.chat.completions.create(model=model, messages=user(asked.QUESTION))
    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == (asked.SAID, "stop")
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "streaming")
async def test_a_stream_arrives_whole(bench: Bench, sdk: AsyncOpenAI, provider: str) -> None:
    async with sdk.chat.completions.stream(
        model=bench.model(provider),
        messages=user(asked.QUESTION),
        stream_options={"include_usage": True},
    ) as stream:
        pieces = [event.delta async for event in stream if event.type == "content.delta"]
        answer = await stream.get_final_completion()
    assert len(pieces) > 1
    assert "".join(pieces) == answer.choices[0].message.content == asked.SAID
    assert answer.choices[0].finish_reason == "stop"
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


async def asked_streamed(sdk: AsyncOpenAI, streamed: bool, **fields: Any) -> Any:
    """A whole answer, put together by the SDK where it is streamed."""
    if not streamed:
        return await sdk.chat.completions.create(**fields)
    async with sdk.chat.completions.stream(
        **fields, stream_options={"include_usage": True}
    ) as stream:
        return await stream.get_final_completion()


@cells(CLIENT, "tools")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_is_called_and_its_result_is_taken(
    bench: Bench, sdk: AsyncOpenAI, provider: str, streamed: bool
) -> None:
    fields = {"model": bench.model(provider), "tools": TOOLS}
    talk = user(asked.CALLING)
    first = await asked_streamed(sdk, streamed, messages=talk, **fields)
    message = first.choices[0].message
    (call,) = message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert call.function.name == asked.TOOL
    assert json.loads(call.function.arguments) == asked.CITY
    talk += [
        message.model_dump(exclude_none=True, exclude={"parsed"}),
        {"role": "tool", "tool_call_id": call.id, "content": asked.RESULT},
    ]
    second = await asked_streamed(sdk, streamed, messages=talk, **fields)
    assert (second.choices[0].finish_reason, second.choices[0].message.tool_calls) == ("stop", None)
    assert second.choices[0].message.content
    calls = await bench.calls(provider, 2)
    assert [made.seen.tool_results for made in calls] == [False, True]
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])


@cells(CLIENT, "images")
async def test_a_picture_reaches_the_provider(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    model = bench.model(provider)
    text = {"type": "text", "text": asked.QUESTION}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{asked.PNG_TEXT}"}}
    await sdk.chat.completions.create(model=model, messages=user([text]))
    answer = await sdk.chat.completions.create(model=model, messages=user([text, picture]))
    assert answer.choices[0].message.content == asked.SAID
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.IMAGE_TOKENS[provider]


@cells(CLIENT, "structured")
async def test_an_answer_by_a_schema_is_parsed(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    answer = await sdk.chat.completions.parse(
        model=bench.model(provider), messages=user("Where?"), response_format=Place
    )
    assert isinstance(answer.choices[0].message.parsed, Place)
    assert answer.choices[0].finish_reason == "stop"
    await bench.calls(provider, 1)


@cells(CLIENT, "reasoning")
@pytest.mark.parametrize("streamed", [False, True])
async def test_thinking_survives_a_turn_of_tools(
    bench: Bench, sdk: AsyncOpenAI, provider: str, streamed: bool
) -> None:
    fields = {
        "model": bench.model(provider, THINKER),
        "tools": TOOLS,
        "reasoning_effort": "low",
    }
    talk = user(asked.CALLING)
    first = await asked_streamed(sdk, streamed, messages=talk, **fields)
    message = first.choices[0].message
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == asked.CITY
    talk += [
        # What the SDK's types know: all that a program is sure to send back.
        {
            "role": "assistant",
            "content": message.content,
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": asked.TOOL, "arguments": call.function.arguments},
                }
            ],
        },
        {"role": "tool", "tool_call_id": call.id, "content": asked.RESULT},
    ]
    second = await asked_streamed(sdk, streamed, messages=talk, **fields)
    assert second.choices[0].finish_reason == "stop"
    calls = await bench.calls(provider, 2)
    for answer, made in zip((first, second), calls, strict=True):
        check_usage(answer.usage, made)
        assert made.seen.reasoning_tokens > 0
        if provider in asked.COUNTS_THINKING:
            thought = answer.usage.completion_tokens_details.reasoning_tokens
            assert thought == made.seen.reasoning_tokens


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "messages": user(asked.QUESTION)}
    bench.fail("status_429")
    with pytest.raises(openai.RateLimitError) as limited:
        await sdk.chat.completions.create(**fields)
    bench.heal()
    bench.fail("status_400")
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.chat.completions.create(**fields)
    bench.heal()
    bench.fail(asked.broken_stream(provider))
    stream = await sdk.chat.completions.create(stream=True, **fields)
    chunks, broken = await until_it_breaks(stream, openai.APIError)
    assert {choice.finish_reason for chunk in chunks for choice in chunk.choices} == {None}
    assert broken.message
    assert refused.value.type == "invalid_request_error"
    tells_when = "retry-after" in limited.value.response.headers
    assert tells_when == (provider in asked.TELLS_WHEN)
    await bench.failures(provider)
