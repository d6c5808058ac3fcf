from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from tests.gateway.wire.cohere_chat.grammar import REQUEST
from tests.gateway.wire.recordings import asked, needs_transcripts
from tests.gateway.wire.shapes import thorough, told

from trunkline.errors import InvalidRequest
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
from trunkline.gateway.wire.cohere_chat.passing import CohereChat
from trunkline.gateway.wire.contract import NOWHERE

CODEC = CohereChat.codec
WIRE = CohereChat.name
HELLO = Message("user", (Text("hello"),), bare=True)
SCHEMA = {"type": "object", "properties": {}}
BUDGET = Traits(thinking="budget", least_budget=1)


@thorough
@given(REQUEST)
def test_what_is_read_is_written_again_and_everything_else_is_refused(document: Any) -> None:
    try:
        request = CODEC.read_request(document, NOWHERE)
    except InvalidRequest:
        return
    losses = Losses()
    written = CODEC.write_request(request, Destination(request.model), losses)
    assert told(written) == told(document)
    assert not losses


@needs_transcripts
@pytest.mark.parametrize("name", ["chat", "stream-chat", "stream-tools"])
def test_recorded_requests_come_out_as_they_went_in(name: str) -> None:
    document = asked(f"cohere/{name}")
    request = CODEC.read_request(document, NOWHERE)
    assert CODEC.write_request(request, Destination(document["model"]), Losses()) == document


def read(*messages: Any, **members: Any) -> Request:
    return CODEC.read_request({"model": "m", "messages": list(messages), **members}, NOWHERE)


