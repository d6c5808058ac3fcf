import asyncio
import json
from collections.abc import Callable
from typing import Any

import openai
import pydantic
import pytest
from tests.simulator.raw import Raw, exchange, request

from trunkline.simulator import SeenAttempt, Simulator

Ended = Callable[[], "asyncio.Future[SeenAttempt]"]

WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
PATCH: Any = {"type": "custom", "name": "apply_patch", "description": "Changes a file."}
TWO_CITIES = "The weather in Paris and Boston?"


def envelope(answer: Any, **fields: Any) -> dict[str, Any]:
    """What every response repeats, as it is when nothing was asked for."""
    return {
        "id": answer["id"],
        "object": "response",
        "created_at": answer["created_at"],
        "status": "completed",
        "background": False,
        "completed_at": answer["created_at"] + 1,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": "sim-fast",
        "output": [],
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "prompt_cache_retention": "in_memory",
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
        **fields,
    }


def said(answer: Any, text: str) -> dict[str, Any]:
    """The only message of an answer."""
    return {
        "id": answer["output"][0]["id"],
        "type": "message",
        "status": "completed",
        "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": text}],
        "role": "assistant",
    }


async def ask(simulator: Simulator, **fields: Any) -> Raw:
    body = {"model": "sim-fast", "input": "Say hello there", **fields}
    return await exchange(simulator.base_url, request("/v1/responses", body))


def events(raw: Raw) -> list[dict[str, Any]]:
    """The events, each checked to be called what it says it is."""
    told = []
    for block in raw.events:
        name, _, data = block.partition("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        told.append(event)
    return told


async def test_a_whole_answer_is_one_document_and_the_ledger_knows_it(
    simulator: Simulator, ended: Ended
) -> None:
    raw = await ask(simulator)
    answer = raw.json()
    usage = {
        "input_tokens": 4 + 3 + 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 12,
    }
    assert answer == envelope(answer, output=[said(answer, "hello there")], usage=usage)
    assert raw.headers["content-type"] == "application/json"
    seen = await ended()
    assert (seen.wire, seen.bill_nano) == ("openai_responses", 10 * 500 + 2 * 1500)
    assert (seen.complete, seen.reported_usage) == (True, True)


async def test_a_stream_of_text_is_this_sequence_of_events(simulator: Simulator) -> None:
    whole = (await ask(simulator)).json()
    told = events(await ask(simulator, stream=True))
    message = said(whole, "hello there")
    running = envelope(whole, status="in_progress", completed_at=None)
    empty = {**message["content"][0], "text": ""}
    place: dict[str, Any] = {"item_id": message["id"], "output_index": 0, "content_index": 0}
    delta = {"type": "response.output_text.delta", **place, "logprobs": []}
    wanted: list[dict[str, Any]] = [
        {"type": "response.created", "response": running},
        {"type": "response.in_progress", "response": running},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**message, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": empty},
        {**delta, "delta": "hello", "obfuscation": "obfuscation"},
        {**delta, "delta": " there", "obfuscation": "obfuscatio"},
        {
            "type": "response.output_text.done",
            **place,
            "logprobs": [],
            "text": "hello there",
        },
        {
            "type": "response.content_part.done",
            **place,
            "part": message["content"][0],
        },
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.completed", "response": whole},
    ]
    assert told == [{**event, "sequence_number": n} for n, event in enumerate(wanted)]
    bare = await ask(simulator, stream=True, stream_options={"include_obfuscation": False})
    for event in told:
        event.pop("obfuscation", None)
    assert events(bare) == told


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_may_call_tools_does_and_then_answers(
    openai_client: openai.AsyncOpenAI, stream: bool
) -> None:
    question: Any = [{"role": "user", "content": TWO_CITIES}]
    fields: Any = {"model": "sim-fast", "tools": [WEATHER], "store": False}
    if stream:
        async with openai_client.responses.stream(input=question, **fields) as told:
            answer: Any = await told.get_final_response()
    else:
        answer = await openai_client.responses.create(input=question, **fields)
    assert [item.type for item in answer.output] == ["message", *["function_call"] * 2]
    calls = answer.output[1:]
    assert {call.name for call in calls} == {"get_weather"}
    assert {call.status for call in calls} == {"completed"}
    assert all(set(json.loads(call.arguments)) == {"city"} for call in calls)
    assert len({call.call_id for call in calls} | {call.id for call in calls}) == 4
    question += [item.model_dump(exclude_none=True) for item in answer.output]
    question += [
        {"type": "function_call_output", "call_id": call.call_id, "output": "17"} for call in calls
    ]
    final = await openai_client.responses.create(input=question, **fields)
    assert [item.type for item in final.output] == ["message"]


async def test_the_events_of_a_call_are_its_arguments_in_pieces(simulator: Simulator) -> None:
    fields = {"input": "Weather?", "tools": [WEATHER], "tool_choice": "required"}
    whole = (await ask(simulator, **fields)).json()
    (call,) = whole["output"]
    told = events(await ask(simulator, **fields, stream=True))
    place = {"item_id": call["id"], "output_index": 0}
    for number, event in enumerate(told):
        assert event.pop("sequence_number") == number
    assert told[2] == {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**call, "status": "in_progress", "arguments": ""},
    }
    deltas = told[3:-3]
    assert {event["type"] for event in deltas} == {"response.function_call_arguments.delta"}
    assert "".join(event["delta"] for event in deltas) == call["arguments"]
    assert told[-3:] == [
        {
            "type": "response.function_call_arguments.done",
            **place,
            "arguments": call["arguments"],
        },
        {"type": "response.output_item.done", "output_index": 0, "item": call},
        {"type": "response.completed", "response": whole},
    ]
    assert whole["tools"] == [{**WEATHER, "strict": True}]


