"""Anthropic's SDK before every provider wire."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
import pytest_asyncio
from anthropic import AsyncAnthropic
from pydantic import BaseModel
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import THINKER, Bench, Call
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.streams import until_it_breaks

CLIENT = "anthropic"
MOST_TOKENS = 4_000
TOOLS: Any = [
    {
        "name": asked.TOOL,
        "description": asked.TOOL_SAYS,
        "input_schema": asked.weather_schema(),
    }
]


class Place(BaseModel):
    """What a structured answer is parsed into."""

    city: str
    inhabitants: int


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[AsyncAnthropic]:
    """The client as its users set it up."""
    async with AsyncAnthropic(base_url=bench.url, api_key=bench.key, max_retries=0) as client:
        yield client


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


async def answered(sdk: AsyncAnthropic, streamed: bool, **fields: Any) -> Any:
    """A whole answer, put together by the SDK where it is streamed."""
    if not streamed:
        return await sdk.messages.create(max_tokens=MOST_TOKENS, **fields)
    async with sdk.messages.stream(max_tokens=MOST_TOKENS, **fields) as stream:
        return await stream.get_final_message()


def check_usage(usage: Any, call: Call) -> None:
    cached = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    assert usage.input_tokens + cached + written == call.seen.input_tokens
    assert cached == call.seen.cache_read_tokens
    assert usage.output_tokens == call.seen.output_tokens


def of_type(name: str, message: Any) -> list[Any]:
    return [block for block in message.content if block.type == name]


def sent_back(message: Any) -> dict[str, Any]:
    """The answer as the next request repeats it."""
    return {"role": "assistant", "content": message.content}


def result_of(call: Any) -> dict[str, Any]:
    """The newest message of a request that answers a call."""
    block = {"type": "tool_result", "tool_use_id": call.id, "content": asked.RESULT}
    return {"role": "user", "content": [block]}


@cells(CLIENT, "text")
async def test_an_answer_arrives_whole(bench: Bench, sdk: AsyncAnthropic, provider: str) -> None:
    model = bench.model(provider)
    answer = await answered(sdk, False, model=model, messages=user(asked.QUESTION))
    (block,) = answer.content
    assert (block.type, block.text, answer.stop_reason) == ("text", asked.SAID, "end_turn")
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "streaming")
async def test_a_stream_arrives_whole(bench: Bench, sdk: AsyncAnthropic, provider: str) -> None:
    async with sdk.messages.stream(
        model=bench.model(provider), max_tokens=MOST_TOKENS, messages=user(asked.QUESTION)
    ) as stream:
        events = [event async for event in stream]
        answer = await stream.get_final_message()
    pieces = [event.text for event in events if event.type == "text"]
    (block,) = answer.content
    assert len(pieces) > 1
    assert block.type == "text"
    assert "".join(pieces) == block.text == asked.SAID
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    assert answer.stop_reason == "end_turn"
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "tools")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_is_called_and_its_result_is_taken(
    bench: Bench, sdk: AsyncAnthropic, provider: str, streamed: bool
) -> None:
    fields = {"model": bench.model(provider), "tools": TOOLS}
    talk = user(asked.CALLING)
    first = await answered(sdk, streamed, messages=talk, **fields)
    (block,) = of_type("tool_use", first)
    assert (first.stop_reason, block.name) == ("tool_use", asked.TOOL)
    assert block.input == asked.CITY
    talk += [sent_back(first), result_of(block)]
    second = await answered(sdk, streamed, messages=talk, **fields)
    assert second.stop_reason == "end_turn"
    assert [block.type for block in second.content] == ["text"]
    calls = await bench.calls(provider, 2)
    assert [made.seen.tool_results for made in calls] == [False, True]
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])


@cells(CLIENT, "images")
async def test_a_picture_reaches_the_provider(
    bench: Bench, sdk: AsyncAnthropic, provider: str
) -> None:
    model = bench.model(provider)
    text = {"type": "text", "text": asked.QUESTION}
    source = {"type": "base64", "media_type": "image/png", "data": asked.PNG_TEXT}
    picture = {"type": "image", "source": source}
    await answered(sdk, False, model=model, messages=user([text]))
    answer = await answered(sdk, False, model=model, messages=user([text, picture]))
    assert [block.text for block in answer.content] == [asked.SAID]
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.IMAGE_TOKENS[provider]


@cells(CLIENT, "structured")
async def test_an_answer_by_a_schema_is_parsed(
    bench: Bench, sdk: AsyncAnthropic, provider: str
) -> None:
    answer = await sdk.messages.parse(
        model=bench.model(provider),
        max_tokens=MOST_TOKENS,
        messages=user("Where?"),
        output_format=Place,
    )
    assert isinstance(answer.parsed_output, Place)
    assert answer.stop_reason == "end_turn"
    await bench.calls(provider, 1)


@cells(CLIENT, "reasoning")
@pytest.mark.parametrize("streamed", [False, True])
async def test_thinking_survives_a_turn_of_tools(
    bench: Bench, sdk: AsyncAnthropic, provider: str, streamed: bool
) -> None:
    fields = {
        "model": bench.model(provider, THINKER),
        "tools": TOOLS,
        "thinking": {"type": "enabled", "budget_tokens": 2_048},
    }
    talk = user(asked.CALLING)
    first = await answered(sdk, streamed, messages=talk, **fields)
    (block,) = of_type("tool_use", first)
    assert block.input == asked.CITY
    thoughts = of_type("thinking", first)
    assert len(thoughts) == (provider != "openai_chat")
    assert all(thought.signature for thought in thoughts)
    talk += [sent_back(first), result_of(block)]
    second = await answered(sdk, streamed, messages=talk, **fields)
    assert second.stop_reason == "end_turn"
    calls = await bench.calls(provider, 2)
    for answer, made in zip((first, second), calls, strict=True):
        check_usage(answer.usage, made)
        assert made.seen.reasoning_tokens > 0


def type_of(error: anthropic.APIStatusError) -> str:
    """Anthropic's word for a failure, from a body of Anthropic's shape."""
    body: Any = error.body
    assert (body["type"], bool(body["error"]["message"])) == ("error", True)
    named: str = body["error"]["type"]
    return named


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: AsyncAnthropic, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "messages": user(asked.QUESTION)}
    bench.fail("status_429")
    with pytest.raises(anthropic.RateLimitError) as limited:
        await answered(sdk, False, **fields)
    bench.heal()
    bench.fail("status_400")
    with pytest.raises(anthropic.BadRequestError) as refused:
        await answered(sdk, False, **fields)
    bench.heal()
    bench.fail(asked.broken_stream(provider))
    stream = await sdk.messages.create(max_tokens=MOST_TOKENS, stream=True, **fields)
    events, broken = await until_it_breaks(stream, anthropic.APIStatusError)
    assert {"message_delta", "message_stop"}.isdisjoint(event.type for event in events)
    assert "content_block_delta" in {event.type for event in events}
    assert type_of(limited.value) == "rate_limit_error"
    assert type_of(refused.value) == "invalid_request_error"
    assert type_of(broken)
    tells_when = "retry-after" in limited.value.response.headers
    assert tells_when == (provider in asked.TELLS_WHEN)
    await bench.failures(provider)
