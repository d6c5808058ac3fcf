import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.openai_chat.grammar import REQUEST
from tests.gateway.wire.recordings import FIXTURES, needs_transcripts
from tests.gateway.wire.shapes import ANY, thorough, told

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Citation,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Upload,
)
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.contract import NOWHERE
from trunkline.gateway.wire.openai_chat.codec import ChatCodec
from trunkline.gateway.wire.openai_chat.request import ChatMessage, ChatRequest

CODEC = ChatCodec()
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
REQUESTS = sorted(
    path
    for path in FIXTURES.glob("*/*.meta.json")
    if "/chat/completions" in str((json.loads(path.read_text())["request"] or {}).get("path"))
)


def read(messages: Any = HELLO, **members: Any) -> ChatRequest:
    request = CODEC.read_request({"model": "m", "messages": messages, **members}, NOWHERE)
    assert isinstance(request, ChatRequest)
    return request


def parts_of(*messages: Any) -> tuple[Any, ...]:
    return tuple(part for message in read(list(messages)).messages for part in message.parts)


def written(request: Request, model: str = "m") -> Any:
    losses = Losses()
    document = CODEC.write_request(request, Destination(model=model), losses)
    assert not losses
    return document


@needs_transcripts
@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_recorded_request_comes_out_as_it_went_in(path: Any) -> None:
    document = json.loads(path.read_text())["request"]["body"]
    request = CODEC.read_request(document, NOWHERE)
    assert told(written(request, document["model"])) == told(document)


@thorough
@given(st.one_of(REQUEST, ANY.filter(lambda value: isinstance(value, dict))))
def test_each_document_comes_out_as_it_went_in_or_is_refused(document: Any) -> None:
    try:
        request = CODEC.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    assert told(written(request, request.model)) == told(document)


def usual() -> dict[str, Any]:
    """A document that needs no memory of how it was spelled."""
    mark = {"type": "ephemeral", "ttl": "1h"}
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    signed = {"google": {"thought_signature": "sig"}}
    return {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief", "odd": 1},
            {
                "role": "user",
                "name": "ann",
                "content": [
                    {"type": "text", "text": "look", "cache_control": mark},
                    {
                        "type": "image_url",
                        "image_url": {"url": "https://x.test/a", "detail": "low"},
                    },
                    {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
                    {"type": "file", "file": {"file_id": "file-1", "odd": 2}},
                    {"type": "video_url", "video_url": {"url": "https://x.test/v"}},
                ],
            },
            {
                "role": "assistant",
                "content": "Reading.",
                "reasoning_content": "hm",
                "tool_calls": [call, {**call, "id": "c2", "extra_content": signed}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "1", "cache_control": mark},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "2"}]},
            {"role": "assistant", "refusal": "No."},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "parameters": {"type": "object"}, "strict": True},
                "cache_control": mark,
            },
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
            {"type": "web_search", "odd": 3},
        ],
        "tool_choice": {"type": "custom", "custom": {"name": "g"}},
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
        "reasoning_effort": "high",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 9,
        "n": 2,
        "temperature": 0.5,
        "top_k": 3,
        "stop": ["a", "b"],
        "logit_bias": {"5": -1},
        "metadata": {"team": "blue"},
        "prediction": {"type": "content", "content": "x"},
    }


def test_what_is_usual_is_understood_whole() -> None:
    request = CODEC.read_request(usual(), NOWHERE)
    assert isinstance(request, ChatRequest)
    assert request.spelled == {}
    assert [m.spelled for m in request.messages if isinstance(m, ChatMessage)] == [{}] * 6
    assert written(request) == usual()


def test_a_request_is_read_into_the_internal_form() -> None:
    request = read(**{name: value for name, value in usual().items() if name[0] in "nprst"})
    assert request == ChatRequest(
        wire="openai_chat",
        model="m",
        messages=(ChatMessage("user", (Text("hello"),), bare=True),),
        stream=True,
        wants_usage=True,
        tools=(
            Tool("f", schema={"type": "object"}, strict=True, cache=CacheMark("1h")),
            Tool("g", "custom", native={"format": {"type": "text"}}, wire="openai_chat"),
            Tool("web_search", "server", native=usual()["tools"][2], wire="openai_chat"),
        ),
        tool_choice=ToolChoice("required", ("g",)),
        parallel_tools=False,
        output=OutputFormat("json_schema", "x", {}),
        reasoning=ReasoningAsk(effort="high"),
        answers=2,
        temperature=0.5,
        top_k=3,
        stop=("a", "b"),
        extra={"prediction": {"type": "content", "content": "x"}},
    )


