"""Requests of other wires, written for Anthropic."""

from typing import Any

import msgspec
import pytest
from tests.gateway.wire.anthropic_messages.recorded import pair
from tests.gateway.wire.recordings import needs_transcripts

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination, Quirks, Traits
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Citation,
    Family,
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
    Role,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.anthropic_messages.codec import AnthropicMessagesCodec

CODEC = AnthropicMessagesCodec()
HI = {"role": "user", "content": [{"type": "text", "text": "hi"}]}
LOOK = Tool("look", schema={"type": "object", "properties": {}})
NOTHING = Traits()


def said(role: Role, *parts: Part | str, **members: Any) -> Message:
    return Message(role, tuple(Text(p) if isinstance(p, str) else p for p in parts), **members)


def written(
    *messages: Message,
    traits: Traits = NOTHING,
    family: Family = "anthropic",
    quirks: Quirks | None = None,
    **members: Any,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The document without model and ceiling, and what is lost."""
    request = Request(
        wire="openai_chat", model="alias", messages=messages or (said("user", "hi"),), **members
    )
    destination = Destination(
        "claude", max_output_tokens=32_000, family=family, traits=traits, quirks=quirks or Quirks()
    )
    losses = Losses()
    document = CODEC.write_request(request, destination, losses)
    assert document.pop("model") == "claude"
    assert document.pop("max_tokens") == members.get("max_tokens", 32_000)
    return document, losses.names


def turns(*messages: Message, **members: Any) -> list[dict[str, Any]]:
    document, _ = written(*messages, **members)
    sent: list[dict[str, Any]] = document["messages"]
    return sent


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def use(call_id: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "look", "input": arguments}


def result(call_id: str, content: Any = "fine") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def answered(call_id: str, words: str = "fine") -> ToolResult:
    return ToolResult(call_id, (Text(words),), bare=True)


def test_the_ceiling_is_the_callers_or_the_models() -> None:
    assert written(max_tokens=50) == ({"messages": [HI]}, ())
    assert written() == ({"messages": [HI]}, ())


def test_leading_system_messages_become_the_system_prompt() -> None:
    document, lost = written(
        said("system", "Be short.", cache=CacheMark()),
        said("developer", "Be kind.", Text("And brief.", CacheMark("1h"))),
        said("user", "hi"),
    )
    assert document == {
        "system": [
            {**text("Be short."), "cache_control": {"type": "ephemeral"}},
            text("Be kind."),
            {**text("And brief."), "cache_control": {"type": "ephemeral"}},
        ],
        "messages": [HI],
    }
    assert lost == ("cache_control.ttl",)


def test_a_later_system_message_stands_before_the_answer_that_it_is_for() -> None:
    late = Traits(late_system=True)
    sent = turns(
        said("user", "hi"),
        said("system", "Be short."),
        said("user", "again"),
        said("assistant", "Yes."),
        said("user", "more"),
        said("developer", "Be kind."),
        traits=late,
    )
    assert sent == [
        {"role": "user", "content": [text("hi"), text("again")]},
        {"role": "system", "content": [text("Be short.")]},
        {"role": "assistant", "content": [text("Yes.")]},
        {"role": "user", "content": [text("more")]},
        {"role": "system", "content": [text("Be kind.")]},
    ]


def test_a_later_system_message_is_tagged_where_the_model_does_not_know_it() -> None:
    sent = turns(
        said("user", "hi"),
        said("assistant", "Yes."),
        said("system", "Be short."),
        said("user", "more"),
        said("developer", "Be kind."),
    )
    assert sent == [
        HI,
        {"role": "assistant", "content": [text("Yes.")]},
        {
            "role": "user",
            "content": [
                text("<system>\nBe short.\n</system>"),
                text("more"),
                text("<system>\nBe kind.\n</system>"),
            ],
        },
    ]


def test_a_system_message_after_the_answer_opens_a_turn_of_the_user() -> None:
    sent = turns(
        said("user", "hi"),
        said("assistant", "Yes."),
        said("system", "Go on."),
        traits=Traits(late_system=True),
    )
    assert sent[2:] == [{"role": "user", "content": [text("<system>\nGo on.\n</system>")]}]


def test_a_system_message_behind_an_empty_turn_is_said_by_the_user() -> None:
    sent = turns(
        said("user", "hi"),
        said("assistant", "Yes."),
        said("user", ""),
        said("system", "Go on."),
        traits=Traits(late_system=True),
    )
    assert sent[2:] == [{"role": "user", "content": [text("Go on.")]}]


def test_messages_of_one_role_are_one_turn() -> None:
    sent = turns(
        said("user", "a"),
        said("user", "b"),
        said("assistant", "c"),
        said("assistant", "d"),
        said("user", "e"),
    )
    assert sent == [
        {"role": "user", "content": [text("a"), text("b")]},
        {"role": "assistant", "content": [text("c"), text("d")]},
        {"role": "user", "content": [text("e")]},
    ]


def test_all_results_of_a_turn_open_the_next_one_in_the_order_of_their_calls() -> None:
    sent = turns(
        said("user", "hi"),
        said("assistant", "I look.", ToolCall("a", "look", '{"x":1}'), ToolCall("b", "look")),
        said("user", "Quick!"),
        said("user", answered("b", "two")),
        said("user", answered("a", "one")),
    )
    assert sent[1:] == [
        {"role": "assistant", "content": [text("I look."), use("a", x=1), use("b")]},
        {
            "role": "user",
            "content": [result("a", "one"), result("b", "two"), text("Quick!")],
        },
    ]


def test_a_result_that_comes_late_is_moved_to_its_call() -> None:
    document, lost = written(
        said("user", "hi"),
        said("assistant", ToolCall("a", "look")),
        said("user", "Wait."),
        said("assistant", "I wait."),
        said("user", answered("a")),
    )
    assert document["messages"][1:] == [
        {"role": "assistant", "content": [use("a")]},
        {"role": "user", "content": [result("a"), text("Wait.")]},
        {"role": "assistant", "content": [text("I wait.")]},
    ]
    assert lost == ()


def test_a_missing_result_is_said_to_be_missing() -> None:
    missing = {**result("a", "No result was given for this call."), "is_error": True}
    document, lost = written(
        said("user", "hi"), said("assistant", ToolCall("a", "look")), said("user", "more")
    )
    assert document["messages"][2] == {"role": "user", "content": [missing, text("more")]}
    assert lost == ("missing tool result",)
    document, _ = written(said("user", "hi"), said("assistant", ToolCall("a", "look")))
    assert document["messages"][2:] == [{"role": "user", "content": [missing]}]


def test_a_result_that_answers_no_call_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        written(said("user", "hi"), said("user", answered("a")))
    assert refusal.value.code == "orphan_tool_result"
    assert "'a'" in refusal.value.message


def test_ids_are_reshaped_alike_for_call_and_result_and_stay_distinct() -> None:
    sent = turns(
        said("user", "hi"),
        said("assistant", ToolCall("a.b", "look"), ToolCall("a:b", "look"), ToolCall("", "look")),
        said("user", answered("a:b"), answered("a.b"), answered("")),
    )
    called = [block["id"] for block in sent[1]["content"]]
    assert called == ["a_b_2e7336dc8eba", "a_b_6783a31eabf6", "_e3b0c44298fc"]
    assert [block["tool_use_id"] for block in sent[2]["content"]] == called


def test_an_id_that_comes_again_in_a_later_turn_is_another_one() -> None:
    sent = turns(
        said("user", "hi"),
        said("assistant", ToolCall("call_0", "look")),
        said("user", answered("call_0", "one")),
        said("assistant", ToolCall("call_0", "look")),
        said("user", answered("call_0", "two")),
    )
    first, second = sent[1]["content"][0]["id"], sent[3]["content"][0]["id"]
    assert first == "call_0"
    assert second.startswith("call_0_1_")
    assert sent[2]["content"] == [result(first, "one")]
    assert sent[4]["content"] == [result(second, "two")]


def test_a_call_that_comes_twice_in_one_turn_is_one_call() -> None:
    sent = turns(
        said("user", "hi"),
        said("assistant", ToolCall("a", "look"), ToolCall("a", "look")),
        said("user", answered("a")),
    )
    assert sent[1:] == [
        {"role": "assistant", "content": [use("a")]},
        {"role": "user", "content": [result("a")]},
    ]


@pytest.mark.parametrize(
    ("arguments", "told", "lost"),
    [
        ("", {}, ()),
        ("null", {}, ()),
        ('{"a": 1}', {"a": 1}, ()),
        ('{"a": ', {"input": '{"a": '}, ("arguments",)),
        ("[1]", {"input": [1]}, ("arguments",)),
    ],
)
def test_arguments_are_an_object_whatever_they_were(
    arguments: str, told: dict[str, Any], lost: tuple[str, ...]
) -> None:
    document, found = written(
        said("user", "hi"),
        said("assistant", ToolCall("a", "look", arguments)),
        said("user", answered("a")),
    )
    assert document["messages"][1]["content"] == [use("a", **told)]
    assert found == lost


def test_a_custom_tool_is_a_function_of_one_text() -> None:
    document, lost = written(
        said("user", "hi"),
        said("assistant", ToolCall("a", "patch", "*** Begin", "custom")),
        said("user", answered("a")),
        tools=(Tool("patch", "custom", "Patches.", native={"type": "grammar"}),),
    )
    assert document["tools"] == [
        {
            "name": "patch",
            "description": "Patches.",
            "input_schema": {
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
                "additionalProperties": False,
            },
        }
    ]
    assert document["messages"][1]["content"][0]["input"] == {"input": "*** Begin"}
    assert lost == ("tools.format",)


def test_empty_text_is_left_out() -> None:
    sent = turns(
        said("user", "", "hi", "  \n"),
        said("assistant", ""),
        said("user", "  "),
        said("assistant", "Yes."),
        said("user", "more"),
    )
    assert sent == [
        HI,
        {"role": "assistant", "content": [text("Yes.")]},
        {"role": "user", "content": [text("more")]},
    ]


def test_the_beginning_of_an_answer_ends_without_spaces() -> None:
    sent = turns(said("user", "hi"), said("assistant", "It is \n", "  "))
    assert sent[1:] == [{"role": "assistant", "content": [text("It is")]}]
    picture = Image(Link("https://example.com/a.png"))
    sent = turns(said("user", "hi"), said("assistant", picture, "\t"))
    assert [block["type"] for block in sent[1]["content"]] == ["image"]


def test_the_end_of_an_answer_loses_nothing_but_spaces() -> None:
    blocks = [text("a "), text("b ")]
    from_end = turns(said("user", "hi"), said("assistant", "a ", "b "))[1]["content"]
    assert from_end == [blocks[0], text("b")]


def test_nothing_that_could_be_answered_is_refused() -> None:
    for messages in ((said("system", "Be short."),), (said("user", " "),)):
        with pytest.raises(InvalidRequest) as refusal:
            written(*messages)
        assert refusal.value.code == "missing_messages"


def test_a_turn_of_which_everything_is_lost_says_so() -> None:
    document, lost = written(said("user", Audio(Inline("audio/wav", "aGk="))))
    assert document["messages"] == [
        {"role": "user", "content": [text("[the content of this turn was left out]")]}
    ]
    assert lost == ("audio",)


def test_pictures_and_documents_have_their_blocks() -> None:
    document, lost = written(
        said(
            "user",
            Image(Inline("image/png", "aGk="), "high"),
            Image(Inline("application/pdf", "aGk=")),
            Image(Link("https://example.com/a.png")),
            File(Inline("application/pdf", "aGk="), "a.pdf"),
            File(Inline("image/JPEG; q=1", "aGk="), "a.jpg"),
            File(Inline("text/markdown", "IyBIaQ=="), "a.md", CacheMark()),
            File(Link("https://example.com/a.pdf")),
        )
    )
    inline = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
    assert document["messages"][0]["content"] == [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
        },
        {"type": "document", "source": inline},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": inline, "title": "a.pdf"},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/jpeg", "data": "aGk="},
        },
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "# Hi"},
            "title": "a.md",
            "cache_control": {"type": "ephemeral"},
        },
        {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    ]
    assert lost == ()


def test_what_cannot_be_shown_is_noted() -> None:
    document, lost = written(
        said(
            "user",
            "hi",
            Image(Inline("image/heic", "aGk=")),
            Image(Upload("file_1")),
            File(Inline("application/zip", "/w==")),
            Audio(Inline("audio/wav", "aGk=")),
            Foreign("gemini", {"executableCode": {}}),
            Foreign("openai_responses", {"type": "web_search_call"}),
        )
    )
    assert document["messages"] == [HI]
    assert lost == ("image", "file", "audio", "content", "web_search_call")


def test_addresses_are_not_sent_to_who_does_not_fetch_them() -> None:
    quirks = Quirks(fetches=False, fetches_from=("https://files.example.com/",))
    known, unknown = "https://files.example.com/a.png", "https://example.com/a.png"
    document, lost = written(said("user", Image(Link(known)), Image(Link(unknown))), quirks=quirks)
    assert document["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": known}}
    ]
    assert lost == ("image",)


def test_a_result_may_hold_pictures_and_say_that_it_failed() -> None:
    picture = Image(Inline("image/png", "aGk="))
    sent = turns(
        said("user", "hi"),
        said("assistant", ToolCall("a", "look"), ToolCall("b", "look")),
        said(
            "user",
            ToolResult("a", (Text("Here."), picture), is_error=True, cache=CacheMark("5m")),
            ToolResult("b", (Text(""),), bare=True),
        ),
    )
    assert sent[2]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [
                text("Here."),
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
                },
            ],
            "is_error": True,
            "cache_control": {"type": "ephemeral", "ttl": "5m"},
        },
        {"type": "tool_result", "tool_use_id": "b"},
    ]


def test_thought_goes_back_to_those_who_can_read_it() -> None:
    parts = (
        Reasoning("Hm.", "sig", "anthropic"),
        Reasoning(signature="sealed", family="anthropic", redacted=True),
        ToolCall("a", "look"),
    )
    messages = (said("user", "hi"), said("assistant", *parts), said("user", answered("a")))
    document, lost = written(*messages)
    assert document["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "sealed"},
        use("a"),
    ]
    assert lost == ()
    document, lost = written(*messages, family="other")
    assert document["messages"][1]["content"] == [use("a")]
    assert lost == ("reasoning content",)


def test_thought_that_is_not_signed_for_anthropic_stays_here() -> None:
    document, lost = written(
        said("user", "hi"),
        said("assistant", Reasoning("Hm."), Reasoning("Ha.", "sig", "openai"), "Yes."),
        said("user", "more"),
    )
    assert document["messages"][1]["content"] == [text("Yes.")]
    assert lost == ("reasoning content",)


def test_refusals_are_text_and_citations_are_those_of_this_wire() -> None:
    own = {"type": "char_location", "cited_text": "a"}
    document, lost = written(
        said("user", "hi"),
        said(
            "assistant",
            Refusal("I cannot."),
            Refusal(""),
            Text("See.", citations=(Citation(wire="anthropic_messages", native=own),)),
            Text("There.", citations=(Citation(url="https://example.com"),)),
        ),
        said("user", "more"),
    )
    assert document["messages"][1]["content"] == [
        text("I cannot."),
        {**text("See."), "citations": [own]},
        text("There."),
    ]
    assert lost == ("citations",)


def test_the_last_four_marks_stay() -> None:
    tool = msgspec.structs.replace(LOOK, cache=CacheMark("1h"))
    document, lost = written(
        said("system", Text("s", CacheMark())),
        said("user", Text("a", CacheMark("5m")), "b", cache=CacheMark()),
        said("assistant", ToolCall("c", "look", cache=CacheMark())),
        said("user", ToolResult("c", (Text("d", CacheMark("1h")),), bare=True)),
        tools=(tool,),
    )
    short = {"type": "ephemeral"}
    assert document == {
        "tools": [{"name": "look", "input_schema": {"type": "object", "properties": {}}}],
        "system": [text("s")],
        "messages": [
            {
                "role": "user",
                "content": [
                    {**text("a"), "cache_control": {"type": "ephemeral", "ttl": "5m"}},
                    {**text("b"), "cache_control": short},
                ],
            },
            {"role": "assistant", "content": [{**use("c"), "cache_control": short}]},
            {
                "role": "user",
                "content": [result("c", [{**text("d"), "cache_control": short}])],
            },
        ],
    }
    assert lost == ("cache_control", "cache_control.ttl")


def test_tools_are_written_with_their_whole_schema() -> None:
    schema = {"type": "object", "$defs": {"a": {}}, "properties": {"a": {"$ref": "#/$defs/a"}}}
    document, lost = written(
        tools=(
            Tool("a", description="A.", schema=schema, cache=CacheMark(), extra={"odd": 1}),
            Tool("b"),
            Tool("c", schema={"properties": {}}),
            Tool("d", schema={"type": "object", "minProperties": 1}, strict=True),
            Tool("web_search", "server", native={"type": "web_search"}, wire="openai_responses"),
        )
    )
    assert document["tools"] == [
        {
            "name": "a",
            "description": "A.",
            "input_schema": schema,
            "cache_control": {"type": "ephemeral"},
        },
        {"name": "b", "input_schema": {"type": "object", "properties": {}}},
        {"name": "c", "input_schema": {"type": "object", "properties": {}}},
        {
            "name": "d",
            "input_schema": {
                "type": "object",
                "additionalProperties": False,
                "description": "{minProperties: 1}",
            },
            "strict": True,
        },
    ]
    assert lost == ("odd", "web_search")


@pytest.mark.parametrize(
    ("choice", "parallel", "told"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), True, {"type": "auto"}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("required", ("look",)), None, {"type": "tool", "name": "look"}),
        (ToolChoice("required", ("look", "see")), None, {"type": "any"}),
    ],
)
def test_a_choice_of_tools_has_its_own_words(
    choice: ToolChoice | None, *, parallel: bool | None, told: dict[str, Any] | None
) -> None:
    document, _ = written(
        tools=(LOOK, Tool("see"), Tool("hear")), tool_choice=choice, parallel_tools=parallel
    )
    assert document.get("tool_choice") == told
    only = choice is not None and len(choice.names) > 1
    names = [tool["name"] for tool in document["tools"]]
    assert names == (["look", "see"] if only else ["look", "see", "hear"])


def test_a_choice_without_tools_means_nothing() -> None:
    choice = ToolChoice("required")
    assert written(tool_choice=choice, parallel_tools=False) == ({"messages": [HI]}, ())


def test_a_schema_of_the_answer_is_told_without_what_is_refused() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    document, lost = written(output=OutputFormat("json_schema", "a", schema, strict=True))
    assert document["output_config"] == {
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}},
                "additionalProperties": False,
            },
        }
    }
    assert lost == ()


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    document, lost = written(output=OutputFormat("json"))
    assert document["system"] == [
        text("Answer with one JSON object and nothing else, without a code fence.")
    ]
    assert lost == ("response_format",)
    assert written(output=OutputFormat("text")) == ({"messages": [HI]}, ())


BUDGET = Traits(thinking="budget")
ADAPTIVE = Traits(thinking="adaptive", efforts=("low", "high"))
UNASKED = Traits(thinking="adaptive", thinks_unasked=True)
BETWEEN = Traits(thinking="adaptive", thinks_unasked=True, refuses=frozenset({"disabled_thinking"}))
ALWAYS = Traits(thinking="adaptive", efforts=("low",), thinks_unasked=True, thinks_always=True)


@pytest.mark.parametrize(
    ("ask", "traits", "told"),
    [
        (
            ReasoningAsk(effort="low"),
            BUDGET,
            {"thinking": {"type": "enabled", "budget_tokens": 2_048}},
        ),
        (
            ReasoningAsk(budget=5_000, show=False),
            BUDGET,
            {"thinking": {"type": "enabled", "budget_tokens": 5_000, "display": "omitted"}},
        ),
        (
            ReasoningAsk(effort="low"),
            Traits(thinking="switch"),
            {"thinking": {"type": "enabled", "budget_tokens": 10_000}},
        ),
        (ReasoningAsk(effort="none"), BUDGET, {}),
        (
            ReasoningAsk(effort="medium"),
            ADAPTIVE,
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "high"},
            },
        ),
        (
            ReasoningAsk(enabled=True, show=False),
            ADAPTIVE,
            {"thinking": {"type": "adaptive", "display": "omitted"}},
        ),
        (ReasoningAsk(show=True), ADAPTIVE, {}),
        (ReasoningAsk(enabled=False), UNASKED, {"thinking": {"type": "disabled"}}),
        (ReasoningAsk(enabled=False), BETWEEN, {"thinking": {"type": "between_tools"}}),
        (
            ReasoningAsk(enabled=False),
            ALWAYS,
            {
                "thinking": {"type": "adaptive", "display": "summarized"},
                "output_config": {"effort": "low"},
            },
        ),
        (ReasoningAsk(effort="low"), Traits(), {}),
    ],
)
def test_thinking_is_asked_for_as_the_model_takes_it(
    ask: ReasoningAsk, traits: Traits, told: dict[str, Any]
) -> None:
    document, _ = written(reasoning=ask, traits=traits)
    assert document == {**told, "messages": [HI]}


def test_a_schema_and_an_effort_share_their_member() -> None:
    document, _ = written(
        reasoning=ReasoningAsk(effort="high"),
        traits=ADAPTIVE,
        output=OutputFormat("json_schema", schema={"type": "string"}),
    )
    assert document["output_config"] == {
        "format": {"type": "json_schema", "schema": {"type": "string"}},
        "effort": "high",
    }


def test_settings_that_the_wire_knows_are_carried() -> None:
    document, lost = written(
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        stop=("END", "  "),
        user="u1",
        service_tier="default",
    )
    assert document == {
        "messages": [HI],
        "stream": True,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u1"},
        "service_tier": "standard_only",
    }
    assert lost == ("stop",)


def test_settings_that_the_wire_does_not_know_are_noted() -> None:
    document, lost = written(
        temperature=1.5,
        stop=(" ",),
        seed=1,
        answers=2,
        presence_penalty=0.5,
        frequency_penalty=0,
        logprobs=True,
        logit_bias={"5": 1.0},
        verbosity="low",
        metadata={"a": "b"},
        prompt_cache_key="k",
        service_tier="flex",
        raw_prompt=True,
        extra={"store": True, "modalities": [], "prediction": None},
    )
    assert document == {"messages": [HI], "temperature": 1}
    assert lost == (
        "temperature",
        "stop",
        "seed",
        "presence_penalty",
        "logprobs",
        "logit_bias",
        "verbosity",
        "n",
        "metadata",
        "prompt_cache_key",
        "service_tier",
        "raw",
        "store",
    )


def test_names_and_members_of_messages_are_noted() -> None:
    document, lost = written(
        said("user", Text("hi", extra={"odd": 1}), name="Ann", extra={"x": 2, "role": "user"})
    )
    assert document["messages"] == [HI]
    assert lost == ("name", "x", "odd")


def test_a_gap_cannot_be_filled() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        written(suffix="end")
    assert (refusal.value.code, refusal.value.param) == ("unsupported_parameter", "suffix")


def test_what_the_provider_does_not_take_is_left_out() -> None:
    document, lost = written(user="u1", quirks=Quirks(refuses=frozenset({"metadata", "system"})))
    assert document == {"messages": [HI]}
    assert lost == ("metadata",)


@needs_transcripts
def test_calls_and_results_agree_with_another_gateway_but_for_the_results_in_one_turn() -> None:
    asked, told = pair("req.completions.tool-call.anthropic")
    calls = asked["messages"][1]["tool_calls"]
    sent = turns(
        said("user", asked["messages"][0]["content"]),
        said(
            "assistant",
            *(
                ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in calls
            ),
        ),
        *(
            said("user", answered(message["tool_call_id"], message["content"]))
            for message in asked["messages"][2:]
        ),
    )
    # The other gateway sends each result in a turn of its own, which Anthropic warns against.
    theirs = told["request"]["messages"]
    one = {"role": "user", "content": [*theirs[2]["content"], *theirs[3]["content"]]}
    assert sent == [*theirs[:2], one]


@needs_transcripts
def test_a_picture_agrees_with_another_gateway() -> None:
    asked, told = pair("req.completions.image-url.anthropic")
    words, picture = asked["messages"][0]["content"]
    sent = turns(said("user", words["text"], Image(Link(picture["image_url"]["url"]))))
    assert sent == told["request"]["messages"]


@needs_transcripts
def test_an_effort_agrees_with_another_gateway_but_for_the_number_of_tokens() -> None:
    asked, told = pair("req.completions.reasoning.anthropic")
    document, _ = written(
        said("user", asked["messages"][0]["content"]),
        reasoning=ReasoningAsk(effort=asked["reasoning_effort"]),
        traits=BUDGET,
    )
    theirs = {name: told["request"][name] for name in ("messages", "thinking")}
    # Nobody has fixed how many tokens an effort is; ours is the larger number.
    theirs["thinking"]["budget_tokens"] = 10_000
    assert document == theirs
