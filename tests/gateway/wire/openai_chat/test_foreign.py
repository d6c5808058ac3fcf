import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.recordings import FIXTURES, needs_transcripts

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
from trunkline.gateway.providers.registry import find_provider
from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.contract import NOWHERE
from trunkline.gateway.wire.openai_chat.codec import ChatCodec

CODEC = ChatCodec()
HELLO = Message("user", (Text("hello"),))
F = Tool("f", schema={"type": "object"})


def asked(*messages: Message, **members: Any) -> Request:
    return Request(
        wire="anthropic_messages", model="public", messages=messages or (HELLO,), **members
    )


def write(request: Request, **about: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    quirks = Quirks(reasoning_setting="reasoning_effort")
    losses = Losses()
    destination = Destination(**{"model": "up", "quirks": quirks, **about})
    return CODEC.write_request(request, destination, losses), losses.names


def messages_for(*messages: Message, **about: Any) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    document, lost = write(asked(*messages), **about)
    told: list[dict[str, Any]] = document["messages"]
    return told, lost


def user(*parts: Part) -> Message:
    return Message("user", parts)


def assistant(*parts: Part) -> Message:
    return Message("assistant", parts)


def test_a_whole_request_is_written_in_openais_own_dialect() -> None:
    request = asked(
        Message("system", (Text("be brief"), Text("be kind"))),
        user(Text("look"), Image(Inline("image/png", "aGk="), "low")),
        stream=True,
        tools=(F, Tool("g", "custom", native={"format": {"type": "text"}}, wire="x")),
        tool_choice=ToolChoice("required"),
        parallel_tools=False,
        output=OutputFormat("json_schema", None, {"type": "object"}, strict=True),
        reasoning=ReasoningAsk(effort="high"),
        answers=2,
        max_tokens=9,
        temperature=0.5,
        seed=7,
        stop=("a",),
        logprobs=True,
        top_logprobs=2,
        user="u",
        service_tier="standard_only",
        prompt_cache_key="k",
    )
    provider = find_provider("openai")
    assert provider is not None
    document, lost = write(
        request,
        output_limit_field=provider.output_limit_field,
        family=provider.family,
        quirks=provider.quirks,
        traits=Traits(thinking="effort"),
    )
    assert document == {
        "model": "up",
        "messages": [
            {"role": "system", "content": "be brief\n\nbe kind"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {
                        "type": "image_url",
                        "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"},
                    },
                ],
            },
        ],
        "n": 2,
        "max_completion_tokens": 9,
        "temperature": 0.5,
        "seed": 7,
        "logprobs": True,
        "top_logprobs": 2,
        "user": "u",
        "service_tier": "default",
        "prompt_cache_key": "k",
        "stop": ["a"],
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
        "reasoning_effort": "high",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert lost == ()


def test_mistrals_dialect_has_its_own_names_and_ids() -> None:
    provider = find_provider("mistral")
    assert provider is not None
    call = ToolCall("toolu_01A09q90qw90lq917835lq9", "f")
    request = asked(
        user(Text("hi")),
        assistant(call),
        user(ToolResult(call.id, (Text("1"),)), Text("go on")),
        stream=True,
        tools=(F,),
        tool_choice=ToolChoice("required"),
        seed=7,
        top_k=3,
        user="u",
        logit_bias={"1": 2},
        verbosity="low",
    )
    document, lost = write(request, quirks=provider.quirks)
    known = document["messages"][1]["tool_calls"][0]["id"]
    assert len(known) == 9
    assert known.isalnum()
    assert document["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": known, "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": known, "content": "1"},
        {"role": "assistant", "content": "Understood."},
        {"role": "user", "content": "go on"},
    ]
    assert (document["random_seed"], document["top_k"], document["tool_choice"]) == (7, 3, "any")
    assert "stream_options" not in document
    assert lost == ("logit_bias", "user", "verbosity")


