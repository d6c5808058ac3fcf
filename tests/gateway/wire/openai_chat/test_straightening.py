import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.shapes import ANY, an_object, either, listed, one_of, thorough

from trunkline.errors import InvalidRequest
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat

WIRE = OpenAIChat()
FLAT = {"type": "function", "name": "f", "parameters": {"type": "object"}}
NESTED = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def sent(**members: Any) -> Any:
    """What a provider of the same wire gets."""
    request = WIRE.read_request(json.dumps({"model": "m", **members}).encode(), "chat")
    return json.loads(WIRE.write_request(request, "m"))


def test_a_body_of_the_responses_api_becomes_a_chat() -> None:
    items = [
        {"role": "user", "content": "hi"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"},
                {"type": "input_file", "file_id": "file-1", "filename": None},
                {"type": "odd"},
                3,
            ],
        },
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "x"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "p", "input": "text"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {
            "type": "custom_tool_call_output",
            "call_id": "b",
            "output": [{"type": "input_text", "text": "2"}],
        },
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert sent(
        input=items,
        instructions="be brief",
        max_output_tokens=9,
        tools=[FLAT, {"type": "custom", "name": "p"}, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "f"},
        text={
            "format": {"type": "json_schema", "name": "x", "schema": {}, "strict": True},
            "verbosity": "low",
        },
        reasoning={"effort": "low", "summary": "auto"},
        include=["reasoning.encrypted_content"],
        store=False,
        stream=True,
    ) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hi"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {
                        "type": "image_url",
                        "image_url": {"url": "https://x.test/a.png", "detail": "low"},
                    },
                    {"type": "file", "file": {"file_id": "file-1"}},
                    {"type": "odd"},
                    3,
                ],
            },
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "ok"}],
                "tool_calls": [
                    {"id": "a", **call},
                    {"id": "b", "type": "custom", "custom": {"name": "p", "input": "text"}},
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "c", **call}]},
        ],
        "tools": [NESTED, {"type": "custom", "custom": {"name": "p"}}, {"type": "web_search"}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "max_completion_tokens": 9,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": {}, "strict": True},
        },
        "verbosity": "low",
        "reasoning_effort": "low",
        "store": False,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_plain_input_is_the_users_message() -> None:
    assert sent(input="hi", text={"format": {"type": "text"}}) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "response_format": {"type": "text"},
    }


def test_the_ceiling_of_a_straightened_body_holds() -> None:
    raw = b'{"model":"m","input":"hi","max_output_tokens":9}'
    request = WIRE.read_request(raw, "chat")
    assert (request.max_tokens, request.ceilings) == (9, ("max_completion_tokens",))


HELLO = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("tools", "choice", "straight", "chosen"),
    [
        ([FLAT], "auto", [NESTED], "auto"),
        ([NESTED], {"type": "any"}, [NESTED], {"type": "any"}),
        ([FLAT, 3, {"type": "x"}], {"type": "any"}, [NESTED, 3, {"type": "x"}], "required"),
        (
            [
                {
                    "name": "f",
                    "input_schema": {"type": "object"},
                    "cache_control": {"type": "ephemeral"},
                }
            ],
            {"type": "tool", "name": "f"},
            [{**NESTED, "cache_control": {"type": "ephemeral"}}],
            {"type": "function", "function": {"name": "f"}},
        ),
        (
            [{"type": "custom", "name": "f", "input_schema": {"type": "object"}}],
            {"type": "auto"},
            [NESTED],
            "auto",
        ),
        ([{"name": "f"}], {"type": "odd"}, [{"name": "f"}], {"type": "odd"}),
        ([], {"type": "none"}, [], "none"),
    ],
)
def test_flat_tools_become_nested_ones(tools: Any, choice: Any, straight: Any, chosen: Any) -> None:
    document = sent(messages=HELLO, tools=tools, tool_choice=choice)
    assert (document["tools"], document["tool_choice"]) == (straight, chosen)


def test_a_chat_stays_as_it_is() -> None:
    document = {"messages": HELLO, "tools": [{**NESTED, "odd": 2.50}], "input": "?"}
    assert sent(**document) == {"model": "m", **document}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": "hi", "previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        ({"input": [{"type": 3}]}, "input[0]"),
        ({"input": [3]}, "input[0]"),
        ({"input": 3}, "input"),
        ({"input": []}, "messages"),
    ],
)
def test_what_only_the_responses_api_can_do_is_refused(members: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sent(**members)
    assert caught.value.param == param
    assert caught.value.hint


def test_nothing_is_kept_of_a_background_that_is_off() -> None:
    assert sent(input="hi", background=False, conversation=None)["messages"] == HELLO


def outcome(depth: int) -> str:
    deep = b"[" * depth + b"]" * depth
    raw = b'{"model":"m","input":[{"role":"user","content":' + deep + b"}]}"
    try:
        WIRE.read_request(raw, "chat")
    except InvalidRequest as error:
        return error.code
    return "read"


def test_what_is_nested_too_deeply_is_refused_wherever_that_is_found() -> None:
    assert {outcome(depth) for depth in range(850, 1050)} == {"read", "too_deeply_nested"}


ITEM = an_object(
    {"type": one_of("message", "function_call", "function_call_output", "reasoning")},
    {
        "role": one_of("user", "assistant"),
        "content": listed(an_object({"type": one_of("input_text", "input_image")}, {"text": ANY})),
        "call_id": ANY,
        "output": ANY,
        "name": ANY,
    },
)


@thorough
@given(
    an_object(
        {"input": listed(ITEM)},
        {
            "tools": listed(an_object({"type": one_of("function", "custom")}, {"name": ANY})),
            "tool_choice": either(an_object({"type": one_of("any", "tool")}, {"name": ANY})),
            "text": an_object({}, {"format": ANY}),
            "reasoning": an_object({}, {"effort": ANY}),
            "instructions": ANY,
        },
    )
    | st.dictionaries(st.sampled_from(["input", "tools", "tool_choice", "text"]), ANY)
)
def test_no_document_raises_anything_but_our_own_error(document: Any) -> None:
    with contextlib.suppress(InvalidRequest):
        sent(**document)