async def test_a_custom_tool_gets_text_and_answers_by_its_own_items(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    question: Any = [{"role": "user", "content": "Change the greeting"}]
    fields: Any = {"model": "sim-fast", "tools": [PATCH]}
    answer: Any = await openai_client.responses.create(input=question, **fields)
    call = answer.output[-1]
    assert (call.type, call.name) == ("custom_tool_call", "apply_patch")
    assert "greeting" in call.input
    told = events(await ask(simulator, input=question, tools=[PATCH], stream=True))
    names = [event["type"] for event in told]
    assert names.count("response.custom_tool_call_input.done") == 1
    pieces = [event["delta"] for event in told if event["type"].endswith("call_input.delta")]
    assert "".join(pieces) == call.input
    question += [item.model_dump(exclude_none=True) for item in answer.output]
    question += [{"type": "custom_tool_call_output", "call_id": call.call_id, "output": "done"}]
    final = await openai_client.responses.create(input=question, **fields)
    assert [item.type for item in final.output] == ["message"]


async def test_tool_choice_and_parallel_calls_are_honoured(
    openai_client: openai.AsyncOpenAI,
) -> None:
    clock: Any = {"type": "function", "name": "get_time", "parameters": None, "strict": None}
    tools: Any = [WEATHER, clock, PATCH, {"type": "web_search"}]

    async def names(**fields: Any) -> list[str]:
        answer = await openai_client.responses.create(
            model="sim-fast", input=TWO_CITIES, tools=tools, **fields
        )
        return [item.name for item in answer.output if item.type.endswith("_call")]

    assert await names(tool_choice="none") == []
    assert await names() == ["get_weather", "get_time"]
    assert await names(tool_choice="required", parallel_tool_calls=False) == ["get_weather"]
    assert await names(tool_choice={"type": "function", "name": "get_time"}) == ["get_time"] * 2
    assert await names(tool_choice={"type": "custom", "name": "apply_patch"}) == ["apply_patch"] * 2
    assert await names(tool_choice={"type": "web_search"}) == ["get_weather", "get_time"]
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [clock]}
    assert await names(tool_choice=allowed) == ["get_time"] * 2


class Place(pydantic.BaseModel):
    city: str
    rank: int