@given(st.lists(st.text(min_size=1, max_size=60), unique=True, min_size=2, max_size=5))
def test_ids_stay_distinct_and_have_the_form_that_is_demanded(ids: list[str]) -> None:
    history = [assistant(*(ToolCall(call_id, "f") for call_id in ids))]
    history.append(user(*(ToolResult(call_id, (Text("1"),)) for call_id in ids)))
    for quirks, longest in ((Quirks(short_tool_ids=True), 9), (Quirks(), 40)):
        told, _ = messages_for(*history, quirks=quirks)
        calls = [call["id"] for call in told[0]["tool_calls"]]
        assert calls == [result["tool_call_id"] for result in told[1:]]
        assert len(set(calls)) == len(ids)
        assert all(len(call_id) <= longest for call_id in calls)


def test_results_come_first_and_what_they_cannot_hold_comes_behind_them() -> None:
    image = Image(Link("https://x.test/a.png"))
    told, lost = messages_for(
        assistant(ToolCall("a", "f"), ToolCall("b", "f")),
        user(
            Text("and now"),
            ToolResult("a", (Text("seen"), image)),
            ToolResult("b", (Text("no such file"), Text("sorry")), is_error=True),
        ),
    )
    assert told[1:] == [
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": "seen\n[The content of tool call a follows in the next user message.]",
        },
        {"role": "tool", "tool_call_id": "b", "content": "Error: no such file\nsorry"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "[Content of tool call a:]"},
                {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
            ],
        },
        {"role": "user", "content": "and now"},
    ]
    assert lost == ()


def test_a_result_that_is_told_twice_is_sent_once_for_each_call() -> None:
    call, first = ToolCall("a", "look"), ToolResult("a", (Text("1"),))
    messages, lost = messages_for(
        user(Text("look")),
        assistant(call),
        user(first, ToolResult("a", (Text("2"),))),
        assistant(call),
        user(ToolResult("a", (Text("3"),))),
    )
    results = [message["content"] for message in messages if message["role"] == "tool"]
    assert (results, lost) == (["1", "3"], ("repeated tool result",))


def test_text_before_calls_is_kept_and_arguments_are_always_an_object() -> None:
    told, _ = messages_for(
        assistant(
            Text("Let me "),
            Text("look."),
            ToolCall("a", "f", ""),
            ToolCall("b", "f", "null"),
            ToolCall("c", "f", "{broken"),
            Text("Done."),
        ),
        user(Text("")),
    )
    assert told[0]["content"] == "Let me look.Done."
    arguments = [json.loads(call["function"]["arguments"]) for call in told[0]["tool_calls"]]
    assert arguments == [{}, {}, {"input": "{broken"}]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("part", "item", "lost"),
    [
        (
            File(Inline("application/pdf", "aGk="), "a.pdf"),
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
            },
            (),
        ),
        (
            File(Inline("application/pdf", "aGk=")),
            {
                "type": "file",
                "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,aGk="},
            },
            (),
        ),
        (
            File(Inline("text/plain", base64.b64encode(b"words").decode()), "a.txt"),
            {"type": "text", "text": "a.txt\nwords"},
            (),
        ),
        (File(Link("https://x.test/a.pdf")), None, ("file",)),
        (File(Upload("file_1")), None, ("file",)),
        (Image(Upload("file_1")), None, ("image",)),
        (
            Audio(Inline("audio/mpeg", "aGk=")),
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
            (),
        ),
        (Audio(Link("https://x.test/a.mp3")), None, ("audio",)),
        (Refusal("no"), {"type": "text", "text": "no"}, ()),
        (Foreign("gemini", {"type": "executableCode"}), None, ("executableCode",)),
        (Text("x", extra={"odd": 1}), {"type": "text", "text": "x"}, ("odd",)),
    ],
)
def test_each_kind_of_part_is_carried_or_its_loss_is_told(
    part: Part, item: Any, lost: tuple[str, ...]
) -> None:
    told, names = messages_for(user(Text("see"), part))
    content = [{"type": "text", "text": "see"}, item] if item else "see"
    assert told == [{"role": "user", "content": content}]
    assert names == lost


