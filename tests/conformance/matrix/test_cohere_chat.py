"""Cohere's SDK, chat, before every provider wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

import cohere
import pytest
import pytest_asyncio
from cohere.core.api_error import ApiError
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import Bench, Call
from tests.conformance.matrix.cells import cells

CLIENT = "cohere chat"
ONCE: Any = {"max_retries": 0}
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


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[cohere.AsyncClientV2]:
    """The client as its users set it up."""
    async with cohere.AsyncClientV2(api_key=bench.key, base_url=bench.url) as client:
        yield client


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def check_usage(usage: Any, call: Call) -> None:
    tokens = usage.tokens
    # Cohere itself counts what it does not bill, and the bill is what the simulator's books have.
    hidden = 62 if call.seen.wire == "cohere_chat" else 0
    counted = (tokens.input_tokens, tokens.output_tokens)
    assert counted == (call.seen.input_tokens + hidden, call.seen.output_tokens)
    billed = (usage.billed_units.input_tokens, usage.billed_units.output_tokens)
    assert billed == (call.seen.input_tokens, call.seen.output_tokens)


def text_of(message: Any) -> str:
    parts = message.content or []
    return "".join(part.text for part in parts if part.type == "text")


async def put_together(stream: Any) -> Any:
    """A whole answer of a stream, put together as Cohere's documentation says."""
    text, thinking, plan = "", "", ""
    calls: list[Any] = []
    open_calls: set[int] = set()
    last = None
    async for event in stream:
        assert last is None
        match event.type:
            case "content-delta":
                text += event.delta.message.content.text or ""
                thinking += event.delta.message.content.thinking or ""
            case "tool-plan-delta":
                plan += event.delta.message.tool_plan
            case "tool-call-start":
                assert event.index == len(calls)
                calls.append(event.delta.message.tool_calls)
                open_calls.add(event.index)
            case "tool-call-delta":
                calls[
                    event.index
                ].function.arguments += event.delta.message.tool_calls.function.arguments
            case "tool-call-end":
                open_calls.remove(event.index)
            case "message-end":
                last = event.delta
    assert open_calls == set()
    assert last is not None
    content = [{"type": "thinking", "thinking": thinking}] if thinking else []
    content += [{"type": "text", "text": text}] if text else []
    return cohere.V2ChatResponse(
        id="streamed",
        finish_reason=last.finish_reason,
        usage=last.usage,
        message=cohere.AssistantMessageResponse.model_validate(
            {
                "role": "assistant",
                "tool_plan": plan or None,
                "tool_calls": [call.model_dump() for call in calls] or None,
                "content": content or None,
            }
        ),
    )


async def asked_streamed(sdk: cohere.AsyncClientV2, streamed: bool, **fields: Any) -> Any:
    """A whole answer, put together where it is streamed."""
    if streamed:
        return await put_together(sdk.chat_stream(**fields))
    return await sdk.chat(**fields)


@cells(CLIENT, "text")
async def test_an_answer_arrives_whole(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    answer = await sdk.chat(model=bench.model(provider), messages=user(asked.QUESTION))
    (part,) = answer.message.content or []
    assert (part.type, text_of(answer.message)) == ("text", asked.SAID)
    assert (answer.finish_reason, answer.message.tool_calls) == ("COMPLETE", None)
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "streaming")
async def test_a_stream_arrives_whole(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    stream = sdk.chat_stream(model=bench.model(provider), messages=user(asked.QUESTION))
    events: list[Any] = [event async for event in stream]
    kinds = [event.type for event in events]
    deltas = [event for event in events if event.type == "content-delta"]
    assert kinds == [
        "message-start",
        "content-start",
        *["content-delta"] * len(deltas),
        "content-end",
        "message-end",
    ]
    assert len(deltas) > 1
    assert "".join(event.delta.message.content.text for event in deltas) == asked.SAID
    assert events[-1].delta.finish_reason == "COMPLETE"
    (call,) = await bench.calls(provider, 1)
    check_usage(events[-1].delta.usage, call)


@cells(CLIENT, "tools")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_is_called_and_its_result_is_taken(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str, streamed: bool
) -> None:
    fields: Any = {"model": bench.model(provider), "tools": TOOLS}
    talk = user(asked.CALLING)
    first = await asked_streamed(sdk, streamed, messages=talk, **fields)
    (call,) = first.message.tool_calls
    assert (first.finish_reason, call.function.name) == ("TOOL_CALL", asked.TOOL)
    assert json.loads(call.function.arguments) == asked.CITY
    talk += [
        first.message,
        {"role": "tool", "tool_call_id": call.id, "content": asked.RESULT},
    ]
    second = await asked_streamed(sdk, streamed, messages=talk, **fields)
    assert text_of(second.message)
    assert (second.finish_reason, second.message.tool_calls) == ("COMPLETE", None)
    calls = await bench.calls(provider, 2)
    assert [made.seen.tool_results for made in calls] == [False, True]
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])


