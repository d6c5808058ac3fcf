"""Requests of other wires, written for a provider that speaks this one."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from tests.gateway.wire.openai_chat.grammar import REQUEST
from tests.gateway.wire.shapes import thorough

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination, Quirks, Traits
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
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
from trunkline.gateway.wire.openai_responses.codec import ResponsesCodec

CODEC = ResponsesCodec()
OPENAI = Destination("up", family="openai", traits=Traits(thinking="effort"))
PLAIN = Destination("up")


def user(*parts: Any) -> Message:
    return Message("user", parts)


def model(*parts: Any) -> Message:
    return Message("assistant", parts)


def asked(*messages: Message, wire: str = "anthropic_messages", **members: Any) -> Request:
    return Request(wire=wire, model="m", messages=messages or (user(Text("hi")),), **members)


def write(request: Request, destination: Destination = PLAIN) -> tuple[dict[str, Any], Losses]:
    losses = Losses()
    return CODEC.write_request(request, destination, losses), losses


def items(*messages: Message, destination: Destination = OPENAI, **members: Any) -> Any:
    document, losses = write(asked(*messages, **members), destination)
    return document["input"], set(losses.names)


def said(text: str, role: str = "user") -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def answered(text: str) -> dict[str, Any]:
    element = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "role": "assistant", "content": [element]}


def test_a_conversation_is_written_whole() -> None:
    document, losses = write(
        asked(
            Message("system", (Text("Be."),)),
            Message("developer", (Text("Brief."),)),
            user(Text("a"), Image(Inline("image/png", "AA=="), "low")),
            model(
                Reasoning("short", "gAAA", "openai", "rs_1", summary=True),
                Text("Looking."),
                ToolCall("c1", "f", '{"a":1}'),
                ToolCall("c2", "patch", "*** Begin", "custom"),
            ),
            user(
                ToolResult("c1", (Text("one"),)),
                ToolResult("c2", (Text("two"), Image(Link("https://x.test/a.png")))),
                Text("go on"),
            ),
            tools=(Tool("f", schema={"type": "object"}), Tool("patch", "custom")),
        ),
        OPENAI,
    )
    assert not losses
    assert document == {
        "model": "up",
        "instructions": "Be.\n\nBrief.",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "a"},
                    {
                        "type": "input_image",
                        "detail": "low",
                        "image_url": "data:image/png;base64,AA==",
                    },
                ],
            },
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "short"}],
                "encrypted_content": "gAAA",
            },
            answered("Looking."),
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
            {
                "type": "custom_tool_call",
                "call_id": "c2",
                "name": "patch",
                "input": "*** Begin",
            },
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {
                "type": "custom_tool_call_output",
                "call_id": "c2",
                "output": [
                    {"type": "input_text", "text": "two"},
                    {
                        "type": "input_image",
                        "detail": "auto",
                        "image_url": "https://x.test/a.png",
                    },
                ],
            },
            said("go on"),
        ],
        "store": False,
        "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
            {"type": "custom", "name": "patch"},
        ],
        "include": ["reasoning.encrypted_content"],
    }


def test_settings_are_written_under_their_names_here() -> None:
    document, losses = write(
        asked(
            stream=True,
            max_tokens=99,
            temperature=0.5,
            top_p=0.9,
            logprobs=True,
            top_logprobs=3,
            user="u",
            metadata={"a": "b"},
            service_tier="flex",
            prompt_cache_key="k",
            verbosity="low",
            parallel_tools=False,
            tools=(Tool("f", strict=True),),
            tool_choice=ToolChoice("required", ("f",)),
            output=OutputFormat("json_schema", None, {"type": "object"}, strict=True),
            reasoning=ReasoningAsk(effort="high", show=True),
        ),
        OPENAI,
    )
    assert not losses
    del document["input"]
    assert document == {
        "model": "up",
        "store": False,
        "stream": True,
        "tools": [
            {
                "type": "function",
                "name": "f",
                "parameters": {"type": "object", "properties": {}},
                "strict": True,
            }
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "max_output_tokens": 99,
        "temperature": 0.5,
        "top_p": 0.9,
        "user": "u",
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "text": {
            "format": {
                "type": "json_schema",
                "schema": {"type": "object"},
                "name": "answer",
                "strict": True,
            },
            "verbosity": "low",
        },
        "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "top_logprobs": 3,
    }


def test_what_the_api_has_no_setting_for_is_noted() -> None:
    document, losses = write(
        asked(
            answers=2,
            seed=1,
            presence_penalty=0.5,
            frequency_penalty=0.5,
            repetition_penalty=2.0,
            logit_bias={"1": 1.0},
            suffix="x",
            stop=("a",),
            top_k=3,
            min_p=0.1,
            extra={"odd": 1},
        )
    )
    assert set(losses.names) == {
        "n",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "repetition_penalty",
        "logit_bias",
        "suffix",
        "stop",
        "top_k",
        "min_p",
        "odd",
    }
    assert document.keys() == {"model", "input", "store"}


def test_what_asks_for_nothing_is_no_loss() -> None:
    _, losses = write(asked(answers=1, presence_penalty=0, frequency_penalty=0.0, logit_bias={}))
    assert not losses


def test_a_provider_may_take_more_and_less_than_the_api() -> None:
    quirks = Quirks(takes=frozenset({"top_k"}), refuses=frozenset({"user", "verbosity"}))
    document, losses = write(
        asked(top_k=3, user="u", verbosity="low"), msgspec.structs.replace(PLAIN, quirks=quirks)
    )
    assert (document["top_k"], "user" in document, "text" in document) == (3, False, False)
    assert set(losses.names) == {"user", "verbosity"}


@pytest.mark.parametrize(
    ("ask", "reasoning"),
    [
        (ReasoningAsk(enabled=False), {"effort": "none"}),
        (ReasoningAsk(budget=0), {"effort": "none"}),
        (ReasoningAsk(budget=12_000), {"effort": "high"}),
        (ReasoningAsk(enabled=True), None),
        (
            ReasoningAsk(effort="low", summary="detailed", show=True),
            {"effort": "low", "summary": "detailed"},
        ),
    ],
)
def test_how_much_to_think_is_an_effort(ask: ReasoningAsk, reasoning: Any) -> None:
    assert write(asked(reasoning=ask))[0].get("reasoning") == reasoning


def test_thought_of_another_maker_and_thought_that_nothing_follows_are_left_out() -> None:
    listed, lost = items(
        user(Text("a")),
        model(
            Reasoning("hm", "sig", "anthropic"), Text("b"), Reasoning("", "gA", "openai", "rs_2")
        ),
        user(Text("c")),
        model(Reasoning("", "gB", "openai"), Text("d")),
    )
    assert listed == [
        said("a"),
        answered("b"),
        said("c"),
        {
            "type": "reasoning",
            "id": "rs_gB",
            "summary": [],
            "encrypted_content": "gB",
        },
        answered("d"),
    ]
    assert lost == {"reasoning content"}


def test_a_thought_of_several_texts_is_one_item() -> None:
    listed, _ = items(
        user(Text("a")),
        model(
            Reasoning("one", id="rs_1", summary=True),
            Reasoning("two", "gA", "openai", "rs_1", summary=True),
            Reasoning("three", "gB", "openai", "rs_2", summary=True),
            Text("b"),
        ),
    )
    assert [len(item["summary"]) for item in listed if item["type"] == "reasoning"] == [2, 1]


def test_late_orders_stay_in_their_place() -> None:
    listed, _ = items(user(Text("a")), Message("system", (Text("Be."),)))
    assert listed == [said("a"), said("Be.", "system")]
    knows = msgspec.structs.replace(OPENAI, quirks=Quirks(developer_role=True))
    listed, _ = items(user(Text("a")), Message("system", (Text("Be."),)), destination=knows)
    assert listed == [said("a"), said("Be.", "developer")]


def test_every_call_has_its_output_and_only_one() -> None:
    listed, lost = items(
        user(Text("a")),
        model(ToolCall("c1", "f"), ToolCall("c1", "f"), ToolCall("c2", "g", "null")),
        user(ToolResult("c1", (Text("one"),), is_error=True), ToolResult("c1", (Text("again"),))),
    )
    assert listed[1:] == [
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": "No result was given for this call.",
        },
    ]
    assert lost == {"is_error", "missing tool result"}


def test_ids_that_are_too_long_are_shortened_alike_for_calls_and_results() -> None:
    long = "call_" + "x" * 80
    listed, _ = items(
        user(Text("a")),
        model(ToolCall(long + "1", "f"), ToolCall(long + "2", "f")),
        user(ToolResult(long + "2"), ToolResult(long + "1")),
    )
    ids = [item["call_id"] for item in listed[1:]]
    assert ids == [ids[0], ids[1], ids[1], ids[0]]
    assert ids[0] != ids[1]
    assert max(map(len, ids)) <= 64


def test_a_result_without_its_call_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        items(user(ToolResult("c1")))
    assert (refused.value.code, refused.value.param) == ("orphan_tool_result", "messages")


def test_a_conversation_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        items(user(Foreign("gemini", {"executableCode": {}})))
    assert refused.value.code == "missing_messages"


@pytest.mark.parametrize(
    ("part", "element"),
    [
        (Refusal("no"), {"type": "input_text", "text": "no"}),
        (
            File(Inline("application/pdf", "aGk="), "a.pdf"),
            {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,aGk=",
            },
        ),
        (
            File(Inline("application/pdf", "aGk=")),
            {
                "type": "input_file",
                "filename": "file.pdf",
                "file_data": "data:application/pdf;base64,aGk=",
            },
        ),
        (
            File(Link("https://x.test/a.pdf")),
            {"type": "input_file", "file_url": "https://x.test/a.pdf"},
        ),
    ],
)
def test_parts_of_what_people_say_have_their_elements(part: Any, element: Any) -> None:
    listed, lost = items(user(part))
    assert (listed[0]["content"], lost) == ([element], set())


def test_files_of_openai_are_known_to_openai_alone() -> None:
    files = user(Text("a"), File(Upload("file-1")), Image(Upload("file-2")))
    listed, lost = items(files, wire="openai_chat")
    assert [e.get("file_id") for e in listed[0]["content"]] == [None, "file-1", "file-2"]
    assert lost == set()
    for wire, destination in (
        ("anthropic_messages", OPENAI),
        ("openai_chat", msgspec.structs.replace(OPENAI, family="other")),
    ):
        listed, lost = items(files, wire=wire, destination=destination)
        assert len(listed[0]["content"]) == 1
        assert lost == {"file", "image"}


def test_what_has_no_place_is_noted() -> None:
    listed, lost = items(
        Message(
            "user",
            (
                Text("a", cache=CacheMark(), extra={"odd": 1}),
                Audio(Inline("audio/wav", "aGk=")),
                Image(Link("https://x.test")),
                Foreign("gemini", {"type": "strange"}),
                Foreign("gemini", 7),
            ),
            name="n",
            cache=CacheMark(),
            extra={"weight": 1},
        ),
        model(Text(""), Text("b"), Refusal("no"), Image(Link("x")), Foreign("gemini", {})),
        destination=msgspec.structs.replace(OPENAI, quirks=Quirks(fetches=False)),
    )
    assert listed == [
        said("a"),
        {
            "type": "message",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "b", "annotations": []},
                {"type": "refusal", "refusal": "no"},
            ],
        },
    ]
    assert lost == {
        "cache_control",
        "odd",
        "audio",
        "image",
        "strange",
        "content",
        "name",
        "weight",
    }


def test_tools_that_run_elsewhere_and_marks_on_tools_are_noted() -> None:
    document, losses = write(
        asked(
            tools=(
                Tool("web_search", "server", native={}),
                Tool("f", cache=CacheMark(), extra={"odd": 1}),
                Tool(
                    "patch",
                    "custom",
                    "Patches.",
                    native={
                        "format": {
                            "type": "grammar",
                            "grammar": {"syntax": "lark", "definition": "x"},
                        }
                    },
                ),
            ),
            tool_choice=ToolChoice("required", ("f", "patch")),
        )
    )
    assert document["tools"][1] == {
        "type": "custom",
        "name": "patch",
        "description": "Patches.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
    }
    assert document["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "patch"}],
    }
    assert set(losses.names) == {"tools.web_search", "cache_control", "odd"}


def test_openai_has_a_least_ceiling_and_short_ids_of_people() -> None:
    document, _ = write(asked(max_tokens=1, user="x" * 65), OPENAI)
    assert (document["max_output_tokens"], len(document["user"])) == (16, 64)
    assert write(asked(max_tokens=1), PLAIN)[0]["max_output_tokens"] == 1


@thorough
@given(document=REQUEST)
def test_every_chat_is_written_or_refused(document: Any) -> None:
    try:
        request = ChatCodec().read_request(document, NOWHERE)
        msgspec.json.encode(write(request, OPENAI)[0])
    except InvalidRequest:
        return
