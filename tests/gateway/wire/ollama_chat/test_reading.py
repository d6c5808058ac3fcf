from typing import Any

import pytest

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    Foreign,
    Image,
    Inline,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.exchange.request import OutputFormat, ReasoningAsk, Request, Tool
from trunkline.gateway.wire.contract import NOWHERE
from trunkline.gateway.wire.ollama_chat.passing import OllamaChat

CODEC = OllamaChat.codec


def read(*messages: Any, **members: Any) -> Request:
    document = {"model": "m", "messages": list(messages) or [{"role": "user"}], **members}
    return CODEC.read_request(document, NOWHERE)


def test_a_request_says_the_same_in_the_internal_form() -> None:
    request = read(
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "what is it?", "images": ["iVBORw0KGgoAAAAN"]},
        options={
            "num_ctx": 8192,
            "num_predict": 50,
            "temperature": 0,
            "top_p": 0.9,
            "top_k": 5,
            "min_p": 0.1,
            "seed": 1,
            "stop": ["a"],
            "repeat_penalty": 1.1,
            "presence_penalty": 0.5,
            "frequency_penalty": 0.6,
            "mirostat": None,
        },
        tools=[
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}},
            {"type": "web"},
        ],
        format={"type": "object"},
        think="high",
        keep_alive="5m",
        logprobs=True,
        top_logprobs=2,
    )
    assert request.stream
    assert [(message.role, message.parts) for message in request.messages] == [
        ("system", (Text("be brief"),)),
        ("user", (Text("what is it?"), Image(Inline("image/png", "iVBORw0KGgoAAAAN")))),
    ]
    assert request.extra == {"options": {"num_ctx": 8192}, "keep_alive": "5m"}
    assert request.max_tokens == 50
    assert request.temperature == 0
    assert (request.top_p, request.top_k, request.min_p, request.seed) == (0.9, 5, 0.1, 1)
    assert request.stop == ("a",)
    assert request.repetition_penalty == 1.1
    assert (request.presence_penalty, request.frequency_penalty) == (0.5, 0.6)
    assert [(tool.name, tool.kind, tool.schema) for tool in request.tools] == [
        ("f", "function", {}),
        ("", "server", None),
    ]
    assert request.output == OutputFormat("json_schema", schema={"type": "object"})
    assert request.reasoning == ReasoningAsk(effort="high")
    assert (request.logprobs, request.top_logprobs) == (True, 2)


@pytest.mark.parametrize("ceiling", [0, -1, -2])
def test_no_ceiling_in_ollamas_words_is_none(ceiling: int) -> None:
    assert read(options={"num_predict": ceiling}).max_tokens is None


@pytest.mark.parametrize(("said", "streams"), [({}, True), ({"stream": False}, False)])
def test_answers_are_streamed_unless_the_request_says_otherwise(
    said: dict[str, Any], streams: bool
) -> None:
    assert read(**said).stream is streams


@pytest.mark.parametrize(("value", "output"), [("", None), ("json", OutputFormat("json"))])
def test_the_format_that_means_any(value: str, output: OutputFormat | None) -> None:
    request = read(format=value)
    assert request.output == output
    assert request.extra == {}


