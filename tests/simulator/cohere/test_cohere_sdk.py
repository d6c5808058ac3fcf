"""The simulator as Cohere's own SDK sees it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import cohere
import pytest
from cohere.core.api_error import ApiError

from trunkline.simulator import Simulator

ASKED: Any = [{"role": "user", "content": "Why do gateways exist?"}]
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
THINKING: Any = {"type": "enabled", "token_budget": 64}


@pytest.fixture
async def client(swift: Simulator) -> AsyncIterator[cohere.AsyncClientV2]:
    async with cohere.AsyncClientV2(api_key="key", base_url=swift.base_url) as running:
        yield running


async def streamed(client: cohere.AsyncClientV2, **fields: Any) -> list[Any]:
    return [event async for event in client.chat_stream(**fields)]


async def test_an_answer_is_text_with_usage_and_the_ledger_knows_it(
    swift: Simulator, client: cohere.AsyncClientV2
) -> None:
    answer = await client.chat(model="command-a-03-2025", messages=ASKED, max_tokens=3)
    assert answer.finish_reason == "MAX_TOKENS"
    assert answer.usage is not None
    assert answer.usage.billed_units is not None
    assert answer.usage.tokens is not None
    billed, counted = answer.usage.billed_units, answer.usage.tokens
    assert (billed.input_tokens, billed.output_tokens) == (7, 3)
    assert (counted.input_tokens, counted.output_tokens) == (7 + 62, 3)
    (seen,) = swift.ledger
    assert (seen.wire, seen.complete, seen.reported_usage) == ("cohere_chat", True, True)
    assert seen.bill_nano == 7 * 2500 + 3 * 10_000


async def test_a_stream_carries_the_same_message(client: cohere.AsyncClientV2) -> None:
    whole = await client.chat(model="sim-fast", messages=ASKED)
    events = await streamed(client, model="sim-fast", messages=ASKED)
    texts = [one.delta.message.content.text for one in events if one.type == "content-delta"]
    assert whole.message.content is not None
    assert "".join(texts) == whole.message.content[0].text  # type: ignore[union-attr]  # no thinking
    names = [one.type for one in events]
    middle = ["content-delta"] * len(texts)
    assert names == ["message-start", "content-start", *middle, "content-end", "message-end"]
    assert events[-1].delta.finish_reason == whole.finish_reason == "COMPLETE"
    assert (events[0].id, events[-1].delta.usage) == (whole.id, whole.usage)


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_planned_called_and_answered(
    client: cohere.AsyncClientV2, stream: bool
) -> None:
    messages: list[Any] = [{"role": "user", "content": "The weather in Paris and Boston?"}]
    fields: Any = {"model": "sim-cohere", "tools": [WEATHER]}
    if stream:
        events = await streamed(client, messages=messages, **fields)
        planned = [one.delta.message.tool_plan for one in events if one.type == "tool-plan-delta"]
        calls = [
            one.delta.message.tool_calls.model_dump()
            for one in events
            if one.type == "tool-call-start"
        ]
        for one in events:
            if one.type == "tool-call-delta":
                fragment = one.delta.message.tool_calls.function.arguments
                calls[one.index]["function"]["arguments"] += fragment
        assert events[-1].delta.finish_reason == "TOOL_CALL"
        message: Any = {"role": "assistant", "tool_plan": "".join(planned), "tool_calls": calls}
    else:
        answer = await client.chat(messages=messages, **fields)
        assert answer.finish_reason == "TOOL_CALL"
        assert answer.message.content is None
        message = answer.message.model_dump(exclude_none=True)
        calls = [*message["tool_calls"]]
    assert message["tool_plan"] == "I'll look that up for you."
    assert [set(json.loads(call["function"]["arguments"])) for call in calls] == [{"city"}] * 2
    assert len({call["id"] for call in calls}) == 2
    messages.append(message)
    messages += [{"role": "tool", "tool_call_id": call["id"], "content": "17"} for call in calls]
    final = await client.chat(messages=messages, **fields)
    assert (final.finish_reason, final.message.tool_calls) == ("COMPLETE", None)


async def test_thinking_comes_before_the_text_and_may_be_given_back(
    client: cohere.AsyncClientV2,
) -> None:
    answer = await client.chat(model="sim-cohere", messages=ASKED, thinking=THINKING)
    content: Any = answer.message.content
    assert [part.type for part in content] == ["thinking", "text"]
    events = await streamed(client, model="sim-cohere", messages=ASKED, thinking=THINKING)
    deltas = [one for one in events if one.type == "content-delta"]
    told = {
        index: "".join(
            (one.delta.message.content.thinking or one.delta.message.content.text)
            for one in deltas
            if one.index == index
        )
        for index in (0, 1)
    }
    assert told == {0: content[0].thinking, 1: content[1].text}
    back: Any = [*ASKED, answer.message.model_dump(exclude_none=True), *ASKED]
    again = await client.chat(model="sim-cohere", messages=back)
    assert [part.type for part in again.message.content or ()] == ["text"]
    always = await client.chat(model="command-a-reasoning-08-2025", messages=ASKED)
    assert [part.type for part in always.message.content or ()] == ["thinking", "text"]
    off = cohere.Thinking(type="disabled")
    never = await client.chat(model="command-a-reasoning-08-2025", messages=ASKED, thinking=off)
    assert [part.type for part in never.message.content or ()] == ["text"]


async def test_tool_choice_and_structured_output_are_honoured(
    client: cohere.AsyncClientV2,
) -> None:
    none = await client.chat(model="sim-fast", messages=ASKED, tools=[WEATHER], tool_choice="NONE")
    assert none.finish_reason == "COMPLETE"
    must = await client.chat(
        model="sim-fast", messages=ASKED, tools=[WEATHER], tool_choice="REQUIRED"
    )
    assert (must.finish_reason, must.message.tool_plan) == ("TOOL_CALL", "")
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    for wanted, names in (
        ({"type": "json_object", "json_schema": schema}, {"city"}),
        ({"type": "json_object"}, {"answer", "confidence"}),
    ):
        made: Any = await client.chat(model="sim-fast", messages=ASKED, response_format=wanted)  # type: ignore[arg-type]  # as users write it
        assert set(json.loads(made.message.content[0].text)) == names


async def test_images_and_documents_count(client: cohere.AsyncClientV2) -> None:
    async def tokens(*parts: Any, **fields: Any) -> float:
        content = [{"type": "text", "text": "hello"}, *parts]
        messages: Any = [{"role": "user", "content": content}]
        answer = await client.chat(model="sim-fast", messages=messages, **fields)
        assert answer.usage is not None
        assert answer.usage.billed_units is not None
        return answer.usage.billed_units.input_tokens or 0

    bare = await tokens()
    assert bare == 2
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}
    assert await tokens(image) == bare + 256
    assert await tokens(documents=["one two"]) == bare + 2
    assert await tokens(documents=[{"data": {"a": "b"}}]) == bare + len('{"data":{"a":"b"}}') - 3


async def test_embeddings_have_every_type_that_was_asked_for(
    swift: Simulator, client: cohere.AsyncClientV2
) -> None:
    kinds: Any = ["float", "int8", "uint8", "binary", "ubinary", "base64"]
    answer = await client.embed(
        model="sim-embed",
        input_type="search_query",
        texts=["one two", "three"],
        embedding_types=kinds,
        output_dimension=256,
    )
    told: Any = answer.embeddings
    lengths = {kind: [len(one) for one in getattr(told, kind)] for kind in kinds[1:5]}
    assert lengths == {
        "int8": [256] * 2,
        "uint8": [256] * 2,
        "binary": [32] * 2,
        "ubinary": [32] * 2,
    }
    assert len(told.float_[0]) == 256
    assert [number + 128 for number in told.int8[0]] == told.uint8[0]
    assert [number + 128 for number in told.binary[0]] == told.ubinary[0]
    assert all(-128 <= number <= 127 for number in told.int8[0] + told.binary[0])
    assert answer.meta is not None
    assert answer.meta.billed_units is not None
    assert answer.meta.billed_units.input_tokens == 3
    assert swift.ledger[-1].bill_nano == 300


async def test_a_rerank_is_billed_by_searches(
    swift: Simulator, client: cohere.AsyncClientV2
) -> None:
    documents = ["London is large.", "The capital of France is Paris.", "Bread"]
    answer = await client.rerank(
        model="rerank-v3.5", query="capital of France", documents=documents, top_n=2
    )
    assert answer.results[0].index == 1
    assert len(answer.results) == 2
    scores = [result.relevance_score for result in answer.results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    many = await client.rerank(model="rerank-v3.5", query="x", documents=["y"] * 101)
    assert many.meta is not None
    assert many.meta.billed_units is not None
    assert many.meta.billed_units.search_units == 2
    assert [seen.bill_nano for seen in swift.ledger] == [2_000_000, 4_000_000]


async def test_errors_have_an_identifier_and_a_sentence(
    swift: Simulator, client: cohere.AsyncClientV2
) -> None:
    with pytest.raises(cohere.NotFoundError) as unknown:
        await client.chat(model="gpt-9", messages=ASKED)
    assert set(unknown.value.body) == {"id", "message"}
    assert unknown.value.body["id"] == swift.ledger[-1].request_id
    async with cohere.AsyncClientV2(api_key="bad-key", base_url=swift.base_url) as wrong:
        with pytest.raises(cohere.UnauthorizedError, match="invalid api token"):
            await wrong.chat(model="sim-fast", messages=ASKED)
    with pytest.raises(ApiError) as refused:
        await client.rerank(model="sim-rerank", query="x", documents=[])
    assert refused.value.status_code == 400