async def test_structured_output_follows_the_schema(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    answer = await openai_client.responses.parse(
        model="sim-fast", input="Which place?", text_format=Place
    )
    assert isinstance(answer.output_parsed, Place)
    raw = await ask(simulator, input="Answer in JSON", text={"format": {"type": "json_object"}})
    (message,) = raw.json()["output"]
    assert set(json.loads(message["content"][0]["text"])) == {"answer", "confidence"}
    assert raw.json()["text"] == {"format": {"type": "json_object"}, "verbosity": "medium"}


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_is_cut_is_incomplete(
    simulator: Simulator, ended: Ended, stream: bool
) -> None:
    raw = await ask(simulator, input="Why?", max_output_tokens=16, stream=stream)
    answer = events(raw)[-1]["response"] if stream else raw.json()
    assert (answer["status"], answer["completed_at"]) == ("incomplete", None)
    assert answer["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["status"] for item in answer["output"]] == ["incomplete"]
    assert answer["usage"]["output_tokens"] == 16
    if stream:
        assert events(raw)[-1]["type"] == "response.incomplete"
    assert (await ended()).output_tokens == 16


async def test_a_call_that_is_cut_is_incomplete(simulator: Simulator) -> None:
    tool = {
        "type": "function",
        "name": "write",
        "parameters": {"type": "object", "properties": {"text": {"minLength": 500}}},
    }
    raw = await ask(simulator, tools=[tool], tool_choice="required", max_output_tokens=20)
    (call,) = raw.json()["output"]
    assert call["status"] == "incomplete"
    with pytest.raises(json.JSONDecodeError):
        json.loads(call["arguments"])


async def test_reasoning_is_counted_summed_up_and_encrypted_as_asked(
    simulator: Simulator, ended: Ended
) -> None:
    plain = (await ask(simulator, model="sim-think")).json()
    assert plain["output"][0] == {
        "id": plain["output"][0]["id"],
        "type": "reasoning",
        "summary": [],
    }
    assert plain["reasoning"] == {"effort": "medium", "summary": None}
    fields = {
        "model": "sim-think",
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }
    whole = (await ask(simulator, **fields)).json()
    reasoning = whole["output"][0]
    assert reasoning["encrypted_content"].startswith("gAAAAA")
    (summary,) = reasoning["summary"]
    assert whole["usage"]["output_tokens_details"] == {"reasoning_tokens": 64}
    assert (await ended()).reasoning_tokens == 64
    told = events(await ask(simulator, **fields, stream=True))
    for number, event in enumerate(told):
        assert event.pop("sequence_number") == number
    place = {"item_id": reasoning["id"], "output_index": 0, "summary_index": 0}
    name = "response.reasoning_summary"
    deltas = [event for event in told if event["type"] == f"{name}_text.delta"]
    assert "".join(event["delta"] for event in deltas) == summary["text"]
    assert told[2:4] + told[4 + len(deltas) : 7 + len(deltas)] == [
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**reasoning, "summary": []},
        },
        {"type": f"{name}_part.added", **place, "part": {**summary, "text": ""}},
        {"type": f"{name}_text.done", **place, "text": summary["text"]},
        {"type": f"{name}_part.done", **place, "part": summary},
        {"type": "response.output_item.done", "output_index": 0, "item": reasoning},
    ]
    assert told[-1]["response"] == whole


async def test_reasoning_can_be_sent_back_and_must_stay_what_it_was(
    simulator: Simulator,
) -> None:
    fields: Any = {
        "model": "sim-think",
        "tools": [WEATHER],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    question = {"role": "user", "content": "The weather in Paris?"}
    first = (await ask(simulator, input=[question], **fields)).json()["output"]
    reasoning, message, call = first
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "17"}

    async def after(*items: Any) -> Any:
        raw = await ask(simulator, input=[question, *items], **fields)
        told = raw.json()
        return (raw.status, told["error"]["message"] if raw.status >= 400 else told["status"])

    assert await after(*first, result) == (200, "completed")
    nameless = [{key: item[key] for key in item if key != "id"} for item in (message, call)]
    assert await after(*nameless, result) == (200, "completed")
    assert await after(message, call, result) == (
        400,
        (
            f"Item '{message['id']}' of type 'message' was provided without its required "
            f"'reasoning' item: '{reasoning['id']}'."
        ),
    )
    lonely = f"Item '{reasoning['id']}' of type 'reasoning' was provided without its required "
    assert await after(reasoning) == (400, f"{lonely}following item.")
    assert await after(reasoning, question) == (400, f"{lonely}following item.")
    made_up = {**reasoning, "encrypted_content": "gAAAAAmadeup"}
    assert await after(made_up, message, call, result) == (
        400,
        (
            "The encrypted content gAAA...deup could not be verified. Reason: Encrypted content "
            "could not be decrypted or parsed."
        ),
    )
    forgotten = {**reasoning, "encrypted_content": None}
    assert await after(forgotten, message, call, result) == (
        404,
        (
            f"Item with id '{reasoning['id']}' not found. Items are not persisted when `store` is "
            "set to false. Try again with `store` set to true, or remove this item from your input."
        ),
    )