def test_a_file_is_an_address_where_the_provider_takes_one() -> None:
    told, lost = messages_for(
        user(File(Link("https://x.test/a.pdf"), "a")),
        quirks=Quirks(takes=frozenset({"document_url"})),
    )
    item = {
        "type": "document_url",
        "document_url": "https://x.test/a.pdf",
        "document_name": "a",
    }
    assert told == [{"role": "user", "content": [item]}]
    assert lost == ()


def test_sound_is_told_by_address_where_the_provider_takes_one() -> None:
    told, lost = messages_for(
        user(
            Audio(Inline("audio/wav", "aGk=")),
            Audio(Link("https://x.test/a.mp3")),
            Audio(Upload("file_1")),
        ),
        quirks=Quirks(takes=frozenset({"audio_url"})),
    )
    assert told[0]["content"] == [
        {"type": "input_audio", "input_audio": "aGk="},
        {"type": "input_audio", "input_audio": "https://x.test/a.mp3"},
    ]
    assert lost == ("audio",)


def test_the_beginning_of_an_answer_is_marked_where_it_must_be() -> None:
    begun = (HELLO, assistant(Text("It is")))
    assert messages_for(*begun)[0][1] == {"role": "assistant", "content": "It is"}
    told, _ = messages_for(*begun, quirks=Quirks(takes=frozenset({"prefix"})))
    assert told[1] == {"role": "assistant", "content": "It is", "prefix": True}


def test_a_text_that_may_hold_nothing_else_tells_what_it_leaves_out() -> None:
    told, lost = messages_for(
        Message("system", (Text("a"), Image(Link("https://x.test/a.png")), Text("b"))),
        Message("system", (Text(""),)),
        Message("user", ()),
        assistant(Reasoning("hm", "s", "google")),
        assistant(),
        quirks=Quirks(reasoning_member="reasoning_content"),
    )
    assert told == [
        {"role": "system", "content": "a\n\nb"},
        {"role": "user", "content": ""},
        {"role": "assistant", "content": "", "reasoning_content": "hm"},
    ]
    assert lost == ("image",)


def test_the_role_as_another_wire_spells_it_is_no_loss() -> None:
    same = Message("system", (Text("a"),), extra={"role": "system"})
    other = Message("user", (Text("b"),), extra={"role": "critic"})
    assert messages_for(same)[1] == ()
    assert messages_for(other)[1] == ("role",)


def test_a_late_order_is_the_users_where_the_model_knows_none_there() -> None:
    late = (HELLO, Message("system", (Text("be brief"),)), Message("developer", (Text("now"),)))
    told, _ = messages_for(*late)
    assert told[1:] == [
        {"role": "user", "content": "<system>\nbe brief\n</system>"},
        {"role": "user", "content": "<system>\nnow\n</system>"},
    ]
    told, _ = messages_for(
        *late, traits=Traits(late_system=True), quirks=Quirks(developer_role=True)
    )
    assert told[1:] == [
        {"role": "system", "content": "be brief"},
        {"role": "developer", "content": "now"},
    ]
    told, _ = messages_for(Message("developer", (Text("now"),)), HELLO)
    assert told[0] == {"role": "system", "content": "now"}


def test_cache_marks_are_kept_where_the_provider_knows_them() -> None:
    marked = (
        Message("system", (Text("a", cache=CacheMark()),)),
        Message("user", (Text("b"), Text("c")), cache=CacheMark("1h")),
        assistant(Text("d", cache=CacheMark()), ToolCall("x", "f", cache=CacheMark())),
        user(ToolResult("x", (Text("e", cache=CacheMark()),))),
    )
    tool = msgspec.structs.replace(F, cache=CacheMark())
    mark = {"type": "ephemeral"}
    document, lost = write(
        asked(*marked, tools=(tool,)), quirks=Quirks(takes=frozenset({"cache_control"}))
    )
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert document["messages"] == [
        {
            "role": "system",
            "content": [{"type": "text", "text": "a", "cache_control": mark}],
        },
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "b"},
                {"type": "text", "text": "c", "cache_control": {**mark, "ttl": "1h"}},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "d", "cache_control": mark}],
            "tool_calls": [{**call, "cache_control": mark}],
        },
        {"role": "tool", "tool_call_id": "x", "content": "e", "cache_control": mark},
    ]
    assert document["tools"][0]["cache_control"] == mark
    assert lost == ()
    document, lost = write(asked(*marked, tools=(tool,)))
    assert "cache_control" not in json.dumps(document)
    assert lost == ("cache_control",)


