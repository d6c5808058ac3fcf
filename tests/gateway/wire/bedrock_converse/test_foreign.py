"""Requests of other wires as Converse takes them, and what is said to be lost on the way."""

import json
from typing import Any

import pytest
from tests.gateway.wire.bedrock_converse.recorded import CLAUDE, FIXTURES, written

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination, Traits
from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Citation,
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

NOVA = Destination("us.amazon.nova-pro-v1:0", family="other")
LLAMA = Destination("us.meta.llama4-scout-17b-instruct-v1:0", family="other")
PNG = Inline("image/png", "aGk=")
PDF = Inline("application/pdf", "aGk=")
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOL = Tool("f", description="d", schema=SCHEMA)
HELLO = Message("user", (Text("Hello."),))


def say(role: Role, *parts: Part | str, **more: Any) -> Message:
    return Message(role, tuple(Text(p) if isinstance(p, str) else p for p in parts), **more)


def asked(*messages: Message, **more: Any) -> Request:
    return Request(wire="openai_chat", model="m", messages=messages or (HELLO,), **more)


def turns(*messages: Message, to: Destination | None = None) -> tuple[list[Any], tuple[str, ...]]:
    document, losses = written(asked(*messages), to)
    return document["messages"], losses


def result(call_id: str, *content: Any, **more: Any) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": call_id, "content": list(content), **more}}


def used(call_id: str, name: str = "f", **given: Any) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": call_id, "name": name, "input": given}}


def test_the_smallest_request_is_only_its_message() -> None:
    assert written(asked()) == (
        {"messages": [{"role": "user", "content": [{"text": "Hello."}]}]}, (),
    )  # fmt: skip


def test_leading_system_prompts_stand_in_their_own_place() -> None:
    marked = Text("B", cache=CacheMark("5m"))
    document, losses = written(
        asked(say("system", "A"), say("developer", marked, Image(PNG)), HELLO)
    )
    assert document["system"] == [
        {"text": "A"}, {"text": "B"}, {"cachePoint": {"type": "default"}},
    ]  # fmt: skip
    assert losses == ("image",)


def test_a_later_system_prompt_is_said_by_the_user_unless_the_model_takes_it() -> None:
    late = (HELLO, say("system", "Be brief."))
    told = {"text": "<system>\nBe brief.\n</system>"}
    assert turns(*late)[0] == [{"role": "user", "content": [{"text": "Hello."}, told]}]
    able = Destination(CLAUDE, family="anthropic", traits=Traits(late_system=True))
    assert turns(*late, to=able)[0] == [
        {"role": "user", "content": [{"text": "Hello."}]},
        {"role": "system", "content": [{"text": "Be brief."}]},
    ]


def test_a_later_system_prompt_never_comes_between_a_call_and_its_result() -> None:
    able = Destination(CLAUDE, family="anthropic", traits=Traits(late_system=True))
    found, losses = turns(
        HELLO,
        say("assistant", ToolCall("c", "f")),
        say("system", "Now."),
        say("user", ToolResult("c", (Text("1"),))),
        to=able,
    )
    told = {"text": "<system>\nNow.\n</system>"}
    assert found[2:] == [{"role": "user", "content": [result("c", {"text": "1"}), told]}]
    assert losses == ()


def test_neighbours_of_one_role_become_one_turn_with_results_first() -> None:
    found, losses = turns(
        say("user", "A"),
        say("user", "B"),
        say("assistant", "C", ToolCall("c1", "f", '{"a": 1}')),
        say("assistant", ToolCall("c2", "g", "null")),
        say("user", "D"),
        say("user", ToolResult("c2", (Text("2"),), is_error=True)),
        say("user", ToolResult("c1", ())),
    )
    assert found == [
        {"role": "user", "content": [{"text": "A"}, {"text": "B"}]},
        {"role": "assistant", "content": [{"text": "C"}, used("c1", a=1), used("c2", "g")]},
        {
            "role": "user",
            "content": [
                result("c2", {"text": "2"}, status="error"),
                result("c1", {"text": "(no output)"}),
                {"text": "D"},
            ],
        },
    ]
    assert losses == ()


def test_nothing_blank_is_sent_and_no_answer_to_continue_ends_in_blanks() -> None:
    found, losses = turns(
        say("user", "A", "  \n"), say("assistant", ""), say("user", "B"), say("assistant", "C \n")
    )
    assert found == [
        {"role": "user", "content": [{"text": "A"}, {"text": "B"}]},
        {"role": "assistant", "content": [{"text": "C"}]},
    ]
    assert losses == ()