async def test_a_response_that_was_kept_can_be_continued_listed_and_forgotten(
    openai_client: openai.AsyncOpenAI,
) -> None:
    responses = openai_client.responses
    first: Any = await responses.create(
        model="sim-think", input="The weather in Paris?", tools=[WEATHER]
    )
    reasoning, message, call = first.output
    second = await responses.create(
        model="sim-think",
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "17"}],
    )
    assert second.previous_response_id == first.id
    assert second.usage is not None
    assert second.usage.input_tokens > 10
    assert await responses.retrieve(second.id) == second
    listed = [item.id async for item in responses.input_items.list(second.id, limit=2)]
    asked = "msg_000000000000000000000000"
    assert listed == ["fco_000000000000000000000004", call.id, message.id, reasoning.id, asked]
    rising = await responses.input_items.list(second.id, order="asc", after=asked)
    assert [item.id for item in rising.data] == listed[-2::-1]
    again = await responses.create(
        model="sim-think",
        input=[
            {"type": "item_reference", "id": message.id},
            {"type": "item_reference", "id": reasoning.id},
            {"role": "assistant", "content": "It is 17."},
        ],
    )
    assert again.status == "completed"
    await responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match=f"Response with id '{first.id}' not found"):
        await responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        await responses.cancel(second.id)
    with pytest.raises(openai.BadRequestError, match="Previous response with id") as gone:
        await responses.create(model="sim-fast", previous_response_id=first.id, input="And?")
    assert gone.value.code == "previous_response_not_found"
    for wrong in ({"limit": 0}, {"after": "msg_none"}):
        with pytest.raises(openai.BadRequestError):
            await responses.input_items.list(second.id, **wrong)


async def test_a_response_is_only_kept_where_it_may_be(openai_client: openai.AsyncOpenAI) -> None:
    answer = await openai_client.responses.create(
        model="sim-fast", input="Say nothing of it", store=False
    )
    with pytest.raises(openai.NotFoundError):
        await openai_client.responses.retrieve(answer.id)


async def test_tokens_are_counted_for_nothing(
    simulator: Simulator, openai_client: openai.AsyncOpenAI
) -> None:
    fields: Any = {"model": "sim-fast", "input": "Say hello there", "instructions": "Be brief."}
    counted = await openai_client.responses.input_tokens.count(**fields)
    assert counted.model_dump() == {"object": "response.input_tokens", "input_tokens": 17}
    assert simulator.ledger[-1].bill_nano == 0
    answer = await openai_client.responses.create(**fields)
    assert answer.usage is not None
    assert answer.usage.input_tokens == counted.input_tokens


async def test_pictures_and_files_count_as_their_size(simulator: Simulator) -> None:
    async def tokens(*content: Any) -> int:
        said = {"type": "message", "role": "user", "content": list(content)}
        usage = (await ask(simulator, input=[said])).json()["usage"]
        return int(usage["input_tokens"]) - 4 - 3

    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    assert await tokens(picture) == 765
    assert await tokens({**picture, "detail": "low"}) == 85
    assert await tokens({"type": "input_file", "file_id": "file-1"}) == 2000
    assert await tokens({"type": "input_text", "text": "What is this?"}, picture) == 769