@pytest.mark.parametrize(
    ("member", "family", "expected"),
    [
        ("reasoning_content", "other", {"reasoning_content": "hmsum"}),
        ("reasoning", "other", {"reasoning": "hmsum"}),
        (
            "content",
            "other",
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "thinking", "thinking": [{"type": "text", "text": "sum"}]},
                    {"type": "text", "text": "said"},
                ]
            },
        ),
        (
            "thinking_blocks",
            "anthropic",
            {
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "redacted_thinking", "data": "d"},
                ],
                "reasoning_content": "hmsum",
            },
        ),
        (
            "reasoning_details",
            "",
            {
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "hm",
                        "format": "anthropic-claude-v1",
                        "index": 0,
                        "signature": "s",
                    },
                    {
                        "type": "reasoning.encrypted",
                        "data": "d",
                        "format": "anthropic-claude-v1",
                        "index": 1,
                    },
                    {
                        "type": "reasoning.summary",
                        "summary": "sum",
                        "format": "openai-responses-v1",
                        "index": 2,
                        "id": "rs",
                    },
                    {
                        "type": "reasoning.encrypted",
                        "data": "e",
                        "format": "openai-responses-v1",
                        "index": 2,
                        "id": "rs",
                    },
                ]
            },
        ),
        (
            # Signatures of another family mean nothing; the words do.
            "reasoning_details",
            "google",
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0},
                    {
                        "type": "reasoning.summary",
                        "summary": "sum",
                        "format": "unknown",
                        "index": 1,
                    },
                ]
            },
        ),
    ],
)
def test_thought_goes_back_in_the_member_that_the_provider_wants(
    member: str, family: Any, expected: dict[str, Any]
) -> None:
    thoughts = (
        Reasoning("hm", "s", "anthropic"),
        Reasoning("", "d", "anthropic", redacted=True),
        Reasoning("sum", "e", "openai", "rs", summary=True),
    )
    told, lost = messages_for(
        assistant(*thoughts, Text("said")), family=family, quirks=Quirks(reasoning_member=member)
    )
    assert told == [{"role": "assistant", "content": "said", **expected}]
    assert lost == ()


def test_thought_without_a_place_is_told_to_be_lost_and_sealed_thought_is_not() -> None:
    told, lost = messages_for(assistant(Reasoning("hm"), Text("said")))
    assert (told, lost) == ([{"role": "assistant", "content": "said"}], ("reasoning",))
    _, lost = messages_for(
        assistant(Reasoning("", "d", "anthropic", redacted=True), Text("said")), family="openai"
    )
    assert lost == ()


