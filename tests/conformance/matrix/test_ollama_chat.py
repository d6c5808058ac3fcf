"""Ollama's SDK, chat, before every provider wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

import ollama
import pytest
import pytest_asyncio
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import Bench, Call
from tests.conformance.matrix.cells import cells

CLIENT = "ollama chat"
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
async def sdk(bench: Bench) -> AsyncIterator[ollama.AsyncClient]:
    """The client as its users set it up for a server that wants a key."""
    headers = {"Authorization": f"Bearer {bench.key}"}
    async with ollama.AsyncClient(host=bench.url, headers=headers) as client:
        yield client


def user(content: str, **members: Any) -> list[Any]:
    return [{"role": "user", "content": content, **members}]


def check_usage(answer: Any, call: Call) -> None:
    counted = (answer.prompt_eval_count, answer.eval_count)
    assert counted == (call.seen.input_tokens, call.seen.output_tokens)


async def lines_of(stream: Any) -> list[Any]:
    return [line async for line in await stream]


async def keep_lines(opening: Any, lines: list[Any]) -> None:
    """Read a stream and keep its lines, also when it breaks."""
    async for line in await opening:
        lines.append(line)  # noqa: PERF401 - what came before the error counts


@cells(CLIENT, "text")
async def test_an_answer_arrives_whole(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    answer = await sdk.chat(model=bench.model(provider), messages=user(asked.QUESTION))
    assert answer.message == ollama.Message(role="assistant", content=asked.SAID)
    assert (answer.done, answer.done_reason) == (True, "stop")
    (call,) = await bench.calls(provider, 1)
    check_usage(answer, call)


@cells(CLIENT, "streaming")
async def test_a_stream_arrives_whole(bench: Bench, sdk: ollama.AsyncClient, provider: str) -> None:
    lines = await lines_of(
        sdk.chat(model=bench.model(provider), messages=user(asked.QUESTION), stream=True)
    )
    assert "".join(line.message.content for line in lines) == asked.SAID
    assert len([line for line in lines if line.message.content]) > 1
    assert {line.message.role for line in lines} == {"assistant"}
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1].done_reason == "stop"
    (call,) = await bench.calls(provider, 1)
    check_usage(lines[-1], call)


async def asked_streamed(sdk: ollama.AsyncClient, streamed: bool, **fields: Any) -> Any:
    """A whole answer, put together as Ollama's documentation says where it is streamed."""
    if not streamed:
        return await sdk.chat(**fields)
    lines = await lines_of(sdk.chat(stream=True, **fields))
    last = lines[-1]
    message = ollama.Message(
        role="assistant",
        content="".join(line.message.content or "" for line in lines),
        thinking="".join(line.message.thinking or "" for line in lines) or None,
        tool_calls=[call for line in lines for call in line.message.tool_calls or ()] or None,
    )
    return last.model_copy(update={"message": message})


@cells(CLIENT, "tools")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_is_called_and_its_result_is_taken(
    bench: Bench, sdk: ollama.AsyncClient, provider: str, streamed: bool
) -> None:
    fields = {"model": bench.model(provider), "tools": TOOLS}
    talk = user(asked.CALLING)
    first = await asked_streamed(sdk, streamed, messages=talk, **fields)
    (call,) = first.message.tool_calls
    assert (call.function.name, call.function.arguments) == (asked.TOOL, asked.CITY)
    # Ollama's format has no ids of calls and no reason of its own for an end with them.
    talk += [
        first.message,
        {"role": "tool", "tool_name": asked.TOOL, "content": asked.RESULT},
    ]
    second = await asked_streamed(sdk, streamed, messages=talk, **fields)
    assert second.message.content
    assert (second.done_reason, second.message.tool_calls) == ("stop", None)
    calls = await bench.calls(provider, 2)
    assert [made.seen.tool_results for made in calls] == [False, True]
    check_usage(first, calls[0])
    check_usage(second, calls[1])