def call(name: str, **others: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": {"a": 1}}, **others}


def test_results_find_their_calls_by_id_by_name_and_by_order() -> None:
    request = read(
        {"role": "assistant", "thinking": "hm", "tool_calls": [call("f"), call("g", id="x")]},
        {"role": "tool", "content": "of g", "tool_name": "g"},
        {"role": "tool", "content": "of f"},
        {"role": "assistant", "tool_calls": [call("f"), call("f"), call("g", id="y")]},
        {"role": "tool", "content": "of y", "tool_call_id": "y"},
        {"role": "tool", "content": "first f", "tool_name": "f"},
        {"role": "tool", "content": "second f"},
        {"role": "tool", "content": "of nothing"},
        {"role": "tool", "content": "of another", "tool_call_id": "z"},
    )
    first, second = request.messages[0], request.messages[3]
    assert first.parts == (
        Reasoning("hm"),
        ToolCall("call_0_0", "f", '{"a":1}'),
        ToolCall("x", "g", '{"a":1}'),
    )
    assert [part.id for part in second.parts if isinstance(part, ToolCall)] == [
        "call_3_0",
        "call_3_1",
        "y",
    ]
    results = [part for m in request.messages for part in m.parts if isinstance(part, ToolResult)]
    assert [(result.call_id, result.parts) for result in results] == [
        ("x", (Text("of g"),)),
        ("call_0_0", (Text("of f"),)),
        ("y", (Text("of y"),)),
        ("call_3_0", (Text("first f"),)),
        ("call_3_1", (Text("second f"),)),
        ("call_result_7", (Text("of nothing"),)),
        ("z", (Text("of another"),)),
    ]


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ("/9j/4AAQSkZJRgABAQ==", Image),
        ("R0lGODlhAQABAIAAAA==", Image),
        ("UklGRiQAAABXRUJQVlA4", Image),
        ("UklGRiQAAABXQVZFZm10", Audio),
        ("SUQzBAAAAAAAI1RTU0U=", Audio),
        ("not base64 at all!!!", Image),
    ],
)
def test_pictures_and_sounds_are_told_apart_by_their_first_bytes(data: str, part: type) -> None:
    (found,) = read({"role": "user", "images": [data]}).messages[0].parts
    assert type(found) is part


def test_a_role_that_nobody_knows_is_kept_for_ollama() -> None:
    control = {"role": "control", "content": "thinking"}
    request = read({"role": "User", "content": "x"}, control)
    assert request.messages[0].role == "user"
    assert request.messages[1].parts == (Foreign("ollama_chat", control),)


def test_what_only_ollama_knows_is_no_loss_where_it_says_nothing() -> None:
    request = read(
        {"role": "user", "content": "x", "images": []},
        tools=[],
        options={},
        format="",
        stream=True,
        keep_alive=None,
    )
    assert request.extra == {}
    assert request.messages[0].extra == {}


def test_arguments_that_were_changed_are_written_as_they_are_now() -> None:
    strange = {"function": {"name": "f", "arguments": "rm -rf"}}
    request = read({"role": "assistant", "content": "x", "tool_calls": [strange]})
    assert request.messages[0].parts[1] == ToolCall("call_0_0", "f", '{"input":"rm -rf"}')
    hidden = tuple(
        ToolCall(part.id, part.name, "{}") if isinstance(part, ToolCall) else part
        for part in request.messages[0].parts
    )
    message = type(request.messages[0])(
        "assistant",
        hidden,
        spelled=request.messages[0].spelled,  # type: ignore[attr-defined, call-arg] # It is of the reader's own kind.
    )
    changed = type(request)(wire="ollama_chat", model="m", messages=(message,))
    written = CODEC.write_request(changed, Destination("m"), Losses())
    assert written["messages"] == [
        {
            "role": "assistant",
            "content": "x",
            "tool_calls": [{"function": {"name": "f", "arguments": {}}}],
        }
    ]


def test_what_a_prompt_of_ours_adds_is_written_too() -> None:
    request = read({"role": "user", "content": "x"})
    request = type(request)(
        wire="ollama_chat",
        model="m",
        messages=(type(request.messages[0]).__mro__[1]("system", (Text("s"),)), *request.messages),
        tools=(Tool("f"),),
    )
    written = CODEC.write_request(request, Destination("m"), Losses())
    assert written == {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({"messages": [{"role": "user"}]}, "model"),
        ({"model": 5, "messages": [{"role": "user"}]}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": "hi"}, "messages"),
        ({"model": "m", "messages": ["hi"]}, "messages[0]"),
        ({"model": "m", "messages": [{}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"model": "m", "messages": [{"role": "user", "images": [1]}]}, "messages[0].images[0]"),
        (
            {"model": "m", "messages": [{"role": "assistant", "tool_calls": [{}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        ({"model": "m", "messages": [{"role": "user"}], "tools": [1]}, "tools[0]"),
        ({"model": "m", "messages": [{"role": "user"}], "options": 1}, "options"),
        ({"model": "m", "messages": [{"role": "user"}], "stream": "yes"}, "stream"),
        ({"model": "m", "messages": [{"role": "user"}], "top_logprobs": 1.5}, "top_logprobs"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(document: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.read_request(document, NOWHERE)
    assert refused.value.param == param