async def test_everything_that_openai_takes_is_taken(simulator: Simulator) -> None:
    items = [
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "system", "content": "Be kind."},
        {"role": "user", "content": "hello"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
        {
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "phase": "final_answer",
            "content": [
                {"type": "output_text", "text": "no", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "I cannot."},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [{"type": "input_text", "text": "found"}],
        },
        {"role": "user", "content": [{"type": "input_text", "text": "Say thanks"}]},
    ]
    fields = {
        "max_tool_calls": 3,
        "truncation": "auto",
        "prompt_cache_key": "mine",
        "prompt_cache_retention": "24h",
        "service_tier": "auto",
        "safety_identifier": "one",
        "metadata": {"a": "b"},
        "temperature": 0.5,
        "top_p": 0.5,
        "top_logprobs": 2,
        "user": "me",
        "instructions": "Speak.",
        "text": {"verbosity": "low"},
    }
    answer = (await ask(simulator, input=items, **fields)).json()
    repeated = {**fields, "service_tier": "default"}
    repeated["text"] = {"format": {"type": "text"}, "verbosity": "low"}
    assert {name: answer[name] for name in repeated} == repeated
    assert answer["output"][0]["content"][0]["text"] == "thanks"


NAMED_FORMAT = {"type": "json_schema", "name": "place", "strict": True}
LOOSE = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}
HALF = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "null"}},
    "required": ["a"],
    "additionalProperties": False,
}
NESTED = {
    "type": "object",
    "properties": {"a": {"anyOf": [True, {"type": "array", "items": {"type": "object"}}]}},
    "required": ["a"],
    "additionalProperties": False,
}
MOVED = (
    "Unsupported parameter: '{}'. In the Responses API, this parameter has moved to '{}'. Try "
    "again with the new parameter. See the API documentation for more information: "
    "https://platform.openai.com/docs/api-reference/responses/create."
)
CHAT_TOOL = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(
    ("fields", "param", "code", "message"),
    [
        (
            {"messages": []},
            None,
            "unsupported_parameter",
            MOVED.format("messages", "input"),
        ),
        (
            {"response_format": {}},
            None,
            "unsupported_parameter",
            MOVED.format("response_format", "text.format"),
        ),
        ({"stop": ["x"]}, "stop", "unknown_parameter", "Unknown parameter: 'stop'."),
        (
            {"stream": True, "stream_options": {"include_usage": True}},
            "stream_options.include_usage",
            "unknown_parameter",
            "Unknown parameter: 'stream_options.include_usage'.",
        ),
        (
            {"stream_options": {}},
            "stream_options",
            None,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ),
        (
            {"max_output_tokens": 15},
            "max_output_tokens",
            "integer_below_min_value",
            (
                "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, "
                "but got 15 instead."
            ),
        ),
        (
            {"max_output_tokens": 64_001},
            "max_output_tokens",
            "integer_above_max_value",
            (
                "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= "
                "64000, but got 64001 instead."
            ),
        ),
        (
            {"temperature": -1},
            "temperature",
            "decimal_below_min_value",
            (
                "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but "
                "got -1 instead."
            ),
        ),
        (
            {"top_p": 1.5},
            "top_p",
            "decimal_above_max_value",
            (
                "Invalid 'top_p': decimal above maximum value. Expected a value <= 1, but got 1.5 "
                "instead."
            ),
        ),
        (
            {"model": "gpt-5-mini", "temperature": 0.5},
            "temperature",
            "unsupported_parameter",
            "Unsupported parameter: 'temperature' is not supported with this model.",
        ),
        (
            {"model": "gpt-4o", "reasoning": {"effort": "low"}},
            "reasoning.effort",
            "unsupported_parameter",
            "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
        ),
        (
            {"model": "gpt-4o", "reasoning": {"summary": "auto"}},
            "reasoning.summary",
            "unsupported_parameter",
            "Unsupported parameter: 'reasoning.summary' is not supported with this model.",
        ),
        (
            {"model": "gpt-4o", "include": ["reasoning.encrypted_content"]},
            "include",
            None,
            "Encrypted content is not supported with this model.",
        ),
        (
            {"model": "sim-think", "reasoning": {"effort": "huge"}},
            "reasoning.effort",
            "invalid_value",
            (
                "Invalid value: 'huge'. Supported values are: 'none', 'minimal', 'low', 'medium', "
                "'high', 'xhigh'"
            ),
        ),
        (
            {"input": []},
            None,
            "missing_required_parameter",
            (
                "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' "
                "must be provided."
            ),
        ),
        (
            {"tools": [CHAT_TOOL]},
            "tools[0].name",
            "missing_required_parameter",
            "Missing required parameter: 'tools[0].name'.",
        ),
        (
            {"tools": [WEATHER], "tool_choice": CHAT_TOOL},
            "tool_choice.name",
            "missing_required_parameter",
            "Missing required parameter: 'tool_choice.name'.",
        ),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "name": "other"}},
            "tool_choice",
            None,
            "Tool choice 'other' not found in 'tools' parameter.",
        ),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "any"}},
            "tool_choice.type",
            "invalid_value",
            "Invalid value: 'any'.",
        ),
        (
            {"tool_choice": "any"},
            "tool_choice",
            "invalid_value",
            "Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'.",
        ),
        (
            {"tool_choice": "required"},
            "tools",
            None,
            "Tool choice 'required' must be specified with 'tools' parameter.",
        ),
        (
            {"tools": [{**WEATHER, "name": "get weather"}]},
            "tools[0].name",
            "invalid_value",
            (
                "Invalid 'tools[0].name': string does not match pattern. Expected a string that "
                "matches the pattern '^[a-zA-Z0-9_-]+$'."
            ),
        ),
        (
            {"tools": [{**WEATHER, "input_schema": {}}]},
            "tools[0].input_schema",
            "unknown_parameter",
            "Unknown parameter: 'tools[0].input_schema'.",
        ),
        (
            {"tools": [WEATHER, {**WEATHER, "strict": True, "parameters": LOOSE}]},
            "tools[1].parameters",
            "invalid_function_parameters",
            (
                "Invalid schema for function 'get_weather': In context=(), 'additionalProperties' "
                "is required to be supplied and to be false."
            ),
        ),
        (
            {"text": {"format": {**NAMED_FORMAT, "schema": HALF}}},
            "text.format.schema",
            "invalid_json_schema",
            (
                "Invalid schema for response_format 'place': In context=(), 'required' is required "
                "to be supplied and to be an array including every key in properties. Missing 'b'."
            ),
        ),
        (
            {"text": {"format": {**NAMED_FORMAT, "schema": NESTED}}},
            "text.format.schema",
            "invalid_json_schema",
            (
                "Invalid schema for response_format 'place': In context=('properties', 'a', "
                "'anyOf', '1', 'items'), 'additionalProperties' is required to be supplied and to "
                "be false."
            ),
        ),
        (
            {"text": {"format": NAMED_FORMAT}},
            "text.format.schema",
            "missing_required_parameter",
            "Missing required parameter: 'text.format.schema'.",
        ),
        (
            {"text": {"format": {"type": "json_object"}}},
            "input",
            None,
            (
                "Response input messages must contain the word 'json' in some form to use "
                "'text.format' of type 'json_object'."
            ),
        ),
        (
            {"input": "word " * 200_000},
            "input",
            "context_length_exceeded",
            (
                "Your input exceeds the context window of this model. Please adjust your input and "
                "try again."
            ),
        ),
    ],
)
async def test_a_request_that_breaks_a_rule_is_refused_in_openais_words(
    simulator: Simulator, fields: dict[str, Any], param: str | None, code: str | None, message: str
) -> None:
    raw = await ask(simulator, **fields)
    assert raw.status == 400
    assert raw.json() == {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": code,
        }
    }
    assert simulator.ledger[-1].bill_nano == 0


CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "found"}
LONG = "c" * 65


@pytest.mark.parametrize(
    ("items", "param", "code", "message"),
    [
        (
            [{"content": "hello"}],
            "input[0].type",
            "missing_required_parameter",
            "Missing required parameter: 'input[0].type'.",
        ),
        (
            [{"role": "user", "content": "a"}, {"role": "tool", "content": "hello"}],
            "input[1].role",
            "invalid_type",
            "Invalid type for 'input[1].role': Invalid enum value 'tool'.",
        ),
        (
            [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
            "input[0].content[0]",
            "invalid_value",
            (
                "Invalid value: 'text'. Supported values are: 'input_text', 'input_image', and "
                "'input_file'."
            ),
        ),
        (
            [{"role": "assistant", "content": [{"type": "input_text", "text": "hello"}]}],
            "input[0].content[0]",
            "invalid_value",
            "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
        ),
        (
            [{"role": "user", "content": [{"type": "input_text", "text": "a", "cache": 1}]}],
            "input[0].content[0].cache",
            "unknown_parameter",
            "Unknown parameter: 'input[0].content[0].cache'.",
        ),
        (
            [{"role": "user", "content": "hello", "name": "me"}],
            "input[0].name",
            "unknown_parameter",
            "Unknown parameter: 'input[0].name'.",
        ),
        (
            [{"role": "user", "content": "a", "id": "abc"}],
            "input[0].id",
            "invalid_value",
            "Invalid 'input[0].id': 'abc'. Expected an ID that begins with 'msg'.",
        ),
        (
            [{**CALL, "call_id": LONG}],
            "input[0].call_id",
            "string_above_max_length",
            (
                "Invalid 'input[0].call_id': string too long. Expected a string with maximum "
                "length 64, but got a string with length 65 instead."
            ),
        ),
        (
            [{**CALL, "name": "a.b"}, RESULT],
            "input[0].name",
            "invalid_value",
            (
                "Invalid 'input[0].name': string does not match pattern. Expected a string that "
                "matches the pattern '^[a-zA-Z0-9_-]+$'."
            ),
        ),
        ([CALL], "input", None, "No tool output found for function call c1."),
        (
            [RESULT],
            "input",
            None,
            "No tool call found for function call output with call_id c1.",
        ),
        (
            [{"type": "custom_tool_call_output", "call_id": "c1", "output": ""}, CALL, RESULT],
            "input",
            None,
            "No tool call found for custom tool call output with call_id c1.",
        ),
        (
            [CALL, CALL, RESULT],
            "input",
            None,
            (
                "Duplicate item found with id c1. Remove duplicate items from your input and try "
                "again."
            ),
        ),
        (
            [{"role": "user", "content": "a", "id": "msg_1"}] * 2,
            "input",
            None,
            (
                "Duplicate item found with id msg_1. Remove duplicate items from your input and "
                "try again."
            ),
        ),
    ],
)
async def test_items_that_break_a_rule_are_refused_by_their_place(
    simulator: Simulator, items: list[Any], param: str, code: str | None, message: str
) -> None:
    raw = await ask(simulator, input=items)
    assert raw.status == 400
    assert raw.json()["error"] == {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }


async def test_an_unknown_item_is_refused_with_all_that_are_known(simulator: Simulator) -> None:
    raw = await ask(simulator, input=[{"type": "tool_result", "content": "17"}])
    error = raw.json()["error"]
    assert (raw.status, error["param"], error["code"]) == (400, "input[0]", "invalid_value")
    assert error["message"].startswith("Invalid value: 'tool_result'. Supported values are: 'apply")
    assert "'function_call_output'" in error["message"]
    raw = await ask(simulator, tools=[{"type": "magic"}])
    error = raw.json()["error"]
    assert (raw.status, error["param"], error["code"]) == (400, "tools[0]", "invalid_value")
    raw = await ask(simulator, include=["everything"])
    assert (raw.status, raw.json()["error"]["param"]) == (400, "include[0]")
    raw = await ask(simulator, conversation="conv_1")
    assert (raw.status, raw.json()["error"]["param"]) == (404, "conversation")


async def test_unknown_models_and_wrong_keys_are_refused(
    openai_client: openai.AsyncOpenAI,
) -> None:
    with pytest.raises(openai.NotFoundError, match="`claude-opus-4-5` does not exist"):
        await openai_client.responses.create(model="claude-opus-4-5", input="hello")
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        await openai_client.with_options(api_key="bad-key").responses.create(
            model="sim-fast", input="hello"
        )


async def test_the_sdk_raises_the_error_inside_a_stream(openai_client: openai.AsyncOpenAI) -> None:
    stream = await openai_client.responses.create(
        model="sim-fast+fault=error_in_stream", input="hello", stream=True
    )
    with pytest.raises(openai.APIError, match="overloaded") as raised:
        [event async for event in stream]
    assert raised.value.code == "server_is_overloaded"


async def test_an_error_inside_a_stream_is_told_twice_and_counted(simulator: Simulator) -> None:
    told = events(await ask(simulator, model="sim-fast+fault=error_in_stream;after=2", stream=True))
    error = {
        "message": "That model is currently overloaded with other requests.",
        "type": "service_unavailable_error",
        "param": None,
        "code": "server_is_overloaded",
    }
    running = told[0]["response"]
    assert told[2:] == [
        {"type": "error", "sequence_number": 2, "error": error},
        {
            "type": "response.failed",
            "sequence_number": 3,
            "response": {
                **running,
                "status": "failed",
                "error": {"code": error["code"], "message": error["message"]},
            },
        },
    ]


async def test_a_long_prompt_is_cached_by_itself(openai_client: openai.AsyncOpenAI) -> None:
    fields: Any = {"model": "sim-fast", "input": "say a\n" + "word " * 1500}
    first = await openai_client.responses.create(**fields)
    again = await openai_client.responses.create(**fields)
    assert first.usage is not None
    assert again.usage is not None
    assert first.usage.input_tokens_details.cached_tokens == 0
    assert again.usage.input_tokens_details.cached_tokens == 1408
