"""Whole answers, read and written."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from openai.types.responses import Response
from tests.gateway.wire.openai_responses.grammar import RESPONSE
from tests.gateway.wire.recordings import FIXTURES, answering, needs_transcripts, recorded
from tests.gateway.wire.shapes import thorough

from trunkline.gateway.exchange.parts import (
    Citation,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import Choice, Reply, Stop
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import CHAT, NOWHERE, Malformed
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat
from trunkline.gateway.wire.openai_responses.codec import ResponsesCodec
from trunkline.gateway.wire.openai_responses.passing import OpenAIResponses

CODEC = ResponsesCodec()
SEED = "5eed0123456789abcdef0123456789ab"
ID = "0123456789abcdef0123456789abcdef"
RECORDED = [
    "openai-responses/basic.json",
    "openai-responses/cache-write.json",
    "openai-responses/json-schema.json",
    "openai-responses/previous-response-id.json",
    "openai-responses/reasoning-encrypted-tools.json",
    "openai-responses/reasoning-summary-text.json",
    "deepseek/responses-text.json",
]
# Newer versions of OpenAI's SDK demand this member of the usage, older answers lack it.
MAY_BE_ADDED = "cache_write_tokens"
TOOLS = [
    {
        "type": "namespace",
        "name": "mcp__box",
        "description": "A box.",
        "tools": [{"type": "function", "name": "open"}],
    },
    {"type": "custom", "name": "patch"},
]


def asked(**members: Any) -> Any:
    return CODEC.read_request({"model": "public", "input": "hi", **members}, NOWHERE)


def written(*parts: Any, stop: Stop | None = None, request: Any = None, **members: Any) -> Any:
    choice = Choice(parts, stop or Stop(), members.pop("logprobs", None))
    reply = Reply("openai_chat", (choice,), **members)
    told = CODEC.write_reply(reply, None, answering(request or asked()))
    return json.loads(msgspec.json.encode(told))


def output(*parts: Any, **members: Any) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = written(*parts, **members)["output"]
    return listed


def read(*items: Any, **members: Any) -> Choice:
    reply = CODEC.read_reply({"output": list(items), **members}, SEED)
    return reply.choices[0]


@needs_transcripts
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_answer_comes_back_as_it_was(name: str) -> None:
    raw = recorded(name)
    document = json.loads(raw)
    usage = OpenAIResponses().read_reply(raw, CHAT).usage
    told = CODEC.write_reply(CODEC.read_reply(document, SEED), usage, answering())
    if MAY_BE_ADDED not in document["usage"]["input_tokens_details"]:
        del told["usage"]["input_tokens_details"][MAY_BE_ADDED]
    assert told == document


@thorough
@given(document=RESPONSE)
def test_every_answer_is_told_or_malformed(document: Any) -> None:
    if not isinstance(document, dict):
        return
    try:
        reply = CODEC.read_reply(document, SEED)
    except Malformed:
        return
    msgspec.json.encode(CODEC.write_reply(reply, None, answering()))


def test_an_answer_of_another_wire_is_a_whole_response() -> None:
    request = asked(
        instructions="Be.", temperature=0.5, metadata={"a": "b"}, tools=TOOLS, store=True
    )
    usage = Usage(input=5, cache_read=3, cache_write_5m=2, output=4, reasoning=6)
    reply = Reply("anthropic_messages", (Choice((Text("hi"),)),), model="up", created=7)
    told = CODEC.write_reply(reply, usage, answering(request))
    assert told == {
        "id": f"resp_{ID}",
        "object": "response",
        "created_at": 7,
        "status": "completed",
        "completed_at": 7,
        "error": None,
        "incomplete_details": None,
        "model": "up",
        "output": [
            {
                "id": f"msg_{ID}_0",
                "type": "message",
                "status": "completed",
                "content": [
                    {"type": "output_text", "annotations": [], "logprobs": [], "text": "hi"}
                ],
                "role": "assistant",
            }
        ],
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
            "output_tokens": 10,
            "output_tokens_details": {"reasoning_tokens": 6},
            "total_tokens": 20,
        },
        "background": False,
        "instructions": "Be.",
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {"a": "b"},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": TOOLS,
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }
    read = Response.model_validate(told)
    assert read.output_text == "hi"


def test_usage_that_nobody_knows_is_not_told_as_nothing() -> None:
    assert written(Text("hi"))["usage"] is None


@pytest.mark.parametrize(
    ("stop", "parts", "status", "reason"),
    [
        (Stop("end"), (Text("x"),), "completed", None),
        (Stop("tools"), (ToolCall("c", "f"),), "completed", None),
        (Stop("length"), (Text("x"),), "incomplete", "max_output_tokens"),
        (Stop("filtered"), (), "incomplete", "content_filter"),
        (Stop("refusal"), (), "incomplete", "content_filter"),
        (Stop("refusal"), (Refusal("no"),), "completed", None),
        (Stop("paused"), (Text("x"),), "completed", None),
    ],
)
def test_why_it_stopped_is_told(
    stop: Stop, parts: tuple[Any, ...], status: str, reason: str | None
) -> None:
    told = written(*parts, stop=stop)
    details = None if reason is None else {"reason": reason}
    assert (told["status"], told["incomplete_details"]) == (status, details)


def test_thought_text_and_calls_are_items_in_their_order() -> None:
    listed = output(
        Reasoning("hm", "sig", "anthropic"),
        Reasoning(signature="x", family="anthropic", redacted=True),
        Reasoning("short", "gAAA", "openai", "rs_9", summary=True),
        Text("a"),
        Text("b", citations=(Citation("https://x.test", "X"),)),
        ToolCall("c1", "f", '{"a":1}'),
        ToolCall("c2", "mcp__box__open", "null"),
        ToolCall("c3", "patch", '{"input":"*** Begin"}'),
        request=asked(tools=TOOLS),
    )
    assert [item["type"] for item in listed] == [
        "reasoning",
        "reasoning",
        "reasoning",
        "message",
        "function_call",
        "function_call",
        "custom_tool_call",
    ]
    assert listed[0] == {
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
        "encrypted_content": "trunkline.anthropic.shown.sig",
        "id": f"rs_{ID}_0",
    }
    assert listed[1]["encrypted_content"] == "trunkline.anthropic.redacted.x"
    assert listed[2] == {
        "type": "reasoning",
        "id": "rs_9",
        "summary": [{"type": "summary_text", "text": "short"}],
        "encrypted_content": "gAAA",
    }
    assert [element["text"] for element in listed[3]["content"]] == ["a", "b"]
    assert listed[3]["content"][1]["annotations"] == [
        {
            "type": "url_citation",
            "start_index": 0,
            "end_index": 1,
            "title": "X",
            "url": "https://x.test",
        }
    ]
    assert [(item["call_id"], item["name"], item.get("namespace")) for item in listed[4:]] == [
        ("c1", "f", None),
        ("c2", "open", "mcp__box"),
        ("c3", "patch", None),
    ]
    assert [item.get("arguments", item.get("input")) for item in listed[4:]] == [
        '{"a":1}',
        "{}",
        "*** Begin",
    ]
    # What is told can be read again, with whose signature it was.
    again = [part for item in listed for part in read(item).parts]
    assert again[0] == Reasoning("hm", "sig", "anthropic", f"rs_{ID}_0")
    assert again[1] == Reasoning("", "x", "anthropic", f"rs_{ID}_1", redacted=True)


def test_probabilities_of_tokens_stand_beside_their_text() -> None:
    listed = [{"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}]
    (message,) = output(Text("a"), logprobs={"content": listed})
    assert message["content"][0]["logprobs"] == listed


def test_calls_without_id_or_arguments_get_them() -> None:
    calls = read(
        {"type": "function_call", "name": "f"},
        {"type": "function_call", "name": "f", "id": "fc_1", "arguments": ""},
        {"type": "function_call", "name": "f", "call_id": "c", "arguments": "null"},
    )
    assert calls.parts == (
        ToolCall(f"call_{SEED[-24:]}_0", "f", "{}"),
        ToolCall("fc_1", "f", "{}"),
        ToolCall("c", "f", "{}"),
    )
    assert calls.stop == Stop("tools")


@pytest.mark.parametrize(
    ("members", "stop"),
    [
        ({"status": "completed"}, Stop("end", "completed")),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            Stop("length", "max_output_tokens"),
        ),
        ({"incomplete_details": {"reason": "content_filter"}}, Stop("filtered", "content_filter")),
        ({"incomplete_details": {"reason": "steered"}}, Stop("end", "steered")),
        ({"status": "incomplete"}, Stop("length", "incomplete")),
    ],
)
def test_why_it_stopped_is_read(members: dict[str, Any], stop: Stop) -> None:
    assert read(**members).stop == stop


def test_a_refusal_is_why_it_stopped() -> None:
    refusal = {"type": "refusal", "refusal": "no"}
    choice = read({"type": "message", "role": "assistant", "content": [refusal]})
    assert (choice.parts, choice.stop) == ((Refusal("no"),), Stop("refusal"))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"output": {}},
        {"output": [1]},
        {"output": [], "status": "failed"},
        {"output": [{"type": "function_call", "call_id": "c"}]},
        {"output": [{"type": "message", "role": "assistant", "content": 1}]},
    ],
)
def test_what_is_no_answer_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, SEED)


@needs_transcripts
def test_the_pair_of_another_gateway_agrees() -> None:
    """A chat completion with two calls; ids and times are the gateway's own."""
    stem = FIXTURES / "translation-pairs" / "resp.completions.tool_call.completions-responses"
    chat = OpenAIChat()
    raw = stem.with_name(f"{stem.name}.input.json").read_bytes()
    theirs = json.loads(stem.with_name(f"{stem.name}.output.json").read_bytes())["response"]
    assert chat.codec is not None
    reply = chat.codec.read_reply(json.loads(raw), SEED)
    told = CODEC.write_reply(reply, chat.read_reply(raw, CHAT).usage, answering(asked()))
    assert told["status"] == theirs["status"]
    for item in (*told["output"], *theirs["output"]):
        del item["id"]
    assert told["output"] == theirs["output"]
    del told["usage"]["input_tokens_details"][MAY_BE_ADDED]
    assert told["usage"] == theirs["usage"]
