"""A request of this wire is read, kept whole, and given back as it came."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from tests.gateway.wire.openai_responses.grammar import REQUEST
from tests.gateway.wire.recordings import FIXTURES, asked, needs_transcripts
from tests.gateway.wire.shapes import ANY, thorough, told

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    CacheMark,
    Citation,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Upload,
)
from trunkline.gateway.exchange.request import OutputFormat, ReasoningAsk, Request, ToolChoice
from trunkline.gateway.wire.contract import NOWHERE
from trunkline.gateway.wire.openai_responses.codec import ResponsesCodec
from trunkline.gateway.wire.openai_responses.names import WIRE

CODEC = ResponsesCodec()
RECORDED = [
    "openai-responses/basic",
    "openai-responses/cache-write",
    "openai-responses/count-input-tokens",
    "openai-responses/error-400-model",
    "openai-responses/json-schema",
    "openai-responses/previous-response-id",
    "openai-responses/reasoning-encrypted-tools",
    "openai-responses/reasoning-summary-text",
    "openai-responses/stream-reasoning-tool",
    "openai-responses/stream-text",
    "openai-responses/stream-tool-calls-multi",
    "deepseek/responses-text",
]
CODEX: dict[str, Any] = {
    "model": "m",
    "instructions": "You code.",
    "input": [
        {
            "type": "additional_tools",
            "role": "developer",
            "tools": [{"type": "function", "name": "later", "parameters": {"type": "object"}}],
        },
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Look at it."}],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [
                {"type": "summary_text", "text": "one"},
                {"type": "summary_text", "text": "two"},
            ],
            "encrypted_content": "gAAA",
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "status": "completed",
            "call_id": "call_1",
            "namespace": "mcp__box",
            "name": "open",
            "arguments": '{"path":"a"}',
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "text"},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "patch", "input": "*** Begin"},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_2",
            "output": [
                {"type": "input_text", "text": "done"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
            ],
        },
        {"type": "configuration_update", "reasoning": {"effort": "high"}},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ],
    "tools": [
        {
            "type": "function",
            "name": "shell",
            "description": "Runs.",
            "strict": False,
            "parameters": {"type": "object", "properties": {}},
        },
        {
            "type": "namespace",
            "name": "mcp__box",
            "description": "A box.",
            "tools": [
                {"type": "function", "name": "open", "parameters": {"type": "object"}},
                {"type": "custom", "name": "pour", "format": {"type": "text"}},
            ],
        },
        {
            "type": "custom",
            "name": "patch",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
        },
        {"type": "web_search", "external_web_access": False},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "reasoning": {"effort": "medium", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "k",
    "client_metadata": {"installation": "i"},
    "text": {"verbosity": "low"},
}


def read(**members: Any) -> Request:
    return CODEC.read_request({"model": "m", "input": "hi", **members}, NOWHERE)


def items(*given: Any) -> tuple[Any, ...]:
    return read(input=list(given)).messages


def back(request: Request) -> dict[str, Any]:
    losses = Losses()
    written = CODEC.write_request(request, Destination(request.model), losses)
    assert not losses
    return written


@needs_transcripts
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_request_comes_back_as_it_was(name: str) -> None:
    document = asked(name)
    assert told(back(CODEC.read_request(document, NOWHERE))) == told(document)


@thorough
@given(document=REQUEST)
def test_every_document_comes_back_or_is_refused_by_our_own_error(document: Any) -> None:
    try:
        request = CODEC.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    assert told(back(request)) == told(document)
    json.dumps(back(request))


@thorough
@given(document=ANY)
def test_no_value_in_the_place_of_the_input_makes_it_raise_anything_else(document: Any) -> None:
    for value in (document, [document], [{"role": "user", "content": document}]):
        with contextlib.suppress(InvalidRequest):
            read(input=value)


def test_what_a_coding_tool_sends_is_understood_and_comes_back() -> None:
    request = CODEC.read_request(CODEX, NOWHERE)
    assert back(request) == CODEX
    assert [(message.role, message.parts) for message in request.messages] == [
        ("system", (Text("You code."),)),
        ("user", (Text("Look at it."),)),
        (
            "assistant",
            (
                Reasoning("one", id="rs_1", summary=True),
                Reasoning("two", "gAAA", "openai", "rs_1", summary=True),
            ),
        ),
        ("assistant", (ToolCall("call_1", "mcp__box__open", '{"path":"a"}'),)),
        ("user", (ToolResult("call_1", (Text("text"),), bare=True),)),
        ("assistant", (ToolCall("call_2", "patch", "*** Begin", "custom"),)),
        (
            "user",
            (ToolResult("call_2", (Text("done"), Image(Inline("image/png", "AA=="), "low"))),),
        ),
        (
            "assistant",
            (Foreign(WIRE, {"type": "web_search_call", "id": "ws_1", "status": "completed"}),),
        ),
    ]
    assert [(tool.name, tool.kind) for tool in request.tools] == [
        ("shell", "function"),
        ("mcp__box__open", "function"),
        ("mcp__box__pour", "custom"),
        ("patch", "custom"),
        ("web_search", "server"),
        ("later", "function"),
    ]
    # The update in the input is newer than the member.
    assert request.reasoning == ReasoningAsk(
        effort="high", show=True, summary="auto", encrypted=True
    )
    assert (request.verbosity, request.prompt_cache_key) == ("low", "k")
    assert (request.tool_choice, request.parallel_tools) == (ToolChoice("auto"), False)
    assert request.extra == {}


def test_what_says_nothing_elsewhere_is_no_extension() -> None:
    request = read(
        input=[
            {
                "type": "message",
                "role": "assistant",
                "id": "msg_1",
                "status": "completed",
                "phase": "final_answer",
                "content": [
                    {"type": "output_text", "text": "x", "annotations": [], "logprobs": []}
                ],
            }
        ],
        store=True,
        truncation="disabled",
        stream_options={"include_obfuscation": False},
        safety_identifier="person",
    )
    (message,) = request.messages
    assert (message.parts, message.extra, request.extra) == ((Text("x"),), {}, {})
    assert request.user == "person"


def test_what_only_this_wire_knows_is_an_extension() -> None:
    request = read(
        input=[{"role": "critic", "content": "x", "weight": 2}],
        truncation="auto",
        max_tool_calls=3,
        include=["message.output_text.logprobs", "file_search_call.results"],
        text={"format": {"type": "grammar"}},
        tool_choice={"type": "web_search"},
    )
    (message,) = request.messages
    assert (message.role, message.extra) == ("user", {"role": "critic", "weight": 2})
    assert request.extra == {
        "truncation": "auto",
        "max_tool_calls": 3,
        "include": ["file_search_call.results"],
        "text": {"format": {"type": "grammar"}},
        "tool_choice": {"type": "web_search"},
    }
    assert request.logprobs is True


def test_a_bare_string_is_a_message_of_the_user_and_stays_one() -> None:
    request = read(input="hi")
    assert [(m.role, m.parts, m.bare) for m in request.messages] == [("user", (Text("hi"),), True)]
    assert back(request)["input"] == "hi"


def test_elements_of_content_become_parts() -> None:
    (message,) = items(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "input_image", "image_url": {"url": "https://x.test/a.png"}},
                {"type": "input_image", "file_id": "file-1", "detail": "high"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "aGk="},
                {"type": "input_file", "file_url": "https://x.test/a.pdf"},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
                {"type": "strange", "x": 1},
            ],
        }
    )
    assert message.parts[0] == Text("a", cache=CacheMark())
    assert message.parts[1] == Image(Link("https://x.test/a.png"))
    assert message.parts[2] == Image(Upload("file-1"), "high")
    assert message.parts[3] == File(Inline("application/pdf", "aGk="), "a.pdf")
    assert message.parts[4] == File(Link("https://x.test/a.pdf"))
    assert message.parts[5].source == Inline("audio/wav", "aGk=")
    assert message.parts[6] == Foreign(WIRE, {"type": "strange", "x": 1})


def test_what_the_model_said_has_its_sources_and_its_refusals() -> None:
    annotation = {
        "type": "url_citation",
        "url": "https://x.test",
        "title": "X",
        "start_index": 0,
        "end_index": 1,
    }
    (message,) = items(
        {
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "a", "annotations": [annotation]},
                {"type": "refusal", "refusal": "no"},
            ],
        }
    )
    citation = Citation("https://x.test", "X", None, 0, 1, WIRE, annotation)
    assert message.parts == (Text("a", citations=(citation,)), Refusal("no"))


@pytest.mark.parametrize(
    ("sealed", "part"),
    [
        ("gAAA", Reasoning(signature="gAAA", family="openai")),
        ("trunkline.google.shown.a.b", Reasoning(signature="a.b", family="google")),
        (
            "trunkline.anthropic.redacted.x",
            Reasoning(signature="x", family="anthropic", redacted=True),
        ),
        (
            "trunkline.nobody.shown.x",
            Reasoning(signature="trunkline.nobody.shown.x", family="openai"),
        ),
    ],
)
def test_a_thought_says_whose_signature_it_has(sealed: str, part: Reasoning) -> None:
    (message,) = items({"type": "reasoning", "summary": [], "encrypted_content": sealed})
    assert message.parts == (part,)


def test_thought_that_was_told_as_it_was_is_no_summary() -> None:
    thought = {"type": "reasoning_text", "text": "hm"}
    (message,) = items({"type": "reasoning", "id": "rs_1", "summary": [], "content": [thought]})
    assert message.parts == (Reasoning("hm", id="rs_1"),)


def test_a_call_may_have_its_arguments_as_an_object_and_a_signature() -> None:
    (message,) = items(
        {
            "type": "function_call",
            "call_id": "c",
            "name": "f",
            "arguments": {"a": 1},
            "extra_content": {"google": {"thought_signature": "s"}},
        }
    )
    assert message.parts == (ToolCall("c", "f", '{"a":1}', signature="s", family="google"),)


def test_tools_of_long_namespaces_have_short_names_of_their_own() -> None:
    inner = [{"type": "function", "name": "a" * 60 + end} for end in "xy"]
    request = read(tools=[{"type": "namespace", "name": "n" * 20, "tools": inner}])
    names = [tool.name for tool in request.tools]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {64}


def test_functions_in_the_shape_of_chats_are_understood() -> None:
    nested = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    request = read(tools=[nested])
    assert [(tool.name, tool.schema) for tool in request.tools] == [("f", {"type": "object"})]
    assert back(request)["tools"] == [nested]


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({"type": "function", "name": "f"}, ToolChoice("required", ("f",))),
        ({"type": "function", "namespace": "n", "name": "f"}, ToolChoice("required", ("n__f",))),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g"}],
            },
            ToolChoice("required", ("f", "g")),
        ),
        (
            {"type": "allowed_tools", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice("auto", ("f",)),
        ),
    ],
)
def test_choices_of_tools_are_understood(given: Any, choice: ToolChoice) -> None:
    request = read(tools=[{"type": "function", "name": "f"}], tool_choice=given)
    assert request.tool_choice == choice
    assert back(request)["tool_choice"] == given


@pytest.mark.parametrize(
    ("form", "output"),
    [
        ({"type": "text"}, OutputFormat("text")),
        ({"type": "json_object"}, OutputFormat("json")),
        (
            {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True},
            OutputFormat("json_schema", "n", {"type": "object"}, strict=True),
        ),
    ],
)
def test_formats_are_understood(form: Any, output: OutputFormat) -> None:
    assert read(text={"format": form}).output == output
    update = {"type": "configuration_update", "text": {"format": form}}
    assert read(input=[update, {"role": "user", "content": "x"}]).output == output


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 1}, "input"),
        ({"input": [1]}, "input[0]"),
        ({"input": [{"type": "message"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 1}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [1]}]}, "input[0].content[0]"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call", "call_id": "c"}]}, "input[0].name"),
        ({"input": [{"type": "function_call_output", "call_id": 1}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "call_id": "c"}]}, "input[0].output"),
        ({"instructions": 1}, "instructions"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tool_choice": 1}, "tool_choice"),
        ({"text": 1}, "text"),
        ({"reasoning": "high"}, "reasoning"),
        ({"include": "x"}, "include"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(**members)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "element",
    [
        {"type": "input_text", "text": 1},
        {"type": "output_text", "text": "a", "annotations": {}},
        {"type": "input_image"},
        {"type": "input_image", "image_url": "u", "detail": 1},
        {"type": "input_file", "file_id": "f", "file_url": "u"},
        {"type": "input_file", "file_id": 1},
        {"type": "input_audio", "input_audio": {"data": "x"}},
        {"type": "input_audio", "input_audio": {"data": "x", "format": 1}},
        {"type": "refusal", "refusal": 1},
    ],
)
def test_an_element_of_another_shape_is_kept_as_it_is(element: Any) -> None:
    (message,) = items({"role": "user", "content": [element]})
    assert message.parts == (Foreign(WIRE, element),)


@pytest.mark.parametrize(
    "thought",
    [
        {"summary": {"a": 1}},
        {"summary": [{"type": "summary_text", "text": 1}]},
        {"summary": [], "content": [{"type": "other", "text": "x"}]},
        {"summary": [], "encrypted_content": 1},
        {"summary": [], "id": 1},
    ],
)
def test_a_thought_of_another_shape_is_kept_as_it_is(thought: Any) -> None:
    given = {"type": "reasoning", **thought}
    (message,) = items(given)
    assert message.parts == (Foreign(WIRE, given),)


def test_a_prompt_of_the_provider_needs_no_input() -> None:
    document = {"model": "m", "prompt": {"id": "pmpt_1"}}
    assert back(CODEC.read_request(document, NOWHERE)) == document
    empty = {**document, "input": []}
    assert back(CODEC.read_request(empty, NOWHERE)) == empty


def test_a_result_without_a_call_is_kept_as_it_is() -> None:
    event = {"type": "function_call_output", "name": "f", "output": "x"}
    (message,) = items(event)
    assert (message.role, message.parts) == ("user", (Foreign(WIRE, event),))


def test_what_is_put_into_a_message_becomes_an_item_of_its_own() -> None:
    request = CODEC.read_request(CODEX, NOWHERE)
    messages = list(request.messages)
    call, said = messages[3], messages[1]
    messages[3] = msgspec.structs.replace(
        call, parts=(Reasoning(signature="g2", family="openai"), *call.parts, ToolCall("c3", "f"))
    )
    messages[1] = msgspec.structs.replace(
        said, parts=(ToolResult("c0", (Text("r"),), bare=True), *said.parts)
    )
    written = back(msgspec.structs.replace(request, messages=tuple(messages)))["input"]
    assert [item["type"] for item in written if item["type"] != "additional_tools"][:6] == [
        "function_call_output",
        "message",
        "reasoning",
        "reasoning",
        "function_call",
        "function_call",
    ]
    assert CODEX["input"][3] in written


@needs_transcripts
def test_the_pair_of_another_gateway_comes_back() -> None:
    name = "translation-pairs/req.responses.parallel-tool-call.gemini.input.json"
    document = json.loads((FIXTURES / name).read_bytes())
    assert back(CODEC.read_request(document, NOWHERE)) == document