@pytest.mark.parametrize("messages", [(say("user", " "),), (say("assistant", "A"), HELLO)])
def test_the_user_speaks_first_and_says_something(messages: tuple[Message, ...]) -> None:
    with pytest.raises(InvalidRequest, match="must begin with a message of the user"):
        turns(*messages)


def test_ids_of_calls_get_the_shape_that_is_taken_and_stay_apart() -> None:
    long, odd = "x" * 65, "call|1"
    found, _ = turns(
        HELLO,
        say("assistant", ToolCall(long, "f"), ToolCall(odd, "f"), ToolCall("call_1", "f")),
        say("user", ToolResult(odd), ToolResult(long), ToolResult("call_1")),
    )
    ids = [block["toolUse"]["toolUseId"] for block in found[1]["content"]]
    assert ids == ["x" * 51 + "_9915b38b4e8d", "call_1_a24380954a16", "call_1"]
    answered = [block["toolResult"]["toolUseId"] for block in found[2]["content"]]
    assert answered == [ids[1], ids[0], ids[2]]


def test_ids_that_come_again_in_a_later_turn_are_told_apart() -> None:
    found, losses = turns(
        HELLO,
        say("assistant", ToolCall("call_0", "f")),
        say("user", ToolResult("call_0", (Text("1"),))),
        say("assistant", ToolCall("call_0", "f")),
        say("user", ToolResult("call_0", (Text("2"),))),
    )
    first, second = (found[at]["content"][0]["toolUse"]["toolUseId"] for at in (1, 3))
    assert first == "call_0" != second
    assert found[2]["content"] == [result("call_0", {"text": "1"})]
    assert found[4]["content"] == [result(second, {"text": "2"})]
    assert losses == ()


def test_a_call_without_a_result_is_answered_and_a_result_without_a_call_is_told() -> None:
    found, losses = turns(
        HELLO,
        say("assistant", ToolCall("a", "f")),
        say("user", ToolResult("gone", (Text("old"),)), "Go on."),
        say("assistant", ToolCall("b", "f")),
    )
    assert found[2] == {
        "role": "user",
        "content": [
            result("a", {"text": "No result was given for this call."}, status="error"),
            {"text": "old"},
            {"text": "Go on."},
        ],
    }
    assert found[3] == {"role": "assistant", "content": [used("b")]}
    assert losses == ("tool_result", "tool_calls")


def test_arguments_that_are_no_object_reach_the_model_all_the_same() -> None:
    calls = (
        ToolCall("a", "f", '{"broken'), ToolCall("b", "f", ""), ToolCall("c", "f", "[1]"),
        ToolCall("d", "f", "SELECT 1", kind="custom"),
    )  # fmt: skip
    found, _ = turns(HELLO, say("assistant", *calls))
    assert [block["toolUse"]["input"] for block in found[1]["content"]] == [
        {"input": '{"broken'}, {}, {"input": [1]}, {"input": "SELECT 1"},
    ]  # fmt: skip


def test_what_a_user_attaches_is_told_in_bedrocks_words() -> None:
    found, losses = turns(
        say(
            "user",
            Image(PNG),
            Image(Inline("image/jpg; q=1", "aGk=")),
            Image(Link("s3://bucket/cat.webp", "image/webp")),
            File(PDF, "reports/Q3 (final).pdf"),
            File(PDF, "Q3 (final) pdf"),
            File(PDF, "Q3 (final)-pdf"),
            File(Inline("text/x-python", "aGk=")),
            File(PNG, "shot.png"),
            Audio(Inline("audio/mpeg", "aGk=")),
        )
    )
    document = {"format": "pdf", "source": {"bytes": "aGk="}}
    assert found[0]["content"] == [
        {"text": "Q3 (final)-pdf"},
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        {"image": {"format": "jpeg", "source": {"bytes": "aGk="}}},
        {"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://bucket/cat.webp"}}}},
        {"document": {**document, "name": "Q3 (final)-pdf"}},
        {"document": {**document, "name": "Q3 (final) pdf"}},
        {"document": {**document, "name": "Q3 (final)-pdf (2)"}},
        {"document": {"format": "txt", "name": "document", "source": {"bytes": "aGk="}}},
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        {"audio": {"format": "mp3", "source": {"bytes": "aGk="}}},
    ]
    assert losses == ()


def test_what_cannot_be_attached_is_lost_by_its_name() -> None:
    found, losses = turns(
        say(
            "user",
            "Look.",
            Image(Link("https://a.example/cat.png")),
            Image(Inline("image/svg+xml", "aGk=")),
            Audio(Upload("file-1")),
            File(Inline("application/zip", "aGk=")),
            Foreign("openai_chat", {"type": "video_url"}),
            Foreign("openai_chat", 1),
        ),
        say("assistant", "A", Image(PNG)),
    )
    assert [len(turn["content"]) for turn in found] == [1, 1]
    assert losses == ("image", "audio", "file", "video_url", "content")