@cells(CLIENT, "images")
async def test_a_picture_reaches_the_provider(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    model = bench.model(provider)
    await sdk.chat(model=model, messages=user(asked.QUESTION))
    answer = await sdk.chat(model=model, messages=user(asked.QUESTION, images=[asked.PNG]))
    assert answer.message.content == asked.SAID
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.IMAGE_TOKENS[provider]


@cells(CLIENT, "structured")
async def test_an_answer_by_a_schema_can_be_parsed(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    answer = await sdk.chat(
        model=bench.model(provider), messages=user("Where?"), format=asked.place_schema()
    )
    assert asked.is_place(json.loads(answer.message.content or ""))
    await bench.calls(provider, 1)


@cells(CLIENT, "reasoning")
@pytest.mark.parametrize("streamed", [False, True])
async def test_thinking_survives_a_turn_of_tools(
    bench: Bench, sdk: ollama.AsyncClient, provider: str, streamed: bool
) -> None:
    fields = {"model": bench.model(provider, "sim-think"), "tools": TOOLS, "think": True}
    talk = user(asked.CALLING)
    first = await asked_streamed(sdk, streamed, messages=talk, **fields)
    (call,) = first.message.tool_calls
    assert call.function.arguments == asked.CITY
    talk += [
        first.message,
        {"role": "tool", "tool_name": asked.TOOL, "content": asked.RESULT},
    ]
    second = await asked_streamed(sdk, streamed, messages=talk, **fields)
    assert (second.done_reason, second.message.tool_calls) == ("stop", None)
    calls = await bench.calls(provider, 2)
    check_usage(first, calls[0])
    check_usage(second, calls[1])
    assert [made.seen.reasoning_tokens > 0 for made in calls] == [True, True]


@pytest.mark.parametrize("provider", ["anthropic_messages", "gemini", "bedrock_converse"])
async def test_signed_thinking_is_shown_and_the_turn_after_its_calls_is_answered(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider, "sim-think"), "tools": TOOLS, "think": True}
    talk = user(asked.CALLING)
    first = await sdk.chat(messages=talk, **fields)
    assert first.message.thinking
    talk += [
        first.message,
        {"role": "tool", "tool_name": asked.TOOL, "content": asked.RESULT},
    ]
    second = await sdk.chat(messages=talk, **fields)
    assert (second.done_reason, second.message.tool_calls) == ("stop", None)
    calls = await bench.calls(provider, 2)
    thought = [made.seen.reasoning_tokens > 0 for made in calls]
    # Gemini has a word for a signature that is gone; Claude must not think then.
    assert thought == [True, provider == "gemini"]


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: ollama.AsyncClient, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "messages": user(asked.QUESTION)}
    for fault, status in (("status_429", 429), ("status_400", 400), ("status_401", 502)):
        bench.fail(fault)
        for streamed in (False, True):
            with pytest.raises(ollama.ResponseError) as refused:
                await asked_streamed(sdk, streamed, **fields)
            assert (fault, refused.value.status_code) == (fault, status)
        bench.heal()
    bench.fail("error_in_stream;after=8")
    lines: list[Any] = []
    with pytest.raises(ollama.ResponseError):
        await keep_lines(sdk.chat(stream=True, **fields), lines)
    assert {line.done for line in lines} == {False}
    await bench.failures(provider)


async def test_unknown_models_and_keys_are_the_sdks_own_exceptions(
    bench: Bench, sdk: ollama.AsyncClient
) -> None:
    with pytest.raises(ollama.ResponseError) as unknown:
        await sdk.chat(model="sim-none", messages=user("Hello."))
    assert unknown.value.status_code == 404
    stranger = ollama.AsyncClient(host=bench.url, headers={"Authorization": "Bearer tl_none"})
    async with stranger:
        with pytest.raises(ollama.ResponseError) as refused:
            await stranger.chat(model="sim-fast", messages=user("Hello."))
    assert refused.value.status_code == 401


async def test_programs_find_models_and_the_version(bench: Bench, sdk: ollama.AsyncClient) -> None:
    listed = [str(model.model) for model in (await sdk.list()).models]
    assert {"sim-fast", "claude:sim-fast", "ollama_embed:sim-embed"} <= set(listed)
    assert listed == sorted(listed)
    shown = await sdk.show("claude:sim-fast")
    assert shown.capabilities == ["completion", "tools", "vision"]
    assert (await sdk.ps()).models == []
    # The SDK has no call of its own for what editors ask first.
    told = await sdk._client.get("/api/version")
    major, minor, _ = told.json()["version"].split(".")
    assert (int(major), int(minor)) >= (0, 6)
    with pytest.raises(ollama.ResponseError) as unknown:
        await sdk.show("sim-none")
    assert unknown.value.status_code == 404
