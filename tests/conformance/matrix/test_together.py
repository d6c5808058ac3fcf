"""Together's SDK before every provider wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import together
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import THINKER, Bench, Call
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.streams import until_it_breaks
from together import AsyncTogether

CLIENT = "together"
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
PLACE: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": asked.ANSWER_NAME,
        "schema": asked.place_schema(),
        "strict": True,
    },
}


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[AsyncTogether]:
    """The client as its users set it up."""
    async with AsyncTogether(
        base_url=f"{bench.url}/v1", api_key=bench.key, max_retries=0
    ) as client:
        yield client


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def check_usage(usage: Any, call: Call) -> None:
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
        call.seen.input_tokens,
        call.seen.output_tokens,
        call.seen.input_tokens + call.seen.output_tokens,
    )


def said_and_called(message: Any) -> dict[str, Any]:
    """The answer as the next request repeats it."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls
    ]
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


@cells(CLIENT, "text")
async def test_an_answer_arrives_whole(bench: Bench, sdk: AsyncTogether, provider: str) -> None:
    model = bench.model(provider)
    answer = await sdk.chat.completions.create(model=model, messages=user(asked.QUESTION))
    (choice,) = answer.choices
    assert choice.message is not None
    assert (choice.message.content, choice.finish_reason) == (asked.SAID, "stop")
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "streaming")
async def test_a_stream_arrives_whole(bench: Bench, sdk: AsyncTogether, provider: str) -> None:
    stream = await sdk.chat.completions.create(
        model=bench.model(provider),
        messages=user(asked.QUESTION),
        stream=True,
        extra_body={"stream_options": {"include_usage": True}},
    )
    chunks = [chunk async for chunk in stream]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    pieces = [choice.delta.content for choice in choices if choice.delta.content]
    assert len(pieces) > 1
    assert "".join(pieces) == asked.SAID
    reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
    assert reasons == ["stop"]
    (call,) = await bench.calls(provider, 1)
    check_usage(chunks[-1].usage, call)


@cells(CLIENT, "tools")
async def test_a_tool_is_called_and_its_result_is_taken(
    bench: Bench, sdk: AsyncTogether, provider: str
) -> None:
    await two_turns(bench, sdk, provider, model=bench.model(provider))


@cells(CLIENT, "reasoning")
async def test_thinking_survives_a_turn_of_tools(
    bench: Bench, sdk: AsyncTogether, provider: str
) -> None:
    calls = await two_turns(
        bench, sdk, provider, model=bench.model(provider, THINKER), reasoning_effort="low"
    )
    assert all(call.seen.reasoning_tokens > 0 for call in calls)


async def two_turns(bench: Bench, sdk: AsyncTogether, provider: str, **fields: Any) -> list[Call]:
    """Both attempts of a conversation in which a tool is called."""
    talk = user(asked.CALLING)
    first = await sdk.chat.completions.create(messages=talk, tools=TOOLS, **fields)
    message = first.choices[0].message
    (call,) = message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert call.function.name == asked.TOOL
    assert json.loads(call.function.arguments) == asked.CITY
    talk += [
        said_and_called(message),
        {"role": "tool", "tool_call_id": call.id, "content": asked.RESULT},
    ]
    second = await sdk.chat.completions.create(messages=talk, tools=TOOLS, **fields)
    assert second.choices[0].finish_reason == "stop"
    assert not second.choices[0].message.tool_calls
    assert second.choices[0].message.content
    calls = await bench.calls(provider, 2)
    assert [made.seen.tool_results for made in calls] == [False, True]
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])
    return calls


@cells(CLIENT, "images")
async def test_a_picture_reaches_the_provider(
    bench: Bench, sdk: AsyncTogether, provider: str
) -> None:
    model = bench.model(provider)
    text = {"type": "text", "text": asked.QUESTION}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{asked.PNG_TEXT}"}}
    for content in ([text], [text, picture]):
        answer = await sdk.chat.completions.create(model=model, messages=user(content))
        assert answer.choices[0].message is not None
        assert answer.choices[0].message.content == asked.SAID
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.IMAGE_TOKENS[provider]


@cells(CLIENT, "structured")
async def test_an_answer_by_a_schema_is_one(
    bench: Bench, sdk: AsyncTogether, provider: str
) -> None:
    answer = await sdk.chat.completions.create(
        model=bench.model(provider), messages=user("Where?"), response_format=PLACE
    )
    (choice,) = answer.choices
    assert choice.message is not None
    assert asked.is_place(json.loads(choice.message.content or ""))
    assert choice.finish_reason == "stop"
    await bench.calls(provider, 1)


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: AsyncTogether, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "messages": user(asked.QUESTION)}
    bench.fail("status_429")
    with pytest.raises(together.RateLimitError) as limited:
        await sdk.chat.completions.create(**fields)
    bench.heal()
    bench.fail("status_400")
    with pytest.raises(together.BadRequestError):
        await sdk.chat.completions.create(**fields)
    bench.heal()
    bench.fail(asked.broken_stream(provider))
    stream = await sdk.chat.completions.create(stream=True, **fields)
    chunks, broken = await until_it_breaks(stream, together.APIError)
    assert {choice.finish_reason for chunk in chunks for choice in chunk.choices} == {None}
    assert broken.message
    tells_when = "retry-after" in limited.value.response.headers
    assert tells_when == (provider in asked.TELLS_WHEN)
    await bench.failures(provider)
