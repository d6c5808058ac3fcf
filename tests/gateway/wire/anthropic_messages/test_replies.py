"""Whole answers: read from Anthropic, and written for its callers."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.anthropic_messages.recorded import pair, replies
from tests.gateway.wire.recordings import answering, needs_transcripts

from trunkline.gateway.exchange.parts import (
    Citation,
    Foreign,
    Image,
    Link,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import Choice, Reply, Stop
from trunkline.gateway.exchange.request import Message, ReasoningAsk, Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.anthropic_messages.codec import AnthropicMessagesCodec
from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.contract import CHAT, NOWHERE, Malformed

WIRE = AnthropicMessages()
CODEC = AnthropicMessagesCodec()
SPENT = Usage(input=3, output=5)


def asked(**members: Any) -> Request:
    hello = Message("user", (Text("twelve chars"),), bare=True)
    return Request(wire="anthropic_messages", model="alias", messages=(hello,), **members)


def read(*content: dict[str, Any], **members: Any) -> Reply:
    document = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": list(content),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
        **members,
    }
    return CODEC.read_reply(document, "seed")


def told(
    *parts: Part,
    stop: Stop | None = None,
    usage: Usage | None = SPENT,
    thinks: bool = False,
    **members: Any,
) -> dict[str, Any]:
    reply = Reply(wire="openai_chat", choices=(Choice(parts, stop or Stop()),), id="x", **members)
    request = asked(reasoning=ReasoningAsk(enabled=True) if thinks else None)
    return CODEC.write_reply(reply, usage, answering(request, "alias"))


def as_recorded(document: dict[str, Any]) -> dict[str, Any]:
    """An answer without what the listed rules let differ."""
    left = dict(document)
    # Callers get an id that leads to our own log and not to the provider's.
    del left["id"]
    usage = dict(left["usage"])
    # Where the request was served is told in no other wire.
    usage.pop("inference_geo", None)
    # Counts of nothing may be told or not, and so may the lifetimes of what was written.
    usage.pop("cache_creation", None)
    left["usage"] = {name: count for name, count in usage.items() if count}
    return left


@pytest.mark.parametrize(("name", "document"), replies())
def test_recorded_answers_are_given_back(name: str, document: dict[str, Any]) -> None:
    metered = WIRE.read_reply(json.dumps(document).encode(), CHAT)
    written = CODEC.write_reply(
        CODEC.read_reply(document, "seed"), metered.usage, answering(asked())
    )
    assert as_recorded(written) == as_recorded(document)


def test_an_answer_is_read_with_its_parts_and_its_end() -> None:
    result = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    reply = read(
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        result,
        {"type": "text", "text": "See."},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
        stop_reason="tool_use",
        usage={"input_tokens": 3, "output_tokens": 5, "service_tier": "priority"},
        container={"id": "c"},
    )
    assert reply == Reply(
        wire="anthropic_messages",
        choices=(
            Choice(
                (
                    Reasoning("Hm.", "sig", "anthropic"),
                    Foreign(
                        "anthropic_messages",
                        {
                            "type": "server_tool_use",
                            "id": "srvtoolu_1",
                            "name": "web_search",
                            "input": {},
                        },
                    ),
                    Foreign("anthropic_messages", result),
                    Text("See."),
                    ToolCall("toolu_1", "look", "{}"),
                ),
                Stop("tools", "tool_use"),
            ),
        ),
        id="msg_1",
        model="claude",
        service_tier="priority",
        extra={"container": {"id": "c"}},
    )


CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}


@pytest.mark.parametrize(
    ("native", "sequence", "content", "stop"),
    [
        ("end_turn", None, [], Stop("end", "end_turn")),
        ("end_turn", None, [CALL], Stop("tools", "end_turn")),
        ("tool_use", None, [], Stop("end", "tool_use")),
        ("max_tokens", None, [CALL], Stop("length", "max_tokens")),
        ("stop_sequence", "END", [], Stop("stop_sequence", "stop_sequence", "END")),
        ("pause_turn", None, [], Stop("paused", "pause_turn")),
        ("refusal", None, [], Stop("refusal", "refusal")),
        (
            "model_context_window_exceeded",
            None,
            [],
            Stop("length", "model_context_window_exceeded"),
        ),
        ("compaction", None, [], Stop("end", "compaction")),
        (None, None, [], Stop("end")),
        (5, 5, [], Stop("end")),
    ],
)
def test_the_end_has_a_reason(
    native: Any, sequence: Any, content: list[dict[str, Any]], stop: Stop
) -> None:
    reply = read(*content, stop_reason=native, stop_sequence=sequence)
    assert reply.choices[0].stop == stop


def test_the_words_of_a_refusal_are_its_part() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "I cannot."}
    reply = read(stop_reason="refusal", stop_details=details)
    assert reply.choices[0] == Choice((Refusal("I cannot."),), Stop("refusal", "refusal"))
    assert reply.extra == {"stop_details": details}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": "error"},
        {"type": "message"},
        {"type": "message", "content": "hi"},
        {"type": "message", "content": [5]},
        {"type": "message", "content": [{"type": "text"}]},
        {"type": "message", "content": [{"type": "tool_use", "id": "a", "name": "b"}]},
    ],
)
def test_an_answer_that_is_none_is_malformed(document: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        CODEC.read_reply(document, "seed")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "id", "name", "input", "source", "content"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["content", "stop_reason", "stop_details", "usage", "model", "id", "x"]),
        ANY,
        max_size=4,
    )
)
def test_any_json_is_an_answer_or_malformed(members: dict[str, Any]) -> None:
    document = {"type": "message", "content": [], **members}
    with contextlib.suppress(Malformed):
        CODEC.write_reply(CODEC.read_reply(document, "seed"), SPENT, answering(asked()))


def test_an_answer_of_another_wire_is_written_in_this_one() -> None:
    assert told(
        Text("See."),
        ToolCall("call_1", "look", '{"a": 1}'),
        ToolCall("call_2", "see", ""),
        ToolCall("call_3", "patch", "*** Begin", "custom"),
        stop=Stop("tools", "tool_calls"),
        model="gpt-5",
        service_tier="default",
        usage=Usage(
            input=10,
            cache_read=2,
            cache_write_1h=3,
            audio_input=1,
            output=5,
            reasoning=4,
            searches=1,
        ),
    ) == {
        "id": "msg_0123456789abcdef0123456789abcdef",
        "type": "message",
        "role": "assistant",
        "model": "gpt-5",
        "content": [
            {"type": "text", "text": "See."},
            {"type": "tool_use", "id": "call_1", "name": "look", "input": {"a": 1}},
            {"type": "tool_use", "id": "call_2", "name": "see", "input": {}},
            {"type": "tool_use", "id": "call_3", "name": "patch", "input": {"input": "*** Begin"}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 11,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 2,
            "output_tokens": 9,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 3},
            "output_tokens_details": {"thinking_tokens": 4},
            "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
        },
    }


def test_the_service_tier_is_told_in_anthropics_words_alone() -> None:
    assert told(Text("a"), service_tier="priority")["usage"]["service_tier"] == "priority"
    assert "service_tier" not in told(Text("a"), service_tier="flex")["usage"]


@pytest.mark.parametrize(
    ("stop", "called", "word"),
    [
        (Stop("end", "stop"), False, "end_turn"),
        (Stop("end", "stop"), True, "tool_use"),
        (Stop("tools"), False, "end_turn"),
        (Stop("length", "length"), True, "max_tokens"),
        (Stop("stop_sequence", sequence="END"), False, "stop_sequence"),
        (Stop("filtered"), False, "refusal"),
        (Stop("refusal"), False, "refusal"),
        (Stop("paused"), False, "pause_turn"),
    ],
)
def test_the_end_is_told_in_anthropics_words(stop: Stop, *, called: bool, word: str) -> None:
    parts: tuple[Part, ...] = (ToolCall("call_1", "look"),) if called else (Text("a"),)
    document = told(*parts, stop=stop)
    assert (document["stop_reason"], document["stop_sequence"]) == (word, stop.sequence)


def test_thought_is_shown_to_those_who_asked_for_it() -> None:
    parts = (
        Reasoning("Hm.", "sig", "anthropic"),
        Reasoning(signature="sealed", family="anthropic", redacted=True),
        Reasoning("Ha.", "enc", "openai", "rs_1", summary=True),
        Reasoning("So."),
        Text("See."),
    )
    shown = told(*parts, thinks=True)["content"]
    assert shown == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "thinking", "thinking": "Ha.", "signature": "trunkline.openai.rs_1.enc"},
        {"type": "thinking", "thinking": "So.", "signature": "trunkline.none.."},
        {"type": "text", "text": "See."},
    ]
    assert told(*parts)["content"] == [{"type": "text", "text": "See."}]


def test_no_signature_stands_behind_the_words_that_end_a_message() -> None:
    late = Reasoning(signature="late", family="google")
    sealed = {"type": "thinking", "thinking": "", "signature": "trunkline.google..late"}
    words = {"type": "text", "text": "See."}
    assert told(Text("See."), late, thinks=True)["content"] == [words]
    assert told(late, Text("See."), thinks=True)["content"] == [sealed, words]
    assert told(late, thinks=True)["content"] == [sealed]
    redacted = Reasoning(signature="sealed", family="anthropic", redacted=True)
    assert told(Text("See."), redacted, thinks=True)["content"] == [
        words,
        {"type": "redacted_thinking", "data": "sealed"},
    ]


def test_thought_that_was_shown_comes_back_as_it_was() -> None:
    parts = (
        Reasoning("Hm.", "sig", "anthropic"),
        Reasoning("Ha.", "enc.with.dots", "openai", "rs_1", summary=True),
        Reasoning("Hu.", "thought", "google"),
        Reasoning("So."),
    )
    shown = told(*parts, thinks=True)["content"]
    document = {"model": "m", "messages": [{"role": "assistant", "content": shown}]}
    from_caller = CODEC.read_request(document, NOWHERE).messages[0].parts
    assert [_bare(part) for part in from_caller] == list(parts)


def _bare(part: Any) -> Reasoning:
    return Reasoning(part.text, part.signature, part.family, part.id, summary=part.summary)


def test_citations_and_refusals_have_their_places() -> None:
    own = {"type": "char_location", "cited_text": "a"}
    content = told(
        Text(
            "See.",
            citations=(
                Citation("https://example.com", "Title", "words"),
                Citation(wire="anthropic_messages", native=own),
                Citation(),
            ),
        ),
        Refusal("I cannot."),
        Text(""),
        Foreign("openai_responses", {"type": "web_search_call"}),
        Image(Link("https://example.com/a.png")),
    )["content"]
    assert content == [
        {
            "type": "text",
            "text": "See.",
            "citations": [
                {
                    "type": "web_search_result_location",
                    "url": "https://example.com",
                    "title": "Title",
                    "cited_text": "words",
                    "encrypted_index": "",
                },
                own,
                {
                    "type": "web_search_result_location",
                    "url": "",
                    "title": None,
                    "cited_text": "",
                    "encrypted_index": "",
                },
            ],
        },
        {"type": "text", "text": "I cannot."},
    ]


def test_tokens_that_nobody_counted_are_estimated_by_their_text() -> None:
    document = told(Text("12345"), ToolCall("call_1", "look", "{}"), usage=None)
    assert document["usage"] == {
        "input_tokens": 3,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 2,
    }
    reply = Reply(wire="openai_chat", choices=())
    assert CODEC.write_reply(reply, None, answering())["usage"]["input_tokens"] == 0


def test_an_answer_without_a_choice_is_empty() -> None:
    reply = Reply(wire="openai_chat", choices=())
    document = CODEC.write_reply(reply, SPENT, answering(asked(), "alias"))
    assert (document["model"], document["content"]) == ("alias", [])
    assert document["stop_reason"] == "end_turn"


@needs_transcripts
def test_calls_agree_with_another_gateway_but_for_the_cache_and_the_tier() -> None:
    asked_for, theirs = pair("resp.completions.tool_call.completions-messages")
    message = asked_for["choices"][0]["message"]
    written = told(
        *(
            ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in message["tool_calls"]
        ),
        stop=Stop("tools", "tool_calls"),
        model=asked_for["model"],
        service_tier=asked_for["service_tier"],
        usage=Usage(input=25, output=18),
    )
    expected = theirs["response"]
    # They hand on OpenAI's word for the tier, which Anthropic does not know.
    assert expected["usage"].pop("service_tier") == "default"
    # We tell the count of written tokens as well, as Anthropic does.
    expected["usage"]["cache_creation_input_tokens"] = 0
    assert {**written, "id": "[id]"} == expected
