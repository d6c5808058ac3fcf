import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.openai_chat.grammar import REPLY
from tests.gateway.wire.recordings import answering, needs_transcripts, recorded
from tests.gateway.wire.shapes import ANY, thorough, told

from trunkline.gateway.exchange.parts import (
    Audio,
    Citation,
    Foreign,
    Image,
    Inline,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import Choice, Reply, Stop
from trunkline.gateway.exchange.request import Message, Request, Tool
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.contract import NOWHERE, Malformed
from trunkline.gateway.wire.openai_chat.codec import ChatCodec
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat

CODEC = ChatCodec()
SEED = "5eed0123456789abcdef0123456789ab"
ANSWERS = [
    "azure/chat.json",
    "deepseek/reasoning.json",
    "groq/chat.json",
    "mistral/chat.json",
    "mistral/thinking.json",
    "ollama/openai-compat-reasoning.json",
    "openai-chat/cached-tokens.json",
    "openai-chat/image-url-input.json",
    "openai-chat/json-schema.json",
    "openai-chat/n2.json",
    "openai-chat/reasoning.json",
    "openai-chat/refusal.json",
    "openai-chat/tool-calls-followup.json",
    "openai-chat/tool-calls-parallel.json",
    "openai-chat/web-search-annotations.json",
    "openrouter/reasoning-signature.json",
    "together/chat.json",
    "together/tool-call-via-hf-router.json",
    "vllm/chat.json",
    "xai/text.json",
]


def as_we_tell_it(document: Any) -> Any:
    """A recorded answer by the rules of what we tell otherwise."""
    document = told(document)
    # The id is made of our own; usage is compared by its buckets; thought has one member, and a
    # word for the stop that OpenAI does not have stands beside the one that it has.
    for name in ("id", "usage"):
        document.pop(name)
    for choice in document["choices"]:
        message = choice["message"]
        for name in ("annotations", "tool_calls"):
            if message.get(name) == []:
                del message[name]
        if "reasoning" in message:
            message["reasoning_content"] = message.pop("reasoning")
        if isinstance(message.get("content"), list):
            thought, text = message["content"]
            message["reasoning_content"] = thought["thinking"][0]["text"]
            message["content"] = text["text"]
        for call in message.get("tool_calls", []):
            call.pop("index", None)
        if choice["finish_reason"] == "eos":
            choice |= {"finish_reason": "stop", "native_finish_reason": "eos"}
    return document


@needs_transcripts
@pytest.mark.parametrize("name", ANSWERS)
def test_a_recorded_answer_comes_out_as_it_went_in(name: str) -> None:
    body = recorded(name)
    document = json.loads(body)
    usage = OpenAIChat().read_reply(body, "chat").usage
    assert usage is not None
    reply = CODEC.read_reply(document, SEED)
    written = told(CODEC.write_reply(reply, usage, answering()))
    read_again = OpenAIChat().read_reply(json.dumps(written).encode(), "chat")
    assert read_again.usage == usage
    assert written.pop("id") == "chatcmpl-0123456789abcdef0123456789abcdef"
    assert written.pop("usage")["total_tokens"] == usage.input_total + usage.output_total
    assert written == as_we_tell_it(document)


@settings(thorough, max_examples=200)
@given(st.one_of(REPLY, ANY.filter(lambda value: isinstance(value, dict))))
def test_no_answer_makes_the_reader_raise_anything_but_its_own_error(document: Any) -> None:
    try:
        reply = CODEC.read_reply(document, SEED)
    except Malformed:
        return
    json.dumps(CODEC.write_reply(reply, None, answering()))


def choice_of(message: Any, **members: Any) -> Choice:
    document = {"choices": [{"index": 0, "message": message, **members}]}
    return CODEC.read_reply(document, SEED).choices[0]


def test_the_parts_of_an_answer_are_read_in_the_order_in_which_they_were_made() -> None:
    annotation = {"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    choice = choice_of(
        {
            "role": "assistant",
            "content": "said",
            "reasoning_content": "hm",
            "annotations": [annotation],
            "refusal": "",
            "images": [image],
            "audio": {"id": "a", "data": "aGk="},
            "odd": 1,
            "tool_calls": [
                {"id": "", "function": {"name": "f", "arguments": "null"}},
                {"id": "b", "index": 1, "function": {"name": "f", "arguments": {"a": 1}}},
                {"id": "c", "type": "custom", "custom": {"name": "g", "input": "null"}},
            ],
            "function_call": {"name": "h", "arguments": ""},
        },
        finish_reason="stop",
        logprobs={"content": []},
    )
    assert choice == Choice(
        (
            Reasoning("hm"),
            Text("said", citations=(Citation("u", "t", wire="openai_chat", native=annotation),)),
            Image(Inline("image/png", "aGk=")),
            Foreign("openai_chat", {"audio": {"id": "a", "data": "aGk="}}),
            ToolCall(f"call_{SEED[-24:]}_0_0", "f", "{}"),
            ToolCall("b", "f", '{"a":1}'),
            ToolCall("c", "g", "null", "custom"),
            ToolCall(f"call_{SEED[-24:]}_0_3", "h", "{}"),
        ),
        Stop("tools", "stop"),
        {"content": []},
        {"message": {"odd": 1}},
    )


def test_a_seal_among_the_thought_belongs_to_the_call_of_its_id() -> None:
    seal = {"type": "reasoning.encrypted", "data": "sig", "id": "a", "format": "google-gemini-v1"}
    other = {**seal, "id": "nobody"}
    calls = [
        {"id": "a", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "function": {"name": "f", "arguments": "{}"}},
    ]
    parts = choice_of({"reasoning_details": [seal, other], "tool_calls": calls}).parts
    assert parts == (
        Reasoning("", "sig", "google", "nobody"),
        ToolCall("a", "f", signature="sig", family="google"),
        ToolCall("b", "f"),
    )


@pytest.mark.parametrize(
    ("message", "members", "expected"),
    [
        ({"content": "a"}, {"finish_reason": "stop"}, Stop("end", "stop")),
        ({"content": "a"}, {"finish_reason": "eos"}, Stop("end", "eos")),
        ({"content": "a"}, {"finish_reason": "length"}, Stop("length", "length")),
        ({"content": "a"}, {"finish_reason": "tool_calls"}, Stop("end", "tool_calls")),
        ({"content": "a"}, {"finish_reason": 3}, Stop("end", None)),
        (
            {"content": "a"},
            {"finish_reason": "content_filter"},
            Stop("filtered", "content_filter"),
        ),
        (
            {"content": "a"},
            {"finish_reason": "stop", "native_finish_reason": "end_turn"},
            Stop("end", "end_turn"),
        ),
        (
            {"content": "a"},
            {"finish_reason": "stop", "stop_reason": "###"},
            Stop("stop_sequence", "stop", "###"),
        ),
        ({"refusal": "no"}, {"finish_reason": "stop"}, Stop("refusal", "stop")),
        (
            {"function_call": {"name": "f", "arguments": "{}"}},
            {"finish_reason": "length"},
            Stop("length", "length"),
        ),
    ],
)
def test_why_a_model_stopped_is_understood(message: Any, members: Any, expected: Stop) -> None:
    assert choice_of(message, **members).stop == expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"choices": 3},
        {"choices": [3]},
        {"choices": [{"text": "x"}]},
        {"choices": [{"message": {"tool_calls": 3}}]},
        {"choices": [{"message": {"tool_calls": [{"id": "x"}]}}]},
    ],
)
def test_what_is_no_chat_completion_is_malformed(document: Any) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, SEED)