@cells(CLIENT, "images")
async def test_a_picture_reaches_the_provider(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    model = bench.model(provider)
    text = {"type": "text", "text": asked.QUESTION}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{asked.PNG_TEXT}"}}
    await sdk.chat(model=model, messages=user([text]))
    answer = await sdk.chat(model=model, messages=user([text, picture]))
    assert text_of(answer.message) == asked.SAID
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.IMAGE_TOKENS[provider]


@cells(CLIENT, "structured")
async def test_an_answer_by_a_schema_can_be_parsed(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    answer = await sdk.chat(
        model=bench.model(provider),
        messages=user("Where?"),
        response_format=cohere.JsonObjectResponseFormatV2(json_schema=asked.place_schema()),
    )
    assert asked.is_place(json.loads(text_of(answer.message)))
    assert answer.finish_reason == "COMPLETE"
    await bench.calls(provider, 1)


@cells(CLIENT, "reasoning")
@pytest.mark.parametrize("streamed", [False, True])
async def test_thinking_survives_a_turn_of_tools(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str, streamed: bool
) -> None:
    fields: Any = {
        "model": bench.model(provider, "sim-think"),
        "tools": TOOLS,
        "thinking": {"type": "enabled", "token_budget": 2000},
    }
    talk = user(asked.CALLING)
    first = await asked_streamed(sdk, streamed, messages=talk, **fields)
    (call,) = first.message.tool_calls
    assert json.loads(call.function.arguments) == asked.CITY
    talk += [
        first.message,
        {"role": "tool", "tool_call_id": call.id, "content": asked.RESULT},
    ]
    second = await asked_streamed(sdk, streamed, messages=talk, **fields)
    assert (second.finish_reason, second.message.tool_calls) == ("COMPLETE", None)
    calls = await bench.calls(provider, 2)
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])
    assert [made.seen.reasoning_tokens > 0 for made in calls] == [True, True]


REFUSED: dict[str, type[ApiError]] = {
    "status_429": cohere.TooManyRequestsError,
    "status_400": cohere.BadRequestError,
    "status_401": ApiError,
    "status_500": cohere.InternalServerError,
}


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: cohere.AsyncClientV2, provider: str
) -> None:
    fields: Any = {
        "model": bench.model(provider),
        "messages": user(asked.QUESTION),
        "request_options": ONCE,
    }
    for fault, error in REFUSED.items():
        bench.fail(fault)
        for streamed in (False, True):
            with pytest.raises(error) as refused:
                await asked_streamed(sdk, streamed, **fields)
            assert type(refused.value) is error
            assert refused.value.body["message"]
        bench.heal()
    bench.fail("error_in_stream;after=8")
    events: list[Any] = [event async for event in sdk.chat_stream(**fields)]
    # The SDK has no exception for a stream that breaks: the last event says so, in the format's own
    # words or, where the provider's bytes pass, in the provider's.
    if provider == "cohere_chat":
        assert events[-1].message
    else:
        assert (events[-1].type, events[-1].delta.finish_reason) == ("message-end", "ERROR")
        assert events[-1].delta.error
    assert "message-end" not in [event.type for event in events[:-1]]
    await bench.failures(provider)


async def test_unknown_models_and_keys_are_the_sdks_own_exceptions(
    bench: Bench, sdk: cohere.AsyncClientV2
) -> None:
    with pytest.raises(cohere.NotFoundError):
        await sdk.chat(model="sim-none", messages=user("Hello."))
    async with cohere.AsyncClientV2(api_key="tl_none", base_url=bench.url) as stranger:
        with pytest.raises(cohere.UnauthorizedError):
            await stranger.chat(model="sim-fast", messages=user("Hello."))