def test_items_of_content_become_parts() -> None:
    content = [
        "bare",
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, "odd": 1},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "image_url", "image_url": "https://x.test/a.png"},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
        {"type": "input_audio", "input_audio": "https://x.test/a.mp3"},
        {
            "type": "file",
            "file": {"file_data": "data:text/csv;base64,aGk=", "filename": "a"},
        },
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "document_url", "document_url": "https://x.test/a.pdf", "document_name": "b"},
        {"type": "file", "file": {"file_data": "aGk="}},
        {"type": "refusal", "refusal": "not by the user"},
    ]
    assert parts_of({"role": "user", "content": content}) == (
        Text("bare"),
        Text("a", cache=CacheMark(), extra={"odd": 1}),
        Image(Inline("image/png", "aGk=")),
        Image(Link("https://x.test/a.png")),
        Audio(Inline("audio/mp3", "aGk=")),
        Audio(Link("https://x.test/a.mp3")),
        File(Inline("text/csv", "aGk="), "a"),
        File(Upload("file-1")),
        File(Link("https://x.test/a.pdf"), "b"),
        Foreign("openai_chat", content[9]),
        Foreign("openai_chat", content[10]),
    )


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"reasoning_content": "hm"}, [Reasoning("hm")]),
        ({"reasoning": "hm"}, [Reasoning("hm")]),
        ({"reasoning_content": ""}, []),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
            [Reasoning("hm")],
        ),
        (
            {"content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
            [Reasoning("hm", "s", "anthropic")],
        ),
        (
            {
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "redacted_thinking", "data": "d"},
                ],
                "reasoning_content": "hm",
            },
            [Reasoning("hm", "s", "anthropic"), Reasoning("", "d", "anthropic", redacted=True)],
        ),
        (
            {
                "reasoning": "hm",
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "hm",
                        "signature": "s",
                        "format": "anthropic-claude-v1",
                    },
                    {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1"},
                ],
            },
            [Reasoning("hm", "s", "anthropic"), Reasoning("", "d", "anthropic", redacted=True)],
        ),
        (
            {
                "reasoning_details": [
                    {"type": "reasoning.summary", "summary": "hm", "format": "openai-responses-v1"},
                    {
                        "type": "reasoning.encrypted",
                        "data": "d",
                        "id": "rs_1",
                        "format": "openai-responses-v1",
                    },
                ]
            },
            [Reasoning("hm", "d", "openai", "rs_1", summary=True)],
        ),
        (
            # A seal without its words, which stand in the other member.
            {
                "reasoning_content": "hm",
                "reasoning_details": [
                    {"type": "reasoning.text", "signature": "s", "format": "google-gemini-v1"}
                ],
            },
            [Reasoning("hm", "s", "google")],
        ),
        (
            {
                "reasoning_content": "hm",
                "reasoning_details": [
                    {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1"}
                ],
            },
            [Reasoning("hm"), Reasoning("", "d", "anthropic", redacted=True)],
        ),
    ],
)
def test_thought_is_read_from_every_member_that_servers_use(
    members: dict[str, Any], expected: list[Reasoning]
) -> None:
    assert list(parts_of({"role": "assistant", **members})) == expected


def test_thought_of_another_shape_stays_where_it_is() -> None:
    request = read([{"role": "assistant", "reasoning_details": [1], "reasoning": {"x": 1}}])
    assert request.messages[0].parts == ()
    assert request.messages[0].extra == {"reasoning_details": [1], "reasoning": {"x": 1}}


def call(name: str, call_id: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "function", "function": {"name": name, "arguments": "{}"}}
    return told if call_id is None else {"id": call_id, **told}


def ids_in(messages: list[Any]) -> list[tuple[str, str]]:
    found = []
    for message in read(messages).messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                found.append(("call", part.id))
            elif isinstance(part, ToolResult):
                found.append(("result", part.call_id))
    return found


def test_ids_that_are_used_again_or_missing_become_unique() -> None:
    messages = [
        {"role": "assistant", "tool_calls": [call("f", "call_0"), call("g", "call_1")]},
        {"role": "tool", "tool_call_id": "call_1", "content": ""},
        {"role": "tool", "tool_call_id": "call_0", "content": ""},
        {"role": "assistant", "tool_calls": [call("f", "call_0"), call("g", ""), call("h")]},
        {"role": "tool", "tool_call_id": "call_0", "content": ""},
        {"role": "tool", "tool_call_id": "", "content": ""},
        {"role": "tool", "content": ""},
        {"role": "tool", "tool_call_id": "nobody", "content": ""},
    ]
    assert ids_in(messages) == [
        ("call", "call_0"),
        ("call", "call_1"),
        ("result", "call_1"),
        ("result", "call_0"),
        ("call", "call_0_2"),
        ("call", "call_3"),
        ("call", "call_4"),
        ("result", "call_0_2"),
        ("result", "call_3"),
        ("result", "call_4"),
        ("result", "nobody"),
    ]
    assert written(read(messages))["messages"] == messages