def foreign(*parts: Part, stop: Stop = Stop(), **members: Any) -> Reply:  # noqa: B008 - It is frozen.
    return Reply(wire="gemini", choices=(Choice(parts, stop),), **members)


def write(reply: Reply, usage: Usage | None = None, request: Any = None) -> Any:
    return CODEC.write_reply(reply, usage, answering(request, "public", 7))


def test_an_answer_of_another_wire_is_a_chat_completion() -> None:
    reply = foreign(
        Reasoning("hm", "s", "anthropic"),
        Text("ab", citations=(Citation("u", "t", start=1, end=2),)),
        Text("cd", citations=(Citation(None, "doc", "words"),)),
        ToolCall("x", "f", '{"a":1}', signature="sig", family="google"),
        ToolCall("y", "g", signature="s", family="other"),
        Image(Inline("image/png", "aGk=")),
        Audio(Inline("audio/wav", "aGk=")),
        Foreign("gemini", {"executableCode": {}}),
        stop=Stop("end", "STOP"),
        id="theirs",
        model="up",
        created=5,
        service_tier="priority",
    )
    usage = Usage(input=10, cache_read=3, cache_write_5m=2, output=7, reasoning=4)
    assert write(reply, usage) == {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion",
        "created": 5,
        "model": "up",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "abcd",
                    "refusal": None,
                    "annotations": [
                        {
                            "type": "url_citation",
                            "url_citation": {
                                "start_index": 1,
                                "end_index": 2,
                                "title": "t",
                                "url": "u",
                            },
                        },
                        {
                            "type": "url_citation",
                            "url_citation": {
                                "start_index": 2,
                                "end_index": 4,
                                "title": "doc",
                                "url": "",
                                "cited_text": "words",
                            },
                        },
                    ],
                    "reasoning_content": "hm",
                    "reasoning_details": [
                        {
                            "type": "reasoning.text",
                            "text": "hm",
                            "format": "anthropic-claude-v1",
                            "index": 0,
                            "signature": "s",
                        }
                    ],
                    "tool_calls": [
                        {
                            "id": "x",
                            "type": "function",
                            "function": {"name": "f", "arguments": '{"a":1}'},
                            "extra_content": {"google": {"thought_signature": "sig"}},
                        },
                        {
                            "id": "y",
                            "type": "function",
                            "function": {"name": "g", "arguments": "{}"},
                        },
                    ],
                    "images": [
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/png;base64,aGk="},
                            "index": 0,
                        }
                    ],
                    "audio": {
                        "id": "audio_0123456789abcdef0123456789abcdef",
                        "data": "aGk=",
                        "expires_at": 7,
                        "transcript": "",
                    },
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
                "native_finish_reason": "STOP",
            }
        ],
        "usage": {
            "prompt_tokens": 15,
            "completion_tokens": 11,
            "total_tokens": 26,
            "prompt_tokens_details": {
                "cached_tokens": 3,
                "audio_tokens": 0,
                "cache_write_tokens": 2,
            },
            "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
        },
        "service_tier": "priority",
    }


