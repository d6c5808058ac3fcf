"""OpenAI's SDK, Responses, before every provider wire."""

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

CLIENT = "openai responses"
TOOLS: Any = [
    {
        "type": "function",
        "name": asked.TOOL,
        "description": asked.TOOL_SAYS,
        "parameters": asked.weather_schema(),
        "strict": True,
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


async def answered(sdk: AsyncOpenAI, streamed: bool, **fields: Any) -> Any:
    """A whole response, put together by the SDK where it is streamed."""
    if not streamed:
        return await sdk.responses.create(store=False, **fields)
    async with sdk.responses.stream(store=False, **fields) as stream:
        return await stream.get_final_response()


def of_type(name: str, response: Any) -> list[Any]:
    return [item for item in response.output if item.type == name]


def check_usage(usage: Any, call: Call) -> None:
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (
        call.seen.input_tokens,
        call.seen.output_tokens,
        call.seen.input_tokens + call.seen.output_tokens,
    )
    assert usage.input_tokens_details.cached_tokens == call.seen.cache_read_tokens


def sent_back(response: Any) -> list[dict[str, Any]]:
    """The output as the next request repeats it, which the provider does not keep."""
    # The SDK itself adds ``parsed_arguments`` when it parses items.
    added = {"parsed_arguments"}
    return [item.model_dump(exclude_none=True, exclude=added) for item in response.output]


def result_of(call: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call.call_id, "output": asked.RESULT}


@cells(CLIENT, "text")
async def test_a_response_arrives_whole(bench: Bench, sdk: AsyncOpenAI, provider: str) -> None:
    answer = await answered(sdk, False, model=bench.model(provider), input=asked.QUESTION)
    assert (answer.output_text, answer.status, answer.error) == (asked.SAID, "completed", None)
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "streaming")
async def test_a_stream_arrives_whole(bench: Bench, sdk: AsyncOpenAI, provider: str) -> None:
    async with sdk.responses.stream(
        model=bench.model(provider), input=asked.QUESTION, store=False
    ) as stream:
        events = [event async for event in stream]
        answer = await stream.get_final_response()
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(pieces) > 1
    assert "".join(pieces) == answer.output_text == asked.SAID
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "tools")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_is_called_and_its_result_is_taken(
    bench: Bench, sdk: AsyncOpenAI, provider: str, streamed: bool
) -> None:
    fields = {"model": bench.model(provider), "tools": TOOLS}
    talk: list[Any] = [{"role": "user", "content": asked.CALLING}]
    first = await answered(sdk, streamed, input=talk, **fields)
    (call,) = of_type("function_call", first)
    assert (first.status, call.name) == ("completed", asked.TOOL)
    assert json.loads(call.arguments) == asked.CITY
    talk += [*sent_back(first), result_of(call)]
    second = await answered(sdk, streamed, input=talk, **fields)
    assert [item.type for item in second.output] == ["message"]
    assert second.output_text
    calls = await bench.calls(provider, 2)
    assert [made.seen.tool_results for made in calls] == [False, True]
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])


@cells(CLIENT, "images")
async def test_a_picture_reaches_the_provider(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    model = bench.model(provider)
    text = {"type": "input_text", "text": asked.QUESTION}
    url = f"data:image/png;base64,{asked.PNG_TEXT}"
    picture = {"type": "input_image", "image_url": url, "detail": "auto"}
    for content in ([text], [text, picture]):
        message = {"role": "user", "content": content}
        answer = await answered(sdk, False, model=model, input=[message])
        assert answer.output_text == asked.SAID
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.IMAGE_TOKENS[provider]


@cells(CLIENT, "structured")
async def test_an_answer_by_a_schema_is_parsed(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    answer = await sdk.responses.parse(
        model=bench.model(provider), input="Where?", text_format=Place, store=False
    )
    assert isinstance(answer.output_parsed, Place)
    assert answer.status == "completed"
    await bench.calls(provider, 1)


@cells(CLIENT, "reasoning")
@pytest.mark.parametrize("streamed", [False, True])
async def test_thinking_survives_a_turn_of_tools(
    bench: Bench, sdk: AsyncOpenAI, provider: str, streamed: bool
) -> None:
    fields = {
        "model": bench.model(provider, THINKER),
        "tools": TOOLS,
        "reasoning": {"effort": "low"},
        "include": ["reasoning.encrypted_content"],
    }
    talk: list[Any] = [{"role": "user", "content": asked.CALLING}]
    first = await answered(sdk, streamed, input=talk, **fields)
    (call,) = of_type("function_call", first)
    assert json.loads(call.arguments) == asked.CITY
    thoughts = of_type("reasoning", first)
    assert len(thoughts) == (provider != "openai_chat")
    sealed = [thought.encrypted_content is not None for thought in thoughts]
    assert sealed == [provider in asked.SIGNS_THINKING] * len(thoughts)
    talk += [*sent_back(first), result_of(call)]
    second = await answered(sdk, streamed, input=talk, **fields)
    assert (second.status, of_type("function_call", second)) == ("completed", [])
    calls = await bench.calls(provider, 2)
    for answer, made in zip((first, second), calls, strict=True):
        check_usage(answer.usage, made)
        assert made.seen.reasoning_tokens > 0
        if provider in asked.COUNTS_THINKING:
            told = answer.usage.output_tokens_details.reasoning_tokens
            assert told == made.seen.reasoning_tokens


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: AsyncOpenAI, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "input": asked.QUESTION}
    bench.fail("status_429")
    with pytest.raises(openai.RateLimitError) as limited:
        await answered(sdk, False, **fields)
    bench.heal()
    bench.fail("status_400")
    with pytest.raises(openai.BadRequestError) as refused:
        await answered(sdk, False, **fields)
    bench.heal()
    bench.fail(asked.broken_stream(provider))
    stream = await sdk.responses.create(stream=True, store=False, **fields)
    events = await broken_off(stream)
    assert "response.output_text.delta" in events
    assert "response.completed" not in events
    assert refused.value.type == "invalid_request_error"
    tells_when = "retry-after" in limited.value.response.headers
    assert tells_when == (provider in asked.TELLS_WHEN)
    await bench.failures(provider)


async def broken_off(stream: Any) -> list[str]:
    """The types of what came before the stream broke."""
    events, broken = await until_it_breaks(stream, openai.APIError)
    assert broken.message
    return [event.type for event in events]
