"""Mistral's SDK, chat, before every provider wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mistralai.client import Mistral
from mistralai.client.errors import ResponseValidationError, SDKError
from pydantic import BaseModel
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import Bench, Call
from tests.conformance.matrix.cells import cells

CLIENT = "mistralai chat"
# The wire that the SDK itself speaks, so that bytes pass.
CHAT_PROVIDER = "openai_chat"
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
async def sdk(bench: Bench) -> AsyncIterator[Mistral]:
    """The client as its users set it up."""
    async with Mistral(api_key=bench.key, server_url=bench.url) as client:
        yield client


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def check_usage(usage: Any, call: Call) -> None:
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
        call.seen.input_tokens,
        call.seen.output_tokens,
        call.seen.input_tokens + call.seen.output_tokens,
    )


async def keep_reasons(opening: Any, reasons: list[Any]) -> None:
    """Read a stream and keep what each event says of its end, also when the stream breaks."""
    async for event in await opening:
        reasons += [choice.finish_reason for choice in event.data.choices]


@cells(CLIENT, "text")
async def test_an_answer_arrives_whole(bench: Bench, sdk: Mistral, provider: str) -> None:
    model = bench.model(provider)
    answer = await sdk.chat.complete_async(model=model, messages=user(asked.QUESTION))
    (choice,) = answer.choices
    assert choice.message is not None
    assert (choice.message.content, choice.finish_reason) == (asked.SAID, "stop")
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "streaming")
async def test_a_stream_arrives_whole(bench: Bench, sdk: Mistral, provider: str) -> None:
    stream = await sdk.chat.stream_async(model=bench.model(provider), messages=user(asked.QUESTION))
    choices = [choice async for event in stream for choice in event.data.choices]
    pieces = [str(choice.delta.content) for choice in choices if choice.delta.content]
    assert len(pieces) > 1
    assert "".join(pieces) == asked.SAID
    reasons = [choice.finish_reason for choice in choices]
    assert reasons == [None] * (len(reasons) - 1) + ["stop"]
    await bench.calls(provider, 1)


@cells(CLIENT, "tools")
async def test_a_tool_is_called_and_its_result_is_taken(
    bench: Bench, sdk: Mistral, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "tools": TOOLS}
    talk = user(asked.CALLING)
    first = await sdk.chat.complete_async(messages=talk, **fields)
    message: Any = first.choices[0].message
    (call,) = message.tool_calls
    assert (first.choices[0].finish_reason, call.function.name) == ("tool_calls", asked.TOOL)
    assert json.loads(call.function.arguments) == asked.CITY
    talk += [
        message,
        {
            "role": "tool",
            "name": asked.TOOL,
            "tool_call_id": call.id,
            "content": asked.RESULT,
        },
    ]
    second = await sdk.chat.complete_async(messages=talk, **fields)
    answered: Any = second.choices[0].message
    assert answered.content
    assert (second.choices[0].finish_reason, answered.tool_calls or None) == ("stop", None)
    calls = await bench.calls(provider, 2)
    assert [made.seen.tool_results for made in calls] == [False, True]
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])


@pytest.mark.parametrize("provider", ["openai_chat", "anthropic_messages", "gemini"])
async def test_a_streamed_call_must_be_whole_for_the_sdk_and_openais_format_tells_it_in_pieces(
    bench: Bench, sdk: Mistral, provider: str
) -> None:
    # Mistral's servers stream a call in one piece. Any server of OpenAI's format that does not is
    # refused by the SDK, loudly; docs/conformance.md says so.
    model = bench.model(provider)
    opening = sdk.chat.stream_async(model=model, messages=user(asked.CALLING), tools=TOOLS)
    reasons: list[Any] = []
    with pytest.raises(ResponseValidationError) as refused:
        await keep_reasons(opening, reasons)
    assert "function.name" in str(refused.value)
    assert set(reasons) == {None}


@cells(CLIENT, "images")
@pytest.mark.parametrize("nested", [False, True])
async def test_a_picture_reaches_the_provider(
    bench: Bench, sdk: Mistral, provider: str, nested: bool
) -> None:
    if provider == CHAT_PROVIDER and not nested:
        pytest.skip("Mistral's shorter spelling passes as it is, and OpenAI refuses it.")
    model = bench.model(provider)
    address = f"data:image/png;base64,{asked.PNG_TEXT}"
    text = {"type": "text", "text": asked.QUESTION}
    picture = {"type": "image_url", "image_url": {"url": address} if nested else address}
    await sdk.chat.complete_async(model=model, messages=user([text]))
    answer = await sdk.chat.complete_async(model=model, messages=user([text, picture]))
    assert answer.choices[0].message is not None
    assert answer.choices[0].message.content == asked.SAID
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.IMAGE_TOKENS[provider]


@cells(CLIENT, "structured")
async def test_an_answer_by_a_schema_is_parsed(bench: Bench, sdk: Mistral, provider: str) -> None:
    answer = await sdk.chat.parse_async(
        response_format=Place, model=bench.model(provider), messages=user("Where?")
    )
    (choice,) = answer.choices or []
    assert choice.message is not None
    assert isinstance(choice.message.parsed, Place)
    assert choice.finish_reason == "stop"
    await bench.calls(provider, 1)


@cells(CLIENT, "reasoning")
async def test_thinking_survives_a_turn_of_tools(bench: Bench, sdk: Mistral, provider: str) -> None:
    fields: Any = {
        "model": bench.model(provider, "sim-think"),
        "tools": TOOLS,
        "reasoning_effort": "high",
    }
    talk = user(asked.CALLING)
    first = await sdk.chat.complete_async(messages=talk, **fields)
    message: Any = first.choices[0].message
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments) == asked.CITY
    talk += [
        message,
        {
            "role": "tool",
            "name": asked.TOOL,
            "tool_call_id": call.id,
            "content": asked.RESULT,
        },
    ]
    second = await sdk.chat.complete_async(messages=talk, **fields)
    assert second.choices[0].finish_reason == "stop"
    calls = await bench.calls(provider, 2)
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])
    assert [made.seen.reasoning_tokens > 0 for made in calls] == [True, True]


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: Mistral, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "messages": user(asked.QUESTION)}
    for fault, status in (("status_429", 429), ("status_400", 400), ("status_401", 502)):
        bench.fail(fault)
        for work in (sdk.chat.complete_async, sdk.chat.stream_async):
            with pytest.raises(SDKError) as refused:
                await work(**fields)
            assert (fault, refused.value.status_code) == (fault, status)
        bench.heal()
    bench.fail("error_in_stream;after=8")
    reasons: list[Any] = []
    # The SDK knows no errors in streams: it refuses an event that is none of an answer.
    with pytest.raises(ResponseValidationError) as broken:
        await keep_reasons(sdk.chat.stream_async(**fields), reasons)
    assert set(reasons) == {None}
    assert '"error"' in broken.value.body
    await bench.failures(provider)


async def test_unknown_models_and_keys_are_the_sdks_own_exceptions(
    bench: Bench, sdk: Mistral
) -> None:
    with pytest.raises(SDKError) as unknown:
        await sdk.chat.complete_async(model="sim-none", messages=user("Hello."))
    assert unknown.value.status_code == 404
    async with Mistral(api_key="tl_none", server_url=bench.url) as stranger:
        with pytest.raises(SDKError) as refused:
            await stranger.chat.complete_async(model="sim-fast", messages=user("Hello."))
    assert refused.value.status_code == 401