def test_results_of_tools_hold_text_images_and_documents() -> None:
    found, losses = turns(
        HELLO,
        say("assistant", ToolCall("c", "f")),
        say(
            "user",
            ToolResult(
                "c",
                (
                    Text(" "), Text("1"), Image(PNG), File(PDF, "a"), Audio(PNG),
                    Foreign("x", {"type": "search_result"}),
                ),
            ),
        ),
    )  # fmt: skip
    assert found[2]["content"] == [
        result(
            "c",
            {"text": "1"},
            {"image": {"format": "png", "source": {"bytes": "aGk="}}},
            {"document": {"format": "pdf", "name": "a", "source": {"bytes": "aGk="}}},
        )
    ]
    assert losses == ("audio", "search_result")


def test_a_model_gets_back_only_the_thought_that_it_signed() -> None:
    thoughts = (
        Reasoning("Hm", "sig", "anthropic"),
        Reasoning("", "secret", "anthropic", redacted=True),
        Reasoning("Mine", "enc", "openai"),
        Reasoning("Unsigned"),
    )
    mine = [
        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
    ]
    found, losses = turns(HELLO, say("assistant", *thoughts, "A"))
    assert (found[1]["content"], losses) == ([*mine, {"text": "A"}], ("reasoning",))
    found, losses = turns(HELLO, say("assistant", *thoughts, "A"), to=NOVA)
    assert (found[1]["content"], losses) == ([{"text": "A"}], ("reasoning",))


def test_what_only_the_callers_wire_has_is_lost_by_its_name() -> None:
    cited = Text("A", citations=(Citation(url="https://a.example"),))
    found, losses = turns(
        say("user", "Hello.", name="Ann", extra={"odd": 1}), say("assistant", cited, Refusal("No"))
    )
    assert found[1]["content"] == [{"text": "A"}, {"text": "No"}]
    assert losses == ("name", "messages.odd", "citations")


def test_cache_marks_follow_what_they_mark_and_only_the_last_four_stay() -> None:
    hour = CacheMark("1h")
    document, losses = written(
        asked(
            say("system", Text("S", cache=hour)),
            say("user", Text("A", cache=CacheMark()), "B", cache=CacheMark("5m")),
            say("assistant", ToolCall("c", "f", cache=hour)),
            say("user", ToolResult("c", (Text("1"),), cache=CacheMark()), "C"),
            tools=(Tool("f", schema=SCHEMA, cache=CacheMark()), Tool("g")),
        )
    )
    point = {"cachePoint": {"type": "default"}}
    assert document["toolConfig"]["tools"] == [
        {"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}},
        {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object"}}}},
    ]
    assert document["system"] == [{"text": "S"}]
    assert [turn["content"] for turn in document["messages"]] == [
        [{"text": "A"}, point, {"text": "B"}, point],
        [used("c"), point],
        [result("c", {"text": "1"}), point, {"text": "C"}],
    ]
    assert losses == ("cache_control", "cache_control.ttl")


def test_models_without_a_cache_that_can_be_marked_get_no_marks() -> None:
    request = asked(
        say("system", "S", cache=CacheMark()), HELLO, tools=(Tool("f", cache=CacheMark()),)
    )
    document, losses = written(request, LLAMA)
    assert ("cachePoint" in json.dumps(document), losses) == (False, ("cache_control",))
    assert "cachePoint" in json.dumps(written(request, NOVA)[0])


def test_sampling_goes_where_converse_has_a_place_for_it() -> None:
    document, losses = written(
        asked(
            max_tokens=9, temperature=1.5, top_p=0.5, stop=("x", "\n"), top_k=4,
            service_tier="flex", metadata={"team": "a"}, user="u", seed=1, min_p=0.1,
            presence_penalty=0.1, frequency_penalty=0.1, repetition_penalty=1.1, logprobs=True,
            top_logprobs=2, logit_bias={"1": 1.0}, verbosity="low", prompt_cache_key="k",
            answers=2, parallel_tools=False, raw_prompt=True, extra={"odd": 1}, tools=(TOOL,),
        )
    )  # fmt: skip
    assert document == {
        "messages": [{"role": "user", "content": [{"text": "Hello."}]}],
        "inferenceConfig": {"maxTokens": 9, "temperature": 1, "topP": 0.5, "stopSequences": ["x"]},
        "additionalModelRequestFields": {"top_k": 4},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"team": "a"},
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": SCHEMA}}}
            ]
        },
    }
    assert losses == (
        "min_p", "seed", "presence_penalty", "frequency_penalty", "repetition_penalty",
        "top_logprobs", "logit_bias", "verbosity", "user", "prompt_cache_key", "logprobs", "n",
        "raw", "parallel_tool_calls", "odd", "temperature", "stop",
    )  # fmt: skip


