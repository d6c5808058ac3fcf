"""The simulator as Google's own SDK sees it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from trunkline.simulator import Simulator

WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather in a city.",
            parameters_json_schema={
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        )
    ]
)
ASKED = "Why do gateways exist?"
THINKING = types.ThinkingConfig(include_thoughts=True)


@pytest.fixture
async def client(swift: Simulator) -> AsyncIterator[genai.client.AsyncClient]:
    options = types.HttpOptions(base_url=swift.base_url)
    async with genai.Client(api_key="key", http_options=options).aio as running:
        yield running


async def streamed(client: genai.client.AsyncClient, **fields: Any) -> list[Any]:
    return [chunk async for chunk in await client.models.generate_content_stream(**fields)]


def parts_of(chunks: list[Any]) -> list[Any]:
    return [part for chunk in chunks for part in chunk.candidates[0].content.parts]


async def test_an_answer_is_text_with_usage_and_the_ledger_knows_it(
    swift: Simulator, client: genai.client.AsyncClient
) -> None:
    answer = await client.models.generate_content(
        model="sim-fast", contents=ASKED, config={"max_output_tokens": 3}
    )
    assert answer.text is not None
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert answer.usage_metadata is not None
    usage = answer.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count) == (7, 3)
    assert (usage.thoughts_token_count, usage.total_token_count) == (None, 10)
    (seen,) = swift.ledger
    assert (seen.wire, seen.status, seen.complete) == ("gemini", 200, True)
    assert seen.bill_nano == 7 * 500 + 3 * 1500


async def test_a_stream_carries_the_same_text_and_its_last_chunk_the_whole_usage(
    client: genai.client.AsyncClient,
) -> None:
    whole = await client.models.generate_content(model="sim-fast", contents=ASKED)
    chunks = await streamed(client, model="sim-fast", contents=ASKED)
    assert "".join(part.text for part in parts_of(chunks)) == whole.text
    assert chunks[-1].usage_metadata == whole.usage_metadata
    counts = [chunk.usage_metadata.candidates_token_count for chunk in chunks]
    assert counts == sorted(counts)
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks]
    assert [reason for reason in reasons if reason] == [types.FinishReason.STOP]
    assert {chunk.response_id for chunk in chunks} == {whole.response_id}


async def test_thoughts_are_counted_apart_and_shown_where_asked_for(
    client: genai.client.AsyncClient,
) -> None:
    async def answer(**thinking: Any) -> Any:
        config: Any = {"thinking_config": thinking}
        return await client.models.generate_content(
            model="gemini-2.5-flash", contents=ASKED, config=config
        )

    hidden, shown = await answer(), await answer(include_thoughts=True)
    none = await answer(thinking_budget=0)
    assert [bool(part.thought) for part in hidden.candidates[0].content.parts] == [False]
    assert [bool(part.thought) for part in shown.candidates[0].content.parts] == [True, False]
    assert none.usage_metadata.thoughts_token_count is None
    for told in (hidden.usage_metadata, shown.usage_metadata):
        assert told.thoughts_token_count >= 64
        visible = told.prompt_token_count + told.candidates_token_count
        assert told.total_token_count == visible + told.thoughts_token_count


async def test_hidden_thoughts_are_counted_from_the_first_chunk_of_a_stream(
    client: genai.client.AsyncClient,
) -> None:
    fields: Any = {"model": "gemini-2.5-flash", "contents": ASKED}
    whole = await client.models.generate_content(**fields)
    chunks = await streamed(client, **fields)
    assert whole.usage_metadata is not None
    thoughts = {chunk.usage_metadata.thoughts_token_count for chunk in chunks}
    assert thoughts == {whole.usage_metadata.thoughts_token_count}
    assert chunks[-1].usage_metadata == whole.usage_metadata


async def test_thinking_alone_may_use_up_the_answer(client: genai.client.AsyncClient) -> None:
    answer = await client.models.generate_content(
        model="gemini-3-pro-preview", contents=ASKED, config={"max_output_tokens": 20}
    )
    assert answer.candidates is not None
    (candidate,) = answer.candidates
    assert candidate.finish_reason is types.FinishReason.MAX_TOKENS
    assert candidate.content is not None
    assert candidate.content.parts is None


@pytest.mark.parametrize("model", ["gemini-3-pro-preview", "gemini-2.5-pro", "sim-gemini"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_calls_tools_and_takes_its_signature_back(
    client: genai.client.AsyncClient, model: str, stream: bool
) -> None:
    question = types.Content(
        role="user", parts=[types.Part(text="The weather in Paris and Boston?")]
    )
    config = types.GenerateContentConfig(tools=[WEATHER], thinking_config=THINKING)
    if stream:
        parts = parts_of(await streamed(client, model=model, contents=[question], config=config))
    else:
        answer = await client.models.generate_content(
            model=model, contents=[question], config=config
        )
        assert answer.candidates is not None
        assert answer.candidates[0].content is not None
        parts = answer.candidates[0].content.parts or []
    calls = [part for part in parts if part.function_call]
    assert [bool(call.thought_signature) for call in calls] == [True, False]
    assert {call.function_call.name for call in calls} == {"get_weather"}
    results = [
        types.Part.from_function_response(name="get_weather", response={"result": "17"})
        for _ in calls
    ]
    history = [
        question,
        types.Content(role="model", parts=parts),
        types.Content(role="user", parts=results),
    ]
    final = await client.models.generate_content(model=model, contents=history, config=config)
    assert final.function_calls is None
    assert final.text


async def test_structured_output_follows_either_schema(client: genai.client.AsyncClient) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    own = types.Schema(
        type=types.Type.OBJECT,
        properties={"city": types.Schema(type=types.Type.STRING)},
        required=["city"],
    )
    for config in (
        types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=schema
        ),
        types.GenerateContentConfig(response_mime_type="application/json", response_schema=own),
    ):
        answer = await client.models.generate_content(
            model="sim-fast", contents=ASKED, config=config
        )
        assert answer.text is not None
        assert set(json.loads(answer.text)) == {"city"}
    loose = await client.models.generate_content(
        model="sim-fast", contents=ASKED, config={"response_mime_type": "application/json"}
    )
    assert loose.text is not None
    assert set(json.loads(loose.text)) == {"answer", "confidence"}


async def test_images_files_and_functions_count_by_their_kind(
    client: genai.client.AsyncClient,
) -> None:
    async def tokens(*parts: types.Part) -> int:
        counted = await client.models.count_tokens(
            model="sim-fast",
            contents=[types.Content(role="user", parts=[types.Part(text="hello"), *parts])],
        )
        assert counted.total_tokens is not None
        return counted.total_tokens

    bare = await tokens()
    assert bare == 2
    assert await tokens(types.Part.from_bytes(data=b"x", mime_type="image/png")) == bare + 258
    assert (
        await tokens(types.Part.from_bytes(data=b"x", mime_type="application/pdf")) == bare + 1032
    )
    video = types.Part.from_uri(file_uri="https://www.youtube.com/watch?v=x", mime_type="video/mp4")
    assert await tokens(video) == bare + 1032


async def test_several_candidates_come_interleaved(client: genai.client.AsyncClient) -> None:
    config: Any = {"candidate_count": 2}
    chunks = await streamed(client, model="sim-fast", contents=ASKED, config=config)
    whole = await client.models.generate_content(model="sim-fast", contents=ASKED, config=config)
    assert whole.candidates is not None
    for index, candidate in enumerate(whole.candidates):
        mine = [c for chunk in chunks for c in chunk.candidates if (c.index or 0) == index]
        assert candidate.content is not None
        assert candidate.content.parts is not None
        told = "".join(part.text or "" for one in mine for part in one.content.parts)
        assert told == candidate.content.parts[0].text
    assert chunks[-1].usage_metadata == whole.usage_metadata


async def test_a_prompt_that_was_seen_before_is_cached_inside_its_count(
    client: genai.client.AsyncClient,
) -> None:
    long = "many words " * 1000
    counts = []
    for _ in range(2):
        answer = await client.models.generate_content(model="sim-fast", contents=long)
        assert answer.usage_metadata is not None
        counts.append(
            (
                answer.usage_metadata.prompt_token_count,
                answer.usage_metadata.cached_content_token_count,
            )
        )
    assert counts == [(2002, None), (2002, 1920)]


async def test_models_can_be_listed_and_looked_at(client: genai.client.AsyncClient) -> None:
    names = [model.name async for model in await client.models.list()]
    assert "models/gemini-2.5-flash" in names
    assert "models/gemini-embedding-001" in names
    model = await client.models.get(model="gemini-2.5-flash")
    assert (model.input_token_limit, model.output_token_limit) == (1_048_576, 65_536)


async def test_errors_are_raised_with_googles_status(
    swift: Simulator, client: genai.client.AsyncClient
) -> None:
    with pytest.raises(errors.ClientError) as unknown:
        await client.models.generate_content(model="gemini-9", contents=ASKED)
    assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
    options = types.HttpOptions(base_url=swift.base_url)
    async with genai.Client(api_key="bad-key", http_options=options).aio as wrong:
        with pytest.raises(errors.ClientError) as refused:
            await wrong.models.generate_content(model="sim-fast", contents=ASKED)
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    assert "API_KEY_INVALID" in str(refused.value.details)
    with pytest.raises(errors.APIError, match="overloaded"):
        await streamed(client, model="sim-fast+fault=error_in_stream", contents=ASKED)


async def test_embeddings_come_alone_and_in_batches(
    swift: Simulator, client: genai.client.AsyncClient
) -> None:
    answer = await client.models.embed_content(
        model="sim-embed",
        contents=["one two", "three"],
        config={"output_dimensionality": 16, "task_type": "RETRIEVAL_QUERY"},
    )
    assert answer.embeddings is not None
    assert [len(one.values or ()) for one in answer.embeddings] == [16, 16]
    assert (swift.ledger[-1].input_tokens, swift.ledger[-1].bill_nano) == (3, 300)