def test_a_request_says_the_same_in_the_internal_form() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "null"}}
    image = {"url": "data:image/png;base64,aGk=", "detail": "low"}
    request = read(
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what?"},
                {"type": "image_url", "image_url": image},
                {"type": "image_url", "image_url": {"url": "https://h/p.png"}},
            ],
        },
        {
            "role": "assistant",
            "tool_plan": "I look.",
            "content": [{"type": "thinking", "thinking": "hm"}],
            "tool_calls": [call],
        },
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "document", "document": {}}]},
        tools=[{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        strict_tools=True,
        tool_choice="REQUIRED",
        response_format={"type": "json_object", "json_schema": SCHEMA},
        thinking={"type": "enabled", "token_budget": 500},
        max_tokens=10,
        stop_sequences=["END"],
        temperature=0.3,
        seed=1,
        k=5,
        p=0.9,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        logprobs=True,
        stream=True,
        documents=["d"],
        citation_options={"mode": "FAST"},
    )
    assert [(message.role, message.parts) for message in request.messages] == [
        ("system", (Text("be brief"),)),
        (
            "user",
            (
                Text("what?"),
                Image(Inline("image/png", "aGk="), detail="low"),
                Image(Link("https://h/p.png")),
            ),
        ),
        ("assistant", (Text("I look."), Reasoning("hm"), ToolCall("c1", "f", "{}"))),
        ("user", (ToolResult("c1", (Foreign(WIRE, {"type": "document", "document": {}}),)),)),
    ]
    assert [(tool.name, tool.schema, tool.strict) for tool in request.tools] == [
        ("f", SCHEMA, True)
    ]
    assert request.tool_choice == ToolChoice("required")
    assert request.output == OutputFormat("json_schema", schema=SCHEMA)
    assert request.reasoning == ReasoningAsk(enabled=True, budget=500)
    assert (request.max_tokens, request.stop, request.temperature) == (10, ("END",), 0.3)
    assert (request.seed, request.top_k, request.top_p) == (1, 5, 0.9)
    assert (request.presence_penalty, request.frequency_penalty) == (0.1, 0.2)
    assert (request.logprobs, request.stream) == (True, True)
    assert request.extra == {"documents": ["d"], "citation_options": {"mode": "FAST"}}


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({"messages": [{"role": "user"}]}, "model"),
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": [5]}, "messages[0]"),
        ({"model": "m", "messages": [{"content": "x"}]}, "messages[0].role"),
        ({"model": "m", "messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"model": "m", "messages": [{"role": "tool", "content": "x"}]}, "tool_call_id"),
        ({"model": "m", "messages": [{"role": "user"}], "tools": [5]}, "tools[0]"),
        ({"model": "m", "messages": [{"role": "user"}], "stop_sequences": [5]}, "stop_sequences"),
        ({"model": "m", "messages": [{"role": "user"}], "temperature": "hot"}, "temperature"),
        (
            {"model": "m", "messages": [{"role": "assistant", "tool_calls": [5]}]},
            "messages[0].tool_calls[0].function.name",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(document: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.read_request(document, NOWHERE)
    assert refused.value.param == param


def test_a_role_that_nobody_knows_is_kept_for_cohere() -> None:
    strange = {"role": "critic", "content": "x"}
    assert read(strange).messages[0].parts == (Foreign(WIRE, strange),)


def written(
    *messages: Message, traits: Traits | None = None, **members: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The document for Cohere of a request from elsewhere, and what was lost on the way."""
    request = Request(wire="elsewhere", model="public", messages=messages or (HELLO,), **members)
    losses = Losses()
    target = Destination("command-a", traits=traits or Traits())
    return CODEC.write_request(request, target, losses), losses.names


def test_every_setting_that_cohere_has_is_carried() -> None:
    document, lost = written(
        stream=True,
        tools=(Tool("f", description="d", schema=SCHEMA, strict=True),),
        tool_choice=ToolChoice("required"),
        output=OutputFormat("json_schema", name="n", schema=SCHEMA),
        reasoning=ReasoningAsk(effort="low"),
        traits=BUDGET,
        max_tokens=5_000,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        stop=("END",),
        logprobs=True,
    )
    assert document == {
        "model": "command-a",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 5_000,
        "temperature": 0.5,
        "seed": 7,
        "logprobs": True,
        "p": 0.9,
        "k": 40,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "stop_sequences": ["END"],
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": SCHEMA},
            }
        ],
        "strict_tools": True,
        "tool_choice": "REQUIRED",
        "response_format": {"type": "json_object", "json_schema": SCHEMA},
        "thinking": {"type": "enabled", "token_budget": 2_048},
        "stream": True,
    }
    assert lost == ()


def test_what_cohere_has_no_place_for_is_named() -> None:
    document, lost = written(
        Message("user", (Text("x", cache=CacheMark(), extra={"odd": 1}),), name="Ann"),
        tools=(
            Tool("search", kind="server", native={}, wire="elsewhere"),
            Tool("now", strict=True, cache=CacheMark(), extra={"defer": 1}),
            Tool("then"),
        ),
        parallel_tools=False,
        answers=2,
        top_p=1,
        frequency_penalty=-0.5,
        presence_penalty=2.0,
        min_p=0.1,
        repetition_penalty=1.1,
        top_logprobs=2,
        logit_bias={"1": 1.0},
        verbosity="low",
        user="u",
        metadata={"a": "b"},
        service_tier="flex",
        prompt_cache_key="k",
        suffix="tail",
        raw_prompt=True,
        stop=tuple("abcdef"),
        output=OutputFormat("text"),
        extra={"store": True},
    )
    assert document == {
        "model": "command-a",
        "messages": [{"role": "user", "content": "x"}],
        "p": 0.99,
        "presence_penalty": 1.0,
        "frequency_penalty": 0.0,
        "stop_sequences": ["a", "b", "c", "d", "e"],
        "tools": [
            {"type": "function", "function": {"name": "now", "parameters": SCHEMA}},
            {"type": "function", "function": {"name": "then", "parameters": SCHEMA}},
        ],
        "stream": False,
    }
    assert set(lost) == {
        "name", "cache_control", "odd", "presence_penalty", "frequency_penalty", "stop", "search",
        "defer", "strict", "parallel_tool_calls", "min_p", "repetition_penalty", "top_logprobs",
        "logit_bias", "verbosity", "user", "metadata", "service_tier", "prompt_cache_key", "suffix",
        "n", "raw", "store",
    }  # fmt: skip


def test_what_asks_for_nothing_is_no_loss() -> None:
    document, lost = written(
        service_tier="default",
        min_p=0,
        repetition_penalty=1.0,
        top_logprobs=0,
        answers=1,
        tools=(Tool("patch", kind="custom"),),
        tool_choice=ToolChoice("required"),
        reasoning=ReasoningAsk(budget=-1),
        traits=Traits(thinking="switch"),
    )
    assert lost == ("patch",)
    assert "tools" not in document
    assert document["thinking"] == {"type": "enabled"}


@pytest.mark.parametrize(
    ("choice", "told_choice", "names"),
    [
        (ToolChoice("auto"), None, ["f", "g"]),
        (ToolChoice("none"), "NONE", ["f", "g"]),
        (ToolChoice("required", ("g",)), "REQUIRED", ["g"]),
    ],
)
def test_a_named_tool_is_the_only_one_that_is_told(
    choice: ToolChoice, told_choice: str | None, names: list[str]
) -> None:
    document, lost = written(tools=(Tool("f"), Tool("g")), tool_choice=choice)
    assert document.get("tool_choice") == told_choice
    assert [tool["function"]["name"] for tool in document["tools"]] == names
    assert lost == ()


def test_a_conversation_with_tools_keeps_its_order_and_its_plan() -> None:
    messages = written(
        Message("developer", (Text("be brief"), Text("be kind"))),
        Message("user", (Text("weather?"), Image(Inline("image/png", "aGk="), detail="low"))),
        Message(
            "assistant",
            (
                Reasoning("let me see", signature="s", family="anthropic"),
                Reasoning("", signature="s", redacted=True),
                Text("I look."),
                Text(" Wait."),
                ToolCall("c1", "weather", '{"city":"Rome"}'),
                ToolCall("c2", "now", ""),
            ),
        ),
        Message("user", (Text("and?"), ToolResult("c2", (Text("noon"), Text("CET"))))),
        Message("user", (ToolResult("c1", (Text("sun"),), name="weather"),)),
        Message("assistant", (Refusal("No."), Text(""))),
        Message("assistant", (ToolCall("c3", "now", "5"),)),
        traits=BUDGET,
    )[0]["messages"]
    assert messages == [
        {"role": "system", "content": "be brief\nbe kind"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "weather?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"},
                },
            ],
        },
        {
            "role": "assistant",
            "tool_plan": "I look. Wait.",
            "content": [{"type": "thinking", "thinking": "let me see"}],
            "tool_calls": [
                call("c1", "weather", '{"city":"Rome"}'),
                call("c2", "now", "{}"),
            ],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "noon\nCET"},
        {"role": "user", "content": "and?"},
        {"role": "tool", "tool_call_id": "c1", "content": "sun"},
        # Two messages of one answer, as some wires tell it.
        {"role": "assistant", "tool_plan": "No.", "tool_calls": [call("c3", "now", '{"input":5}')]},
    ]


def call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def test_what_cohere_does_not_take_in_a_message_is_named() -> None:
    text = File(Inline("text/plain", b64encode(b"words").decode()), name="a.txt")
    parts: tuple[Part, ...] = (
        text,
        Image(Upload("file-1")),
        Audio(Inline("audio/wav", "d2F2")),
        File(Link("https://h/f.pdf")),
        Foreign("elsewhere", {"type": "server_tool_use"}),
        Reasoning("hm"),
        ToolResult(
            "c1",
            (Text("x"), Image(Link("https://h/p")), Foreign("elsewhere", {})),
            is_error=True,
            cache=CacheMark(),
        ),
    )
    document, lost = written(Message("user", parts, cache=CacheMark(), extra={"odd": 1}))
    assert document["messages"] == [
        {"role": "tool", "tool_call_id": "c1", "content": "x"},
        {"role": "user", "content": "a.txt\nwords"},
    ]
    assert set(lost) == {
        "cache_control", "odd", "image", "audio", "file", "server_tool_use", "reasoning_content",
        "content", "is_error",
    }  # fmt: skip


def test_a_message_of_nothing_stays_a_message() -> None:
    assert written(Message("user", ()))[0]["messages"] == [{"role": "user", "content": ""}]


@pytest.mark.parametrize(
    ("ask", "traits", "thinking", "lost"),
    [
        (ReasoningAsk(budget=300), BUDGET, {"type": "enabled", "token_budget": 300}, ()),
        (
            ReasoningAsk(enabled=True),
            Traits(thinking="switch", thinks_unasked=True),
            {"type": "enabled"},
            (),
        ),
        (
            ReasoningAsk(effort="none"),
            Traits(thinking="budget", thinks_unasked=True),
            {"type": "disabled"},
            (),
        ),
        (ReasoningAsk(effort="high"), Traits(), None, ("reasoning",)),
        (ReasoningAsk(show=True), BUDGET, None, ()),
    ],
)
def test_how_much_to_think_is_said_as_the_model_takes_it(
    ask: ReasoningAsk, traits: Traits, thinking: Any, lost: tuple[str, ...]
) -> None:
    document, names = written(traits=traits, reasoning=ask)
    assert document.get("thinking") == thinking
    assert names == lost


@pytest.mark.parametrize(
    ("output", "form"),
    [
        (OutputFormat("text"), None),
        (OutputFormat("json"), {"type": "json_object"}),
        (OutputFormat("json_schema"), {"type": "json_object"}),
    ],
)
def test_the_form_of_the_text(output: OutputFormat, form: Any) -> None:
    assert written(output=output)[0].get("response_format") == form


def test_what_a_prompt_of_ours_adds_is_written_too() -> None:
    request = read({"role": "user", "content": "x"})
    request = Request(
        wire=WIRE,
        model="m",
        messages=(Message("system", (Text("s"),)), *request.messages),
        tools=(Tool("f", strict=True),),
    )
    assert CODEC.write_request(request, Destination("m"), Losses()) == {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}],
        "tools": [{"type": "function", "function": {"name": "f", "strict": True}}],
    }