def test_top_k_is_a_field_of_the_model_behind_it() -> None:
    nova = written(asked(top_k=4), NOVA)
    assert nova[0]["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 4}}
    assert written(asked(top_k=4), LLAMA)[1] == ("top_k",)


def test_tiers_and_metadata_that_bedrock_refuses_are_lost() -> None:
    document, losses = written(asked(service_tier="scale", metadata={"a": "ü"}))
    assert (list(document), losses) == (["messages"], ("service_tier", "metadata"))
    assert written(asked(service_tier="auto", metadata={}))[1] == ()
    many = {str(number): "" for number in range(17)}
    assert written(asked(metadata=many))[1] == ("metadata",)


LOW = ReasoningAsk(enabled=True, effort="low")
ADAPTIVE = ReasoningAsk(enabled=True, effort="low", show=True)
BUDGET = ReasoningAsk(enabled=True, budget=2048)
THINKERS: dict[str, tuple[ReasoningAsk, Any, Any]] = {
    "budget": (BUDGET, {"thinking": {"type": "enabled", "budget_tokens": 2048}}, {}),
    "adaptive": (
        ADAPTIVE,
        {"thinking": {"type": "adaptive", "display": "summarized"}},
        {"effort": "low"},
    ),
    "level": (LOW, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, {}),
    "switch": (ReasoningAsk(enabled=True), {"thinking": {"type": "enabled"}}, {}),
    "effort": (LOW, {"reasoning_effort": "low"}, {}),
}


@pytest.mark.parametrize("thinking", sorted(THINKERS))
def test_thinking_is_told_in_the_words_of_the_model(thinking: Any) -> None:
    ask, more, output = THINKERS[thinking]
    model = Destination(CLAUDE, 9000, family="anthropic", traits=Traits(thinking=thinking))
    document, losses = written(asked(reasoning=ask), model)
    ceiling = {"inferenceConfig": {"maxTokens": 9000}} if thinking == "budget" else {}
    expected = {**ceiling, "additionalModelRequestFields": more}
    if output:
        expected["outputConfig"] = output
    assert ({k: v for k, v in document.items() if k != "messages"}, losses) == (expected, ())


@pytest.mark.parametrize(
    ("thinking", "more"),
    [
        ("budget", {"thinking": {"type": "disabled"}}),
        ("adaptive", {"thinking": {"type": "disabled"}}),
        ("level", {"reasoningConfig": {"type": "disabled"}}),
        ("switch", {"thinking": {"type": "disabled"}}),
        ("effort", None),
    ],
)
def test_thinking_is_turned_off_in_the_words_of_the_model(thinking: Any, more: Any) -> None:
    model = Destination(CLAUDE, family="anthropic", traits=Traits(thinking=thinking))
    document, _ = written(asked(reasoning=ReasoningAsk(enabled=False)), model)
    assert document.get("additionalModelRequestFields") == more
    assert "outputConfig" not in document


def test_a_model_that_always_thinks_somewhat_is_told_to_think_between_tools_only() -> None:
    traits = Traits(thinking="adaptive", refuses=frozenset({"disabled_thinking"}))
    model = Destination(CLAUDE, family="anthropic", traits=traits)
    document, _ = written(asked(reasoning=ReasoningAsk(enabled=False)), model)
    assert document["additionalModelRequestFields"] == {"thinking": {"type": "between_tools"}}


def test_a_wish_to_see_thought_alone_says_nothing_of_how_much_to_think() -> None:
    model = Destination(CLAUDE, family="anthropic", traits=Traits(thinking="adaptive"))
    assert list(written(asked(reasoning=ReasoningAsk(show=True)), model)[0]) == ["messages"]


def test_json_that_follows_a_schema_is_asked_for_and_any_json_is_told_in_words() -> None:
    output = OutputFormat("json_schema", "answer", SCHEMA, description="What to say")
    document, losses = written(asked(output=output))
    form = document["outputConfig"]["textFormat"]
    told = form["structure"]["jsonSchema"]
    assert json.loads(told.pop("schema")) == SCHEMA
    assert form == {
        "type": "json_schema",
        "structure": {"jsonSchema": {"name": "answer", "description": "What to say"}},
    }
    assert losses == ()
    plain = written(asked(output=OutputFormat("json_schema")))[0]["outputConfig"]["textFormat"]
    assert plain["structure"] == {"jsonSchema": {"schema": "{}"}}
    document, losses = written(asked(output=OutputFormat("json")))
    assert (len(document["system"]), losses) == (1, ("response_format",))
    assert "JSON" in document["system"][0]["text"]


CHOICES = {
    "auto": (ToolChoice("auto"), {"auto": {}}),
    "required": (ToolChoice("required"), {"any": {}}),
    "one": (ToolChoice("required", ("f",)), {"tool": {"name": "f"}}),
}


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_the_choice_of_tools_has_bedrocks_words(name: str) -> None:
    choice, told = CHOICES[name]
    document, losses = written(asked(tools=(TOOL,), tool_choice=choice))
    assert (document["toolConfig"]["toolChoice"], losses) == (told, ())


def names(document: Any) -> list[str]:
    return [tool["toolSpec"]["name"] for tool in document["toolConfig"]["tools"]]


def test_of_several_tools_that_may_be_called_only_those_are_offered() -> None:
    tools = (TOOL, Tool("g"), Tool("h"))
    document, losses = written(asked(tools=tools, tool_choice=ToolChoice("required", ("f", "h"))))
    assert (names(document), document["toolConfig"]["toolChoice"]) == (["f", "h"], {"any": {}})
    assert losses == ()


CALLED = (HELLO, say("assistant", ToolCall("c", "f")), say("user", ToolResult("c", (Text("1"),))))


def test_no_tools_are_offered_where_none_may_be_called_unless_some_were() -> None:
    none = ToolChoice("none")
    assert "toolConfig" not in written(asked(tools=(TOOL,), tool_choice=none))[0]
    document, losses = written(asked(*CALLED, tools=(TOOL, Tool("g")), tool_choice=none))
    assert (names(document), losses) == (["f", "g"], ("tool_choice",))
    assert "toolChoice" not in document["toolConfig"]


def test_tools_that_were_called_are_named_where_none_is_offered() -> None:
    document, losses = written(asked(*CALLED))
    assert document["toolConfig"] == {
        "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]
    }
    assert losses == ()


def test_tools_of_other_kinds_are_written_as_far_as_they_can_be() -> None:
    tools = (
        Tool("web_search", kind="server", wire="openai_chat", native={"type": "web_search"}),
        Tool("", kind="server", wire="openai_chat", native={}),
        Tool("sql", kind="custom", description=" "),
        Tool("f", schema=SCHEMA, strict=True, extra={"defer": True}),
    )
    document, losses = written(asked(tools=tools))
    text = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
    assert document["toolConfig"]["tools"] == [
        {"toolSpec": {"name": "sql", "inputSchema": {"json": text}}},
        {"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}, "strict": True}},
    ]
    assert losses == ("tools.web_search", "tools.server", "tools.custom", "tools.defer")


def test_a_gap_cannot_be_filled() -> None:
    with pytest.raises(InvalidRequest, match="fill a gap"):
        written(asked(suffix="end"))


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"no recorded transcripts at {FIXTURES}")
def test_another_gateways_translation_differs_only_where_we_know_better() -> None:
    pair = "req.completions.parallel-tool-call.bedrock"
    theirs = json.loads((FIXTURES / "translation-pairs" / f"{pair}.output.json").read_text())
    wanted = theirs["request"]
    given = json.loads((FIXTURES / "translation-pairs" / f"{pair}.input.json").read_text())
    ours, losses = written(asked(*_chat(given["messages"])))
    # Members that are null are left out, Bedrock's own ceiling serves where the caller named none,
    # and the tools that were called are named by their names instead of by one that nobody called.
    for turn in wanted["messages"]:
        for block in turn["content"]:
            block.get("toolResult", {}).pop("status", None)
    assert ours["messages"] == wanted["messages"]
    assert names(ours) == ["get_weather"]
    assert (sorted(ours), losses) == (["messages", "toolConfig"], ())


def _chat(messages: list[dict[str, Any]]) -> list[Message]:
    """The recorded chat as OpenAI's reader gives it."""
    read = []
    for message in messages:
        parts: tuple[Part, ...] = ()
        if message["role"] == "tool":
            parts = (ToolResult(message["tool_call_id"], (Text(message["content"]),), bare=True),)
        elif message["content"] is not None:
            parts = (Text(message["content"]),)
        for call in message.get("tool_calls", ()):
            function = call["function"]
            parts += (ToolCall(call["id"], function["name"], function["arguments"]),)
        role: Role = "assistant" if message["role"] == "assistant" else "user"
        read.append(Message(role, parts, bare=True))
    return read