def test_the_signature_of_a_call_goes_back_to_google_alone() -> None:
    call = ToolCall("a", "f", signature="sig", family="google")
    told, _ = messages_for(assistant(call), family="google")
    assert told[0]["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "sig"}}
    told, lost = messages_for(assistant(call), family="other")
    assert "extra_content" not in told[0]["tool_calls"][0]
    assert lost == ()


@pytest.mark.parametrize(
    ("setting", "ask", "expected", "lost"),
    [
        ("reasoning_effort", ReasoningAsk(effort="low"), {"reasoning_effort": "low"}, ()),
        (
            "reasoning_effort",
            ReasoningAsk(budget=2048),
            {"reasoning_effort": "low"},
            ("reasoning.budget",),
        ),
        ("reasoning", ReasoningAsk(effort="low"), {"reasoning": {"effort": "low"}}, ()),
        (
            "reasoning",
            ReasoningAsk(effort="low", show=False),
            {"reasoning": {"effort": "low", "exclude": True}},
            (),
        ),
        ("reasoning", ReasoningAsk(show=False), {"reasoning": {"exclude": True}}, ()),
        ("thinking", ReasoningAsk(enabled=True), {"thinking": {"type": "enabled"}}, ()),
        ("", ReasoningAsk(effort="low"), {}, ("reasoning",)),
        ("reasoning_effort", ReasoningAsk(show=True), {}, ()),
    ],
)
def test_how_much_to_think_is_said_in_the_providers_member(
    setting: Any, ask: ReasoningAsk, expected: dict[str, Any], lost: tuple[str, ...]
) -> None:
    document, names = write(
        asked(reasoning=ask),
        traits=Traits(thinking="effort"),
        quirks=Quirks(reasoning_setting=setting),
    )
    assert {k: v for k, v in document.items() if k not in {"model", "messages"}} == expected
    assert names == lost


@pytest.mark.parametrize(
    ("setting", "traits", "expected", "lost"),
    [
        (
            "reasoning_effort",
            Traits(thinking="effort", efforts=("none", "low"), thinks_unasked=True),
            {"reasoning_effort": "none"},
            (),
        ),
        (
            "reasoning_effort",
            Traits(thinking="switch", thinks_unasked=True),
            {},
            ("reasoning",),
        ),
        (
            "thinking",
            Traits(thinking="switch", thinks_unasked=True),
            {"thinking": {"type": "disabled"}},
            (),
        ),
        (
            "reasoning",
            Traits(thinking="switch", thinks_unasked=True),
            {"reasoning": {"enabled": False}},
            (),
        ),
        ("", Traits(thinking="switch", thinks_unasked=True), {}, ()),
        ("reasoning_effort", Traits(), {}, ()),
    ],
)
def test_thinking_is_turned_off_where_that_can_be_said(
    setting: Any, traits: Traits, expected: dict[str, Any], lost: tuple[str, ...]
) -> None:
    document, names = write(
        asked(reasoning=ReasoningAsk(enabled=False)),
        traits=traits,
        quirks=Quirks(reasoning_setting=setting),
    )
    assert {k: v for k, v in document.items() if k not in {"model", "messages"}} == expected
    assert names == lost


def test_a_budget_is_said_where_the_model_takes_one() -> None:
    ask = ReasoningAsk(enabled=True, budget=3000)
    for setting, expected in (
        ("thinking", {"thinking": {"type": "enabled", "budget_tokens": 3000}}),
        ("reasoning", {"reasoning": {"max_tokens": 3000}}),
        ("reasoning_effort", {"reasoning_effort": "medium"}),
    ):
        document, _ = write(
            asked(reasoning=ask),
            traits=Traits(thinking="budget"),
            quirks=Quirks(reasoning_setting=setting),  # type: ignore[arg-type] # One of its words.
        )
        assert document.items() >= expected.items()
    on, _ = write(
        asked(reasoning=ReasoningAsk(enabled=True)),
        traits=Traits(thinking="switch"),
        quirks=Quirks(reasoning_setting="reasoning"),
    )
    assert on["reasoning"] == {"enabled": True}


def test_custom_tools_are_functions_where_the_provider_has_nothing_else() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: A"}
    patch = Tool("patch", "custom", "Edit.", native={"format": grammar}, wire="openai_responses")
    request = asked(
        assistant(ToolCall("a", "patch", "*** Begin", "custom")),
        tools=(patch,),
        tool_choice=ToolChoice("required", ("patch",)),
    )
    document, lost = write(request)
    call = document["messages"][0]["tool_calls"][0]
    assert call["function"] == {"name": "patch", "arguments": '{"input":"*** Begin"}'}
    assert document["tools"][0]["function"]["parameters"]["required"] == ["input"]
    assert document["tool_choice"] == {"type": "function", "function": {"name": "patch"}}
    assert lost == ("tools.format",)
    document, lost = write(request, quirks=Quirks(developer_role=True))
    custom = {
        "name": "patch",
        "description": "Edit.",
        "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}},
    }
    assert document["tools"] == [{"type": "custom", "custom": custom}]
    assert document["messages"][0]["tool_calls"][0]["custom"] == {
        "name": "patch",
        "input": "*** Begin",
    }
    assert document["tool_choice"] == {"type": "custom", "custom": {"name": "patch"}}
    assert lost == ()


def test_a_choice_of_some_tools_leaves_the_others_out() -> None:
    g, h = Tool("g"), Tool("h", "server", native={}, wire="x")
    document, lost = write(
        asked(tools=(F, g, Tool("i"), h), tool_choice=ToolChoice("required", ("f", "g")))
    )
    assert [tool["function"]["name"] for tool in document["tools"]] == ["f", "g"]
    assert document["tool_choice"] == "required"
    assert lost == ("h",)
    document, _ = write(asked(tools=(h,), tool_choice=ToolChoice("auto"), parallel_tools=False))
    assert not document.keys() & {"tools", "tool_choice", "parallel_tool_calls"}


def test_settings_that_the_provider_lacks_are_told() -> None:
    request = asked(
        top_k=3,
        min_p=0.5,
        repetition_penalty=1.0,
        metadata={"a": "b"},
        answers=1,
        stop=("a", "b", "c", "d", "e"),
        service_tier="batch",
        raw_prompt=True,
        extra={"container": "x"},
    )
    document, lost = write(request, quirks=Quirks(refuses=frozenset({"n"})))
    assert document == {"model": "up", "messages": [{"role": "user", "content": "hello"}]} | {
        "stop": ["a", "b", "c", "d"]
    }
    assert lost == ("top_k", "min_p", "metadata", "stop", "service_tier", "raw", "container")
    document, lost = write(request, quirks=Quirks(takes=frozenset({"stop", "top_k", "min_p"})))
    assert document["stop"] == ["a", "b", "c", "d", "e"]
    assert (document["top_k"], document["min_p"], document["n"]) == (3, 0.5, 1)
    _, lost = write(asked(answers=2), quirks=Quirks(refuses=frozenset({"n"})))
    assert lost == ("n",)


def test_names_of_speakers_go_where_they_are_known() -> None:
    named = Message("user", (Text("hi"),), name="ann")
    assert messages_for(named)[0] == [{"role": "user", "content": "hi", "name": "ann"}]
    told, lost = messages_for(named, quirks=Quirks(refuses=frozenset({"name"})))
    assert (told, lost) == ([{"role": "user", "content": "hi"}], ("name",))


def test_json_without_a_schema_and_a_given_name() -> None:
    document, _ = write(asked(output=OutputFormat("json")))
    assert document["response_format"] == {"type": "json_object"}
    document, _ = write(asked(output=OutputFormat("text")))
    assert "response_format" not in document


def test_a_gap_or_nothing_at_all_cannot_be_asked_for() -> None:
    with pytest.raises(InvalidRequest) as caught:
        write(asked(suffix="x"))
    assert caught.value.param == "suffix"
    with pytest.raises(InvalidRequest) as caught:
        write(asked(Message("user", (Foreign("gemini", 1),))))
    assert caught.value.param == "messages"


@needs_transcripts
@pytest.mark.parametrize(("case", "late"), [("tools", False), ("system_message", True)])
def test_another_gateways_translations_agree(case: str, late: bool) -> None:
    """Where it writes a list of one text we write the text, which more servers understand."""
    folder = FIXTURES / "translation-pairs"
    told = json.loads((folder / f"req.messages.{case}.completions.input.json").read_text())
    other = json.loads((folder / f"req.messages.{case}.completions.output.json").read_text())
    source = AnthropicMessages().codec
    assert source is not None
    request = source.read_request(told, NOWHERE)
    document, lost = write(
        request,
        model=told["model"],
        output_limit_field="max_completion_tokens",
        traits=Traits(late_system=late),
    )
    expected = other["request"]
    del expected["stream"]  # False is what it is without saying so.
    for message in expected["messages"]:
        if len(message["content"]) == 1:
            message["content"] = message["content"][0]["text"]
    assert document == expected
    # It drops the cache mark and says nothing.
    assert lost == (("cache_control",) if case == "system_message" else ())
