"""The simulator as Ollama's own SDK sees it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import ollama
import pytest

from trunkline.simulator import Simulator

PIXEL = b"\x89PNG"
ASKED = [{"role": "user", "content": "Why do gateways exist?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
async def client(swift: Simulator) -> AsyncIterator[ollama.AsyncClient]:
    running = ollama.AsyncClient(host=swift.base_url)
    yield running
    await running.close()  # type: ignore[no-untyped-call]  # the SDK has no type for it


async def streamed(client: ollama.AsyncClient, **fields: Any) -> list[Any]:
    return [line async for line in await client.chat(stream=True, **fields)]


async def test_an_answer_is_text_with_counts_and_the_ledger_knows_it(
    swift: Simulator, client: ollama.AsyncClient
) -> None:
    answer = await client.chat(model="llama3.2", messages=ASKED, options={"num_predict": 3})
    assert (answer.done, answer.done_reason) == (True, "length")
    assert (answer.prompt_eval_count, answer.eval_count) == (11, 3)
    assert answer.message.content
    (seen,) = swift.ledger
    assert (seen.wire, seen.complete, seen.reported_usage) == ("ollama_chat", True, True)
    assert seen.bill_nano == 0


async def test_a_stream_is_lines_of_which_the_last_counts(client: ollama.AsyncClient) -> None:
    whole = await client.chat(model="sim-fast", messages=ASKED)
    lines = await streamed(client, model="sim-fast", messages=ASKED)
    assert "".join(line.message.content for line in lines) == whole.message.content
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1].message.content == ""
    names = ("done_reason", "prompt_eval_count", "eval_count", "total_duration", "created_at")
    assert [lines[-1][name] for name in names] == [whole[name] for name in names]


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_called_with_objects_and_answered_by_name(
    client: ollama.AsyncClient, stream: bool
) -> None:
    messages: list[Any] = [{"role": "user", "content": "The weather in Paris and Boston?"}]
    fields: Any = {"model": "sim-ollama", "tools": [WEATHER]}
    if stream:
        lines = await streamed(client, messages=messages, **fields)
        calls = [call for line in lines for call in line.message.tool_calls or ()]
        assert not any(line.done for line in lines if line.message.tool_calls)
        assert lines[-1].done_reason == "stop"
    else:
        answer = await client.chat(messages=messages, **fields)
        calls = list(answer.message.tool_calls or ())
        assert answer.done_reason == "stop"
    assert [set(call.function.arguments) for call in calls] == [{"city"}, {"city"}]
    messages.append({"role": "assistant", "content": "", "tool_calls": calls})
    messages += [
        {"role": "tool", "tool_name": call.function.name, "content": "17"} for call in calls
    ]
    final = await client.chat(messages=messages, **fields)
    assert final.message.tool_calls is None
    assert final.message.content


async def test_thinking_comes_when_asked_and_from_models_that_always_think(
    client: ollama.AsyncClient,
) -> None:
    async def thinking(model: str, think: Any = None) -> bool:
        lines = await streamed(client, model=model, messages=ASKED, think=think)
        whole = await client.chat(model=model, messages=ASKED, think=think)
        thoughts = "".join(line.message.thinking or "" for line in lines)
        assert thoughts == (whole.message.thinking or "")
        assert lines[-1].eval_count == whole.eval_count
        return bool(thoughts)

    assert await thinking("sim-ollama") is False
    assert await thinking("sim-ollama", think=True) is True
    assert await thinking("sim-ollama", think="high") is True
    assert await thinking("qwen3") is True
    assert await thinking("qwen3", think=False) is False
    with pytest.raises(ollama.ResponseError, match=r'"llama3\.2" does not support thinking'):
        await thinking("llama3.2", think=True)


async def test_structured_output_follows_the_schema(client: ollama.AsyncClient) -> None:
    schema: Any = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }

    async def members(wanted: Any) -> set[str]:
        answer = await client.chat(model="sim-fast", messages=ASKED, format=wanted)
        return set(json.loads(answer.message.content or ""))

    assert await members(schema) == {"city"}
    assert await members("json") == {"answer", "confidence"}


async def test_a_gap_can_be_filled_and_a_prompt_have_a_system_and_images(
    client: ollama.AsyncClient,
) -> None:
    async def count(**fields: Any) -> int | None:
        answer = await client.generate(model="sim-fast", prompt="def f(", **fields)
        assert answer.response
        counted: int | None = answer.prompt_eval_count
        return counted

    assert await count() == 3
    assert await count(suffix="return 1") == 3 + 2
    assert await count(system="Be brief.") == 3 + 3
    assert await count(images=[PIXEL]) == 3 + 256
    assert await count(context=[1, 2, 3]) == 3 + 3
    thought = await client.generate(model="sim-fast", prompt="Say hello", think=True)
    assert (thought.response, bool(thought.thinking)) == ("hello", True)
    lines = [
        line
        async for line in await client.generate(
            model="sim-fast", prompt="Say hi there", stream=True
        )
    ]
    assert [line.response for line in lines] == ["hi", " there", ""]


async def test_a_prompt_beyond_the_window_loses_its_oldest_messages(
    client: ollama.AsyncClient,
) -> None:
    long = {"role": "user", "content": "word " * 3000}
    system = {"role": "system", "content": "Be brief."}
    messages = [system, long, long, {"role": "user", "content": "hello"}]

    async def count(**options: Any) -> int | None:
        told = await client.chat(model="sim-fast", messages=messages, options=options)
        counted: int | None = told.prompt_eval_count
        return counted

    assert await count() == 8 + 3006 + 6
    assert await count(num_ctx=8192) == 8 + 2 * 3006 + 6
    assert await count(num_ctx=100) == 8 + 6


async def test_embeddings_are_of_one_text_or_many(
    swift: Simulator, client: ollama.AsyncClient
) -> None:
    one = await client.embed(model="nomic-embed-text", input="one two", dimensions=16)
    many = await client.embed(model="nomic-embed-text", input=["one two", "three"], dimensions=16)
    assert many.embeddings[0] == one.embeddings[0]
    assert [len(vector) for vector in many.embeddings] == [16, 16]
    assert (one.prompt_eval_count, many.prompt_eval_count) == (2, 3)
    assert swift.ledger[-1].wire == "ollama_embed"
    long = "word " * 9000
    told = await client.embed(model="nomic-embed-text", input=long)
    assert told.prompt_eval_count == 8192
    with pytest.raises(ollama.ResponseError, match="exceeds the context length"):
        await client.embed(model="nomic-embed-text", input=long, truncate=False)


async def test_the_models_that_are_there_are_listed_and_shown(client: ollama.AsyncClient) -> None:
    names = [model.model for model in (await client.list()).models]
    assert {"llama3.2:latest", "nomic-embed-text:latest"} <= set(names)
    shown = await client.show("qwen3")
    assert shown.capabilities == ["completion", "tools", "insert", "vision", "thinking"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["qwen3.context_length"] == 40_960
    assert (await client.show("nomic-embed-text:latest")).capabilities == ["embedding"]
    with pytest.raises(ollama.ResponseError, match="model 'gpt-9' not found"):
        await client.show("gpt-9")


async def test_errors_are_sentences_also_inside_of_a_stream(client: ollama.AsyncClient) -> None:
    with pytest.raises(ollama.ResponseError, match="model 'gpt-9' not found") as unknown:
        await client.chat(model="gpt-9", messages=ASKED)
    assert unknown.value.status_code == 404
    with pytest.raises(ollama.ResponseError, match="server busy"):
        await streamed(client, model="sim-fast+fault=error_in_stream", messages=ASKED)