def test_a_repeated_result_belongs_to_the_same_call() -> None:
    messages = [
        {"role": "assistant", "tool_calls": [call("f", "a")]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "a", "content": "2"},
    ]
    assert ids_in(messages) == [("call", "a"), ("result", "a"), ("result", "a")]


def test_the_older_functions_are_read_and_written_back() -> None:
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "2"},
    ]
    request = read(messages, functions=[function], function_call={"name": "f"})
    assert request.tools == (Tool("f", description="d", schema={"type": "object"}),)
    assert request.tool_choice == ToolChoice("required", ("f",))
    assert request.legacy
    assert request.parallel_tools is False
    assert ids_in(messages) == [
        ("call", "function_f"),
        ("result", "function_f"),
        ("call", "function_f_1"),
        ("result", "function_f_1"),
    ]
    document = {
        "model": "m",
        "messages": messages,
        "functions": [function],
        "function_call": {"name": "f"},
    }
    assert told(written(request)) == told(document)


def test_sources_of_an_earlier_answer_are_citations() -> None:
    annotation = {
        "type": "url_citation",
        "url_citation": {"url": "u", "title": "t", "start_index": 1, "end_index": 2},
    }
    flat = {"type": "url_citation", "url": "v"}
    message = {"role": "assistant", "content": "abc", "annotations": [annotation, flat, 3]}
    citations = (
        Citation("u", "t", None, 1, 2, "openai_chat", annotation),
        Citation("v", wire="openai_chat", native=flat),
        Citation(wire="openai_chat", native=3),
    )
    assert parts_of(message) == (Text("abc", citations=citations),)
    empty = read([{"role": "assistant", "content": "abc", "annotations": []}])
    assert empty.messages[0].extra == {}


def test_parts_of_strange_shapes_stay_as_they_are() -> None:
    strange: list[Any] = [
        {"type": "text", "text": 3},
        {"type": "image_url", "image_url": 3},
        {"type": "image_url", "image_url": {"url": 3}},
        {"type": "input_audio", "input_audio": "aGk="},
        {"type": "input_audio", "input_audio": {"data": "aGk="}},
        {"type": "file", "file": 3},
        {"type": "file", "file": {"filename": 3, "file_id": "x"}},
        {"type": "file", "file": {}},
        {"type": "document_url", "document_url": {}},
        {"type": "refusal", "refusal": 3},
        {"type": "thinking", "thinking": [3]},
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "2d"}},
        {"type": ["text"]},
        3,
    ]
    message = read([{"role": "assistant", "content": strange}]).messages[0]
    assert message.parts == tuple(
        Text("a", extra={"cache_control": item["cache_control"]})
        if isinstance(item, dict) and "cache_control" in item
        else Foreign("openai_chat", item)
        for item in strange
    )


def test_known_parts_keep_what_else_they_say() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": "https://x.test/a", "odd": 1}, "more": 2},
        {"type": "input_audio", "input_audio": {"data": "a", "format": "wav", "odd": 1}},
        {"type": "file", "file": {"file_data": "https://x.test/a.pdf", "odd": 1}},
    ]
    request = read([{"role": "user", "content": content}])
    assert request.messages[0].parts == (
        Image(Link("https://x.test/a"), extra={"image_url": {"odd": 1}, "more": 2}),
        Audio(Inline("audio/wav", "a"), extra={"input_audio": {"odd": 1}}),
        File(Link("https://x.test/a.pdf"), extra={"file": {"odd": 1}}),
    )
    assert written(request)["messages"][0]["content"] == content


def test_forms_of_the_answer_keep_what_else_they_say() -> None:
    form = {
        "type": "json_schema",
        "json_schema": {"name": "x", "description": "d", "strict": False, "odd": 1},
        "more": 2,
    }
    request = read(response_format=form)
    assert request.output == OutputFormat(
        "json_schema", "x", None, False, "d", {"json_schema": {"odd": 1}, "more": 2}
    )
    assert written(request)["response_format"] == form
    assert read(response_format={"type": "text"}).output == OutputFormat("text")
    assert read(response_format={"type": "json_object"}).output == OutputFormat("json")
    assert read(response_format="json").extra == {"response_format": "json"}


def test_a_role_that_nobody_else_knows_is_the_users_and_is_told() -> None:
    message = read([{"role": "critic", "content": "bad"}]).messages[0]
    assert (message.role, message.parts, message.extra) == (
        "user",
        (Text("bad"),),
        {"role": "critic"},
    )


