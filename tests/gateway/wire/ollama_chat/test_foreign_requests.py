from base64 import b64encode
from typing import Any

import pytest

from trunkline.gateway.exchange.destination import Destination, Traits
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.ollama_chat.passing import OllamaChat

CODEC = OllamaChat.codec
HELLO = Message("user", (Text("hello"),), bare=True)
SCHEMA = {"type": "object", "properties": {"city": {"$ref": "#/$defs/c"}}, "$defs": {"c": {}}}


def written(
    *messages: Message, traits: Traits | None = None, **members: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The document for Ollama of a request from elsewhere, and what was lost on the way."""
    request = Request(wire="elsewhere", model="public", messages=messages or (HELLO,), **members)
    losses = Losses()
    target = Destination("llama3", traits=traits or Traits())
    return CODEC.write_request(request, target, losses), losses.names


def says(*parts: Part, role: Any = "user") -> Any:
    """The messages that these parts become."""
    return written(Message(role, parts))[0]["messages"]


def test_every_setting_that_ollama_has_is_carried() -> None:
    document, lost = written(
        stream=True,
        tools=(Tool("weather", description="of a city", schema=SCHEMA), Tool("now")),
        tool_choice=ToolChoice("auto"),
        parallel_tools=True,
        output=OutputFormat("json_schema", name="n", schema=SCHEMA, strict=True),
        answers=1,
        max_tokens=100,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        min_p=0.1,
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        repetition_penalty=1.1,
        stop=("END",),
        logprobs=True,
        top_logprobs=3,
    )
    function = {"name": "weather", "description": "of a city", "parameters": SCHEMA}
    bare = {"name": "now", "parameters": {"type": "object", "properties": {}}}
    assert document == {
        "model": "llama3",
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [
            {"type": "function", "function": function},
            {"type": "function", "function": bare},
        ],
        "options": {
            "temperature": 0.5,
            "top_p": 0.9,
            "min_p": 0.1,
            "repeat_penalty": 1.1,
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
            "top_k": 40,
            "seed": 7,
            "num_predict": 100,
            "stop": ["END"],
        },
        "format": SCHEMA,
        "logprobs": True,
        "top_logprobs": 3,
        "stream": True,
    }
    assert lost == ()


def test_what_ollama_has_no_place_for_is_named() -> None:
    document, lost = written(
        Message("user", (Text("x", cache=CacheMark(), extra={"odd": 1}),), name="Ann"),
        tools=(
            Tool("search", kind="server", native={}, wire="elsewhere"),
            Tool("patch", kind="custom"),
            Tool("now", strict=True, cache=CacheMark(), extra={"defer": 1}),
        ),
        tool_choice=ToolChoice("required", ("now",)),
        parallel_tools=False,
        answers=2,
        logprobs=False,
        logit_bias={"1": 1.0},
        verbosity="low",
        user="u",
        metadata={"a": "b"},
        service_tier="flex",
        prompt_cache_key="k",
        suffix="tail",
        raw_prompt=True,
        extra={"store": True, "empty": []},
    )
    assert lost == (
        "name",
        "cache_control",
        "odd",
        "search",
        "patch",
        "strict",
        "defer",
        "suffix",
        "raw",
        "logit_bias",
        "verbosity",
        "user",
        "metadata",
        "service_tier",
        "prompt_cache_key",
        "n",
        "parallel_tool_calls",
        "tool_choice",
        "store",
    )
    assert document == {
        "model": "llama3",
        "messages": [{"role": "user", "content": "x"}],
        "tools": [
            {
                "type": "function",
                "function": {"name": "now", "parameters": {"type": "object", "properties": {}}},
            }
        ],
        "stream": False,
    }


def test_what_asks_for_nothing_is_no_loss() -> None:
    _, lost = written(service_tier="auto", metadata={}, logit_bias={}, answers=1, top_logprobs=0)
    assert lost == ()


def test_a_model_that_must_not_call_tools_is_shown_none() -> None:
    document, lost = written(tools=(Tool("now"),), tool_choice=ToolChoice("none"))
    assert "tools" not in document
    assert lost == ()


def test_a_conversation_with_tools_keeps_its_order_and_names() -> None:
    messages = written(
        Message("developer", (Text("be brief"), Text("be kind"))),
        Message("user", (Text("weather?"),)),
        Message(
            "assistant",
            (
                Reasoning("let me see", signature="s", family="anthropic"),
                Text("I look."),
                Text(" Wait."),
                ToolCall("c1", "weather", '{"city":"Rome"}'),
                ToolCall("c2", "now", ""),
            ),
        ),
        Message(
            "user",
            (
                Text("and?"),
                ToolResult("c2", (Text("noon"), Text("CET"))),
                ToolResult("c1", (Image(Inline("image/png", "aGk=")),), name="weather"),
            ),
        ),
        Message("assistant", (Refusal("No."),)),
    )[0]["messages"]
    calls = [
        {"id": "c1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Rome"}}},
        {"id": "c2", "function": {"index": 1, "name": "now", "arguments": {}}},
    ]
    assert messages == [
        {"role": "system", "content": "be brief\nbe kind"},
        {"role": "user", "content": "weather?"},
        {
            "role": "assistant",
            "content": "I look. Wait.",
            "thinking": "let me see",
            "tool_calls": calls,
        },
        {"role": "tool", "content": "noon\nCET", "tool_name": "now", "tool_call_id": "c2"},
        {
            "role": "tool",
            "content": "",
            "tool_name": "weather",
            "tool_call_id": "c1",
            "images": ["aGk="],
        },
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": "No."},
    ]


def test_media_go_as_base64_or_not_at_all() -> None:
    text = File(Inline("text/plain", b64encode(b"words").decode()), name="a.txt")
    parts = (
        Image(Inline("image/png", "aGk=")),
        Audio(Inline("audio/wav", "d2F2")),
        text,
        File(Inline("text/plain", "/w==")),
        File(Inline("application/pdf", "cGRm")),
        Image(Link("https://h/p.png")),
        Audio(Link("https://h/p.wav")),
        Foreign("elsewhere", {"type": "server_tool_use"}),
        Foreign("elsewhere", 5),
    )
    document, lost = written(Message("user", parts))
    assert document["messages"] == [
        {"role": "user", "content": "a.txt\nwords", "images": ["aGk=", "d2F2"]}
    ]
    assert lost == ("file", "image", "audio", "server_tool_use", "content")


def test_a_failed_result_is_told_as_a_result_and_the_failure_noted() -> None:
    result = ToolResult(
        "c1",
        (File(Inline("application/pdf", "")), Foreign("elsewhere", {"type": "search_result"})),
        is_error=True,
        cache=CacheMark(),
    )
    document, lost = written(Message("user", (result,), cache=CacheMark(), extra={"odd": 1}))
    assert document["messages"] == [{"role": "tool", "content": "", "tool_call_id": "c1"}]
    assert lost == ("cache_control", "odd", "file", "search_result", "is_error")


def test_a_message_of_nothing_stays_a_message() -> None:
    assert says() == [{"role": "user", "content": ""}]


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (OutputFormat("text"), None),
        (OutputFormat("json"), "json"),
        (OutputFormat("json_schema"), "json"),
        (OutputFormat("json_schema", schema={}), {}),
    ],
)
def test_the_form_of_the_text(output: OutputFormat, told: Any) -> None:
    assert written(output=output)[0].get("format") == told


LEVELS = Traits(thinking="level", efforts=("low", "medium", "high"))
SWITCH = Traits(thinking="switch", thinks_unasked=True)


@pytest.mark.parametrize(
    ("ask", "traits", "told", "lost"),
    [
        (ReasoningAsk(effort="high"), LEVELS, "high", ()),
        (ReasoningAsk(effort="minimal"), LEVELS, "low", ("reasoning_effort",)),
        (ReasoningAsk(effort="xhigh"), Traits(thinking="level"), "high", ()),
        (ReasoningAsk(enabled=True), SWITCH, True, ()),
        (ReasoningAsk(enabled=False), SWITCH, False, ()),
        (ReasoningAsk(effort="none"), SWITCH, False, ()),
        (ReasoningAsk(effort="high"), Traits(), None, ("reasoning",)),
        (ReasoningAsk(enabled=False), Traits(), None, ()),
        (ReasoningAsk(show=True), SWITCH, None, ()),
        (None, SWITCH, None, ()),
    ],
)
def test_how_much_to_think_is_said_as_the_model_takes_it(
    ask: ReasoningAsk | None, traits: Traits, told: Any, lost: tuple[str, ...]
) -> None:
    document, names = written(traits=traits, reasoning=ask)
    assert document.get("think") == told
    assert names == lost


@pytest.mark.parametrize(
    ("letters", "members", "window"),
    [
        (9_000, {}, None),
        (9_300, {}, 8_192),
        (30_000, {}, 16_384),
        (9_000, {"max_tokens": 20_000}, 8_192),
        (9_000_000, {}, 1 << 20),
        (8_000, {"tools": (Tool("t", description="x" * 400, schema={"a": "y" * 2000}),)}, 8_192),
        (8_000, {"output": OutputFormat("json_schema", schema={"a": "y" * 2000})}, 8_192),
    ],
)
def test_the_window_is_large_enough_for_the_request(
    letters: int, members: dict[str, Any], window: int | None
) -> None:
    document, _ = written(Message("user", (Text("x" * letters),)), **members)
    assert document.get("options", {}).get("num_ctx") == window


def test_the_window_has_room_for_everything_in_a_conversation() -> None:
    picture = Image(Inline("image/png", "aGk="))
    parts = (
        picture,
        Reasoning("x" * 900),
        ToolCall("c", "f", "x" * 900),
        ToolResult("c", (picture, Text("x" * 900))),
        File(Inline("text/plain", "eHg=")),
        Foreign("elsewhere", {}),
    )
    document, _ = written(Message("user", parts))
    assert document["options"] == {"num_ctx": 8_192}
