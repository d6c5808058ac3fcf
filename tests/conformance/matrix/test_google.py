"""Google's SDK before every provider wire."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from google import genai
from google.genai import errors, types
from google.genai.client import AsyncClient
from pydantic import BaseModel
from tests.conformance.matrix import asked
from tests.conformance.matrix.bench import THINKER, Bench, Call
from tests.conformance.matrix.cells import cells
from tests.conformance.matrix.streams import until_it_breaks

CLIENT = "google-genai"
TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name=asked.TOOL,
                description=asked.TOOL_SAYS,
                parameters_json_schema=asked.weather_schema(),
            )
        ]
    )
]


class Place(BaseModel):
    """What a structured answer is parsed into."""

    city: str
    inhabitants: int


@pytest_asyncio.fixture
async def sdk(bench: Bench) -> AsyncIterator[AsyncClient]:
    """The client as its users set it up."""
    options = types.HttpOptions(base_url=bench.url)
    async with genai.Client(api_key=bench.key, http_options=options).aio as client:
        yield client


def config(**fields: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(**fields)


def user(*parts: types.Part) -> types.Content:
    return types.Content(role="user", parts=list(parts))


class Answer:
    """One answer, whole or put together from its chunks as a program would."""

    def __init__(self, chunks: list[types.GenerateContentResponse]) -> None:
        self.chunks = chunks
        heads = [chunk.candidates[0] for chunk in chunks if chunk.candidates]
        contents = [head.content for head in heads if head.content is not None]
        self.parts = [part for content in contents for part in content.parts or []]
        self.finish = [head.finish_reason for head in heads if head.finish_reason is not None]
        self.usage = chunks[-1].usage_metadata

    @property
    def text(self) -> str:
        """The words that are no thought."""
        return "".join(part.text or "" for part in self.parts if not part.thought)

    @property
    def calls(self) -> list[types.FunctionCall]:
        """The calls in their order."""
        return [part.function_call for part in self.parts if part.function_call is not None]


async def answered(sdk: AsyncClient, streamed: bool, **fields: Any) -> Answer:
    if not streamed:
        return Answer([await sdk.models.generate_content(**fields)])
    stream = await sdk.models.generate_content_stream(**fields)
    return Answer([chunk async for chunk in stream])


def check_usage(usage: types.GenerateContentResponseUsageMetadata | None, call: Call) -> None:
    assert usage is not None
    written = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    assert (usage.prompt_token_count, written) == (call.seen.input_tokens, call.seen.output_tokens)
    assert usage.total_token_count == call.seen.input_tokens + call.seen.output_tokens
    assert (usage.cached_content_token_count or 0) == call.seen.cache_read_tokens


def result_of(call: types.FunctionCall) -> types.Content:
    response = types.FunctionResponse(id=call.id, name=call.name, response={"output": asked.RESULT})
    return user(types.Part(function_response=response))


@cells(CLIENT, "text")
async def test_an_answer_arrives_whole(bench: Bench, sdk: AsyncClient, provider: str) -> None:
    model = bench.model(provider)
    answer = await answered(sdk, False, model=model, contents=asked.QUESTION)
    assert (answer.text, answer.finish) == (asked.SAID, [types.FinishReason.STOP])
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "streaming")
async def test_a_stream_arrives_whole(bench: Bench, sdk: AsyncClient, provider: str) -> None:
    model = bench.model(provider)
    answer = await answered(sdk, True, model=model, contents=asked.QUESTION)
    assert len([part for part in answer.parts if part.text]) > 1
    assert (answer.text, answer.finish) == (asked.SAID, [types.FinishReason.STOP])
    (call,) = await bench.calls(provider, 1)
    check_usage(answer.usage, call)


@cells(CLIENT, "tools")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_is_called_and_its_result_is_taken(
    bench: Bench, sdk: AsyncClient, provider: str, streamed: bool
) -> None:
    fields = {"model": bench.model(provider), "config": config(tools=TOOLS)}
    talk = [user(types.Part(text=asked.CALLING))]
    first = await answered(sdk, streamed, contents=talk, **fields)
    (call,) = first.calls
    assert call.name == asked.TOOL
    assert call.args == asked.CITY
    assert first.finish == [types.FinishReason.STOP]
    talk += [types.Content(role="model", parts=first.parts), result_of(call)]
    second = await answered(sdk, streamed, contents=talk, **fields)
    assert (second.calls, second.finish) == ([], [types.FinishReason.STOP])
    assert second.text
    calls = await bench.calls(provider, 2)
    assert [made.seen.tool_results for made in calls] == [False, True]
    check_usage(first.usage, calls[0])
    check_usage(second.usage, calls[1])


@cells(CLIENT, "images")
async def test_a_picture_reaches_the_provider(
    bench: Bench, sdk: AsyncClient, provider: str
) -> None:
    model = bench.model(provider)
    text = types.Part(text=asked.QUESTION)
    picture = types.Part.from_bytes(data=asked.PNG, mime_type="image/png")
    for parts in ([text], [text, picture]):
        answer = await answered(sdk, False, model=model, contents=user(*parts))
        assert answer.text == asked.SAID
    without, having = await bench.calls(provider, 2)
    assert having.seen.input_tokens - without.seen.input_tokens == asked.IMAGE_TOKENS[provider]


@cells(CLIENT, "structured")
@pytest.mark.parametrize("schema", ["response_schema", "response_json_schema"])
async def test_an_answer_by_a_schema_is_parsed(
    bench: Bench, sdk: AsyncClient, provider: str, schema: str
) -> None:
    wanted: Any = Place if schema == "response_schema" else asked.place_schema()
    shape = config(response_mime_type="application/json", **{schema: wanted})
    answer = await answered(
        sdk, False, model=bench.model(provider), contents="Where?", config=shape
    )
    assert asked.is_place(json.loads(answer.text))
    parsed = answer.chunks[0].parsed
    assert isinstance(parsed, Place) if wanted is Place else asked.is_place(parsed)
    await bench.calls(provider, 1)


@cells(CLIENT, "reasoning")
@pytest.mark.parametrize("streamed", [False, True])
async def test_thinking_survives_a_turn_of_tools(
    bench: Bench, sdk: AsyncClient, provider: str, streamed: bool
) -> None:
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=2_048)
    fields = {
        "model": bench.model(provider, THINKER),
        "config": config(tools=TOOLS, thinking_config=thinking),
    }
    talk = [user(types.Part(text=asked.CALLING))]
    first = await answered(sdk, streamed, contents=talk, **fields)
    (call,) = first.calls
    assert call.args == asked.CITY
    shown = any(part.thought and part.text for part in first.parts)
    assert shown == (provider != "openai_chat")
    talk += [types.Content(role="model", parts=first.parts), result_of(call)]
    second = await answered(sdk, streamed, contents=talk, **fields)
    assert (second.calls, second.finish) == ([], [types.FinishReason.STOP])
    calls = await bench.calls(provider, 2)
    for answer, made in zip((first, second), calls, strict=True):
        check_usage(answer.usage, made)
        assert made.seen.reasoning_tokens > 0
        if provider in asked.COUNTS_THINKING:
            assert answer.usage is not None
            assert answer.usage.thoughts_token_count == made.seen.reasoning_tokens


@cells(CLIENT, "errors")
async def test_failures_are_the_sdks_own_exceptions(
    bench: Bench, sdk: AsyncClient, provider: str
) -> None:
    fields: Any = {"model": bench.model(provider), "contents": asked.QUESTION}
    for fault, code, status in (
        ("status_429", 429, "RESOURCE_EXHAUSTED"),
        ("status_400", 400, "INVALID_ARGUMENT"),
    ):
        bench.fail(fault)
        with pytest.raises(errors.ClientError) as refused:
            await answered(sdk, False, **fields)
        bench.heal()
        assert (refused.value.code, refused.value.status) == (code, status)
        assert refused.value.message
    bench.fail(asked.broken_stream(provider))
    stream = await sdk.models.generate_content_stream(**fields)
    chunks, broken = await until_it_breaks(stream, errors.APIError)
    read = Answer(chunks)
    assert (read.finish, bool(read.text), bool(broken.message)) == ([], True, True)
    assert asked.SAID.startswith(read.text)
    await bench.failures(provider)