def test_a_message_whose_parts_were_changed_is_not_written_as_it_was() -> None:
    request = read([{"role": "user", "content": [{"type": "text", "text": "secret"}, "secret"]}])
    first = request.messages[0]
    changed: Message = ChatMessage(
        "user", (Text("***"),), spelled={"content": ["secret"]}, told=first.parts
    )
    rewritten = Request(wire="openai_chat", model="m", messages=(changed,))
    assert written(rewritten)["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "***"}]}
    ]


@pytest.mark.parametrize(
    ("told_choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("any", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("required", ("f",))),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            },
            ToolChoice("auto", ("f",)),
        ),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [1]}}, None),
        ({"type": "allowed_tools", "allowed_tools": 3}, None),
        ("whatever", None),
        ({"type": ["f"]}, None),
    ],
)
def test_the_choice_among_tools_is_understood_or_kept(
    told_choice: Any, expected: ToolChoice | None
) -> None:
    request = read(tool_choice=told_choice)
    assert request.tool_choice == expected
    assert request.extra == ({} if expected else {"tool_choice": told_choice})


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"reasoning_effort": "low"}, ReasoningAsk(effort="low")),
        ({"reasoning": {"effort": "low", "exclude": True}}, ReasoningAsk(effort="low", show=False)),
        (
            {"reasoning": {"max_tokens": 9, "summary": "auto"}},
            ReasoningAsk(budget=9, summary="auto"),
        ),
        ({"reasoning": {"enabled": False}}, ReasoningAsk(enabled=False)),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 7}},
            ReasoningAsk(enabled=True, budget=7),
        ),
        ({"thinking": {"type": "disabled"}}, ReasoningAsk(enabled=False)),
        ({"include_reasoning": False}, ReasoningAsk(show=False)),
    ],
)
def test_what_is_said_about_thinking_is_understood(
    members: dict[str, Any], expected: ReasoningAsk
) -> None:
    request = read(**members)
    assert (request.reasoning, request.extra) == (expected, {})
    assert told(written(request)) == {"model": "m", "messages": HELLO, **members}


@pytest.mark.parametrize(
    "members",
    [
        {"reasoning_effort": "default"},
        {"reasoning": {"effort": 3}},
        {"reasoning": {"generate": True}},
        {"thinking": {"type": "sometimes"}},
        {"include_reasoning": "yes"},
        {"response_format": {"type": "grammar"}},
        {"response_format": {"type": "json_schema"}},
        {"stream_options": {"include_obfuscation": False}},
        {"metadata": {"n": 3}},
        {"modalities": ["text", "audio"]},
    ],
)
def test_what_cannot_be_understood_is_kept_so_that_its_loss_is_told(members: Any) -> None:
    assert read(**members).extra == members


def test_settings_have_other_names_in_other_dialects() -> None:
    request = read(random_seed=3, max_tokens=7, logprobs=2, stop="x")
    assert (request.seed, request.max_tokens, request.stop) == (3, 7, ("x",))
    assert (request.logprobs, request.top_logprobs) == (True, 2)
    assert read(max_tokens=7, max_completion_tokens=5).max_tokens == 5
    together = {"type": "json_object", "schema": {"type": "object"}}
    assert read(response_format=together).output == OutputFormat(
        "json_schema", schema={"type": "object"}
    )


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": [1]}, "messages[0]"),
        ({"model": "m", "messages": [{"content": "x"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        (
            {"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}]},
            "messages[0].tool_calls[0]",
        ),
        ({"model": "m", "messages": HELLO, "tools": [3]}, "tools[0]"),
        (
            {"model": "m", "messages": HELLO, "tools": [{"type": "function"}]},
            "tools[0].function",
        ),
        (
            {"model": "m", "messages": HELLO, "tools": [{"type": "custom", "custom": {}}]},
            "tools[0].custom.name",
        ),
        ({"model": "m", "messages": HELLO, "functions": [{}]}, "functions[0].name"),
        ({"model": "m", "messages": HELLO, "functions": [3]}, "functions[0]"),
        ({"model": "m", "messages": HELLO, "temperature": True}, "temperature"),
        ({"model": "m", "messages": HELLO, "stop": [1]}, "stop"),
        ({"model": "m", "messages": HELLO, "logit_bias": {"1": "x"}}, "logit_bias"),
        (
            {"model": "m", "messages": HELLO, "stream_options": {"include_usage": 1}},
            "stream_options.include_usage",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(document: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CODEC.read_request(document, NOWHERE)
    assert caught.value.param == param