def test_what_nobody_knows_is_not_told() -> None:
    document = write(foreign(Text("a")))
    assert "usage" not in document
    assert (document["model"], document["created"]) == ("public", 7)


@pytest.mark.parametrize(
    ("parts", "stop", "content", "reason"),
    [
        ((), Stop("length", "MAX_TOKENS"), "", "length"),
        ((Refusal("no"),), Stop("refusal"), None, "stop"),
        ((), Stop("refusal", "refusal"), "", "content_filter"),
        ((), Stop("filtered"), "", "content_filter"),
        ((Text("a"),), Stop("stop_sequence", "stop_sequence", "###"), "a", "stop"),
        ((Text("a"),), Stop("paused", "pause_turn"), "a", "stop"),
        ((Text("a"),), Stop("tools"), "a", "stop"),
        ((ToolCall("x", "f"),), Stop("end"), None, "tool_calls"),
        ((ToolCall("x", "f"),), Stop("length"), None, "length"),
    ],
)
def test_the_stop_is_told_in_openais_words(
    parts: tuple[Part, ...], stop: Stop, content: str | None, reason: str
) -> None:
    choice = write(foreign(*parts, stop=stop))["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (content, reason)


def test_a_caller_who_knows_function_calls_alone_gets_one() -> None:
    asked = CODEC.read_request(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "functions": [{"name": "f"}],
        },
        NOWHERE,
    )
    choice = write(foreign(ToolCall("x", "f", '{"a":1}')), request=asked)["choices"][0]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "function_call": {"name": "f", "arguments": '{"a":1}'},
    }
    assert choice["finish_reason"] == "function_call"


@pytest.mark.parametrize(
    ("arguments", "expected"), [('{"input":"*** Begin"}', "*** Begin"), ('{"x":1}', '{"x":1}')]
)
def test_a_function_in_the_place_of_a_custom_tool_is_told_as_that_tool(
    arguments: str, expected: str
) -> None:
    asked = Request(
        wire="openai_chat",
        model="m",
        messages=(Message("user", (Text("x"),)),),
        tools=(Tool("patch", "custom"), Tool("f")),
    )
    reply = foreign(ToolCall("x", "patch", arguments), ToolCall("y", "f"))
    calls = write(reply, request=asked)["choices"][0]["message"]["tool_calls"]
    assert calls == [
        {"id": "x", "type": "custom", "custom": {"name": "patch", "input": expected}},
        {"id": "y", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ]


@needs_transcripts
def test_another_gateways_translation_of_an_answer_agrees() -> None:
    name = "translation-pairs/resp.anthropic.tool.messages-completions"
    given = json.loads(recorded(f"{name}.input.json"))
    other = json.loads(recorded(f"{name}.output.json"))
    source = AnthropicMessages()
    assert source.codec is not None
    reply = source.codec.read_reply(given, SEED)
    usage = source.read_reply(json.dumps(given).encode(), "chat").usage
    written, expected = told(write(reply, usage)), other["response"]
    # Its prompt leaves the cache out, which OpenAI's contains; it adds Anthropic's own members.
    assert written.pop("usage")["prompt_tokens"] == expected.pop("usage")["prompt_tokens"] + 3
    for document in (written, expected):
        # Both are made up, or time.
        del document["id"], document["created"]
    # OpenAI calls the usual tier otherwise, and Anthropic's word for the stop is told as well.
    assert expected.pop("service_tier") == "standard"
    assert written.pop("service_tier") == "default"
    assert written["choices"][0].pop("native_finish_reason") == "tool_use"
    assert written == expected
