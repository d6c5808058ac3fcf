import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from tests.gateway.wire.openai_chat.grammar import STREAM
from tests.gateway.wire.recordings import (
    FIXTURES,
    answering,
    metered,
    needs_transcripts,
    recorded,
    retold,
)
from tests.gateway.wire.shapes import thorough

from trunkline.gateway.exchange.parts import Citation
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolEnded,
    ToolStarted,
)
from trunkline.gateway.exchange.request import Message, Request, Tool
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.contract import NOWHERE, Malformed, Sight
from trunkline.gateway.wire.openai_chat.codec import ChatCodec
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat

WIRE = OpenAIChat()
CODEC = ChatCodec()
SEED = "5eed0123456789abcdef0123456789ab"
HEAD = {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "up"}
WHOLE = [
    "azure/stream-chat.sse",
    "deepseek/stream-reasoning.sse",
    "groq/stream-chat.sse",
    "mistral/stream-chat.sse",
    "mistral/stream-tool-call-shape.sse",
    "openai-chat/compat-stream-tool-args-empty-then-full.sse",
    "openai-chat/compat-stream-tool-index-starts-at-1.sse",
    "openai-chat/stream-tools-parallel.sse",
    "openai-chat/stream-usage.sse",
    "together/stream-via-hf-router.sse",
    "xai/stream-tool-call.sse",
]


def frame(*choices: Any, **members: Any) -> bytes:
    return b"data: " + json.dumps({**HEAD, "choices": list(choices), **members}).encode() + b"\n\n"


def delta(index: int = 0, finish: str | None = None, **members: Any) -> dict[str, Any]:
    return {"index": index, "delta": members, "finish_reason": finish}


def read(*frames: bytes) -> list[Event]:
    reader = CODEC.event_reader(SEED)
    events = [event for each in frames for event in reader.read(each)]
    return events + reader.close()


def deltas(*members: dict[str, Any], finish: str = "stop") -> list[Event]:
    """The events of a stream of these deltas, without the start."""
    events = read(*(frame(delta(**each)) for each in members), frame(delta(finish=finish)))
    assert events[0] == Started("c1", "up", 5)
    return events[1:]


def call(index: int | None, **members: Any) -> dict[str, Any]:
    function = {name: members.pop(name) for name in ("name", "arguments") if name in members}
    told = {**members, "function": function} if function else members
    return {"tool_calls": [told if index is None else {"index": index, **told}]}


@needs_transcripts
@pytest.mark.parametrize("name", WHOLE)
def test_a_recorded_stream_is_retold_with_the_same_events(name: str) -> None:
    # One of them lacks the last empty line.
    data = recorded(name).rstrip() + b"\n\n"
    reader, sights, frames = metered(WIRE, [data])
    assert sights[-1] is Sight.END
    asked = CODEC.read_request(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        },
        NOWHERE,
    )
    again = retold(WIRE, WIRE, data, answering(asked, created=1), lambda each: each)
    events, heard = read(*frames), read(*again)
    assert isinstance(events[0], Started)
    created = events[0].created or 1
    assert heard[0] == Started(
        "chatcmpl-0123456789abcdef0123456789abcdef", events[0].model, created
    )
    # The chunk that ends the choice names the stop in OpenAI's words alone.
    assert [type(event) for event in heard] == [type(event) for event in events]
    assert heard[1:-1] == events[1:-1]
    last, told = events[-1], heard[-1]
    assert isinstance(last, Stopped)
    assert isinstance(told, Stopped)
    assert told.stop.reason == last.stop.reason
    told_reader, _, _ = metered(WIRE, again)
    assert told_reader.usage == reader.usage


@needs_transcripts
@pytest.mark.parametrize(
    "name",
    ["openai-chat/stream-usage.sse", "openai-chat/stream-tools-parallel.sse"],
)
def test_what_openai_itself_streams_is_told_frame_by_frame(name: str) -> None:
    """Whole frames; what differs is listed here."""
    data = recorded(name)
    asked = CODEC.read_request(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "stream": True,
            "stream_options": {"include_usage": "usage" in name},
        },
        NOWHERE,
    )

    def documents(frames: list[bytes]) -> list[Any]:
        found = []
        for each in frames:
            text = each.removeprefix(b"data: ").strip()
            document = None if text == b"[DONE]" else json.loads(text)
            if document is not None:
                # The id is ours; the fingerprint belongs to OpenAI.
                document.pop("id")
                document.pop("system_fingerprint", None)
                for choice in document["choices"]:
                    # The first piece tells the role, and no text however that is said.
                    if "role" in choice["delta"]:
                        choice["delta"] = {"role": "assistant"}
                usage = document.get("usage")
                if usage:
                    # Tokens of predictions are nothing that we count.
                    for word in ("accepted", "rejected"):
                        usage["completion_tokens_details"].pop(f"{word}_prediction_tokens", None)
            found.append(document)
        return found

    again = retold(WIRE, WIRE, data, answering(asked), lambda each: each)
    assert documents(again) == documents(metered(WIRE, [data])[2])


def test_text_and_thought_are_parts_one_after_another() -> None:
    assert deltas(
        {"role": "assistant", "content": ""},
        {"reasoning_content": "h"},
        {"reasoning": "m", "content": None},
        {"content": "a"},
        {"content": "b"},
        {"refusal": "no"},
    ) == [
        ReasoningDelta("h"),
        ReasoningDelta("m"),
        PartEnded(),
        TextDelta("a"),
        TextDelta("b"),
        PartEnded(),
        RefusalDelta("no"),
        PartEnded(),
        Stopped(Stop("refusal", "stop")),
    ]


def test_two_kinds_in_one_piece_are_two_parts() -> None:
    piece = {"content": "a", "reasoning_content": "h", **call(0, id="x", name="f", arguments="{}")}
    assert deltas(piece) == [
        ReasoningDelta("h"),
        PartEnded(),
        TextDelta("a"),
        PartEnded(),
        ToolStarted(0, "x", "f"),
        ToolDelta(0, "{}"),
        ToolEnded(0),
        Stopped(Stop("tools", "stop")),
    ]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (
            # OpenAI: fragments under an index, which may begin anywhere.
            [
                call(1, id="a", name="f", arguments=""),
                call(1, arguments='{"x"'),
                call(1, arguments=":1}"),
                call(2, id="b", name="g", arguments="{}"),
            ],
            [("a", "f", '{"x":1}'), ("b", "g", "{}")],
        ),
        (
            # Mistral: whole calls without an index.
            [call(None, id="a", name="f", arguments="{}"), call(None, id="b", name="g")],
            [("a", "f", "{}"), ("b", "g", "")],
        ),
        (
            # Google: whole calls that all have index 0 and no id.
            [
                call(0, id="", name="f", arguments="{}"),
                call(0, id="", name="f", arguments='{"y":2}'),
            ],
            [(f"call_{SEED[-24:]}_0_0", "f", "{}"), (f"call_{SEED[-24:]}_0_1", "f", '{"y":2}')],
        ),
        (
            # The id and the name again with each piece.
            [
                call(0, id="a", name="f", arguments=""),
                call(0, id="a", name="f", arguments='{"x"'),
                call(0, id="a", name="f", arguments=":1}"),
            ],
            [("a", "f", '{"x":1}')],
        ),
        (
            # Another id under the same index.
            [
                call(0, id="a", name="f", arguments="{}"),
                call(0, id="b", name="f", arguments="{}"),
            ],
            [("a", "f", "{}"), ("b", "f", "{}")],
        ),
        (
            # Arguments before the name, and without ids a name that is said twice.
            [
                call(0, arguments='{"x"'),
                call(0, name="f"),
                call(0, name="f", arguments=":1}"),
            ],
            [(f"call_{SEED[-24:]}_0_0", "f", '{"x":1}')],
        ),
        (
            # The pieces of two calls by turns.
            [
                call(0, id="a", name="f", arguments='{"x"'),
                call(1, id="b", name="g", arguments='{"y"'),
                call(0, arguments=":1}"),
                call(1, arguments=":2}"),
            ],
            [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')],
        ),
        (
            # No arguments in every manner.
            [
                call(0, id="a", name="f", arguments="null"),
                call(1, id="b", name="f", arguments="nu"),
                call(1, arguments="ll"),
                call(2, id="c", name="f"),
                call(3, id="d", name="f", arguments={"z": 1}),
                call(4, id="e", name="f", arguments=" "),
            ],
            [
                ("a", "f", ""),
                ("b", "f", ""),
                ("c", "f", ""),
                ("d", "f", '{"z":1}'),
                ("e", "f", ""),
            ],
        ),
        (
            [
                {"function_call": {"name": "f", "arguments": "{"}},
                {"function_call": {"arguments": "}"}},
            ],
            [(f"call_{SEED[-24:]}_0_0", "f", "{}")],
        ),
        ([{"tool_calls": [{"index": 0}]}], []),
        (
            [
                {"tool_calls": [{"index": 0, "id": "a", "custom": {"name": "p", "input": "nu"}}]},
                {"tool_calls": [{"index": 0, "custom": {"input": "ll"}}]},
            ],
            [("a", "p", "null")],
        ),
    ],
)
def test_calls_are_counted_from_0_and_told_one_after_the_other(
    pieces: list[dict[str, Any]], expected: list[tuple[str, str, str]]
) -> None:
    events = deltas(*pieces)
    told: list[tuple[str, str, str]] = []
    under_way = False
    for event in events[:-1]:
        if isinstance(event, ToolStarted):
            assert (event.index, under_way) == (len(told), False)
            told.append((event.id, event.name, ""))
            under_way = True
        elif isinstance(event, ToolDelta):
            assert (event.index, under_way) == (len(told) - 1, True)
            told[-1] = (*told[-1][:2], told[-1][2] + event.arguments)
        else:
            assert event == ToolEnded(len(told) - 1)
            under_way = False
    assert told == expected
    assert events[-1] == Stopped(Stop("tools" if expected else "end", "stop"))


@pytest.mark.parametrize(
    "pieces",
    [
        # A call that goes on after something else was said, and one without a name.
        [call(0, id="a", name="f", arguments="{"), {"content": "x"}, call(0, arguments="}")],
        [call(0, id="a", arguments="{}")],
    ],
)
def test_calls_that_cannot_be_told_are_malformed(pieces: list[dict[str, Any]]) -> None:
    with pytest.raises(Malformed):
        deltas(*pieces)


def test_signatures_are_told_with_their_family() -> None:
    text = {"type": "reasoning.text", "text": "h", "format": "anthropic-claude-v1"}
    seal = {"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1"}
    summary = {"type": "reasoning.summary", "summary": "sum", "format": "openai-responses-v1"}
    sealed = {
        "type": "reasoning.encrypted",
        "data": "d",
        "id": "rs",
        "format": "openai-responses-v1",
    }
    assert deltas(
        {"reasoning": "h", "reasoning_details": [text]},
        {"reasoning_details": [seal, 3]},
        {"content": "a"},
        {"reasoning": "sum", "reasoning_details": [summary]},
        {"reasoning_details": [summary]},
        {"reasoning_details": [sealed]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "u"}]},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "v"}]},
        call(0, id="a", name="f", extra_content={"google": {"thought_signature": "g"}}),
    ) == [
        ReasoningDelta("h"),
        SignatureDelta("s", "anthropic"),
        PartEnded(),
        TextDelta("a"),
        PartEnded(),
        ReasoningDelta("sum", summary=True),
        ReasoningDelta("sum", summary=True),
        SignatureDelta("d", "openai", id="rs"),
        ReasoningDelta("t"),
        SignatureDelta("u", "anthropic"),
        SignatureDelta("v", "anthropic", redacted=True),
        PartEnded(),
        ToolStarted(0, "a", "f", signature="g", family="google"),
        ToolEnded(0),
        Stopped(Stop("tools", "stop")),
    ]


def test_mistrals_lists_are_thought_and_text() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "h"}], "signature": "s"}
    reference = {"type": "reference", "reference_ids": [1]}
    items = [thinking, {"type": "text", "text": "a"}, {"type": "text", "text": ""}, reference, "b"]
    assert deltas({"content": items}) == [
        ReasoningDelta("h"),
        SignatureDelta("s", "other"),
        PartEnded(),
        TextDelta("a"),
        ForeignEvent("openai_chat", {"content": [reference]}),
        TextDelta("b"),
        PartEnded(),
        Stopped(Stop("end", "stop")),
    ]


def test_sources_sound_and_pictures_are_told() -> None:
    annotation = {"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}
    image = {"type": "image_url", "image_url": {"url": "x"}}
    assert deltas(
        {"content": "a", "annotations": [annotation]},
        {"audio": {"id": "s", "data": "aGk="}},
        {"images": [image]},
    ) == [
        TextDelta("a"),
        CitationSeen(Citation("u", "t", wire="openai_chat", native=annotation)),
        ForeignEvent("openai_chat", {"audio": {"id": "s", "data": "aGk="}}),
        ForeignEvent("openai_chat", {"images": [image]}),
        PartEnded(),
        Stopped(Stop("end", "stop")),
    ]


def test_several_choices_are_told_apart() -> None:
    logprobs = {"content": [{"token": "a"}]}
    assert read(
        frame(delta(1, content="b"), {**delta(0, content="a"), "logprobs": logprobs}),
        frame(delta(1, content="B")),
        frame(delta(0, "length")),
        frame(delta(1, **call(0, id="x", name="f"))),
        frame(delta(1, "stop")),
        frame(usage={"prompt_tokens": 1}),
        b"data: [DONE]\n\n",
    ) == [
        Started("c1", "up", 5),
        TextDelta("b", 1),
        TextDelta("a", 0, logprobs),
        TextDelta("B", 1),
        PartEnded(1),
        ToolStarted(0, "x", "f", 1),
        PartEnded(0),
        Stopped(Stop("length", "length"), 0),
        ToolEnded(0, 1),
        Stopped(Stop("tools", "stop"), 1),
    ]


def test_a_stop_that_is_named_twice_is_told_once_and_last() -> None:
    events = read(
        frame(delta(finish="length", content="a")),
        frame(delta(content="b")),
        frame({**delta(finish="stop"), "native_finish_reason": "end_turn"}),
    )
    assert events[1:] == [
        TextDelta("a"),
        TextDelta("b"),
        PartEnded(),
        Stopped(Stop("end", "end_turn")),
    ]


def test_a_stream_without_anything_still_stops() -> None:
    assert read(frame(prompt_filter_results=[]), b": ping\n\n") == [Stopped(Stop())]


def test_members_of_strange_types_do_not_hide_the_others() -> None:
    strange = {**delta(content="a", refusal=3, tool_calls="?"), "finish_reason": 4, "index": "0"}
    assert read(frame(strange, 3, created="now", id=7)) == [
        Started(None, "up", None),
        TextDelta("a"),
        PartEnded(),
        Stopped(Stop()),
    ]
    assert read(b"data: [1]\n\n", frame({"delta": 3})) == [Started("c1", "up", 5), Stopped(Stop())]


@pytest.mark.parametrize(
    "data", [b"{", b"nope", b'{"choices":[{"delta":{"content":3}', b"[" * 9999]
)
def test_a_frame_that_is_no_json_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(b"data: " + data + b"\n\n")


@settings(thorough, max_examples=120)
@given(STREAM)
def test_no_stream_makes_the_reader_raise_anything_but_its_own_error(chunks: list[Any]) -> None:
    try:
        events = read(*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks))
    except Malformed:
        return
    check_grammar(events)
    writer = CODEC.event_writer(answering())
    told = writer.write(events) + writer.close(None)
    for each in told.split(b"\n\n")[:-2]:
        json.loads(each.removeprefix(b"data: "))
    assert told.endswith(b"data: [DONE]\n\n")


def check_grammar(events: list[Event]) -> None:
    """Parts one after another in each choice, calls counted from 0, one stop and nothing after."""
    calls: dict[int, int] = {}
    open_calls: dict[int, int] = {}
    stopped: set[int] = set()
    for event in events:
        if isinstance(event, Started):
            assert event is events[0]
            continue
        at = event.choice
        assert at not in stopped
        if isinstance(event, ToolStarted):
            assert event.index == calls.get(at, 0)
            assert at not in open_calls
            assert event.id
            calls[at] = event.index + 1
            open_calls[at] = event.index
        elif isinstance(event, ToolDelta):
            assert open_calls[at] == event.index
        elif isinstance(event, ToolEnded):
            assert open_calls.pop(at) == event.index
        elif isinstance(event, Stopped):
            stopped.add(at)
            assert (event.stop.reason == "tools") <= (at in calls)
        elif not isinstance(event, PartEnded | ForeignEvent | CitationSeen):
            assert at not in open_calls


def write(*events: Event, usage: Usage | None = None, request: Any = None) -> list[Any]:
    """The documents of the frames, without their heads, which must all be the same."""
    writer = CODEC.event_writer(answering(request, "public", 7))
    told = writer.write(list(events)) + writer.close(usage)
    frames = told.split(b"\n\n")
    assert frames[-2:] == [b"data: [DONE]", b""]
    documents = [json.loads(each.removeprefix(b"data: ")) for each in frames[:-2]]
    started = next((event for event in events if isinstance(event, Started)), Started())
    for document in documents:
        head = {name: document.pop(name) for name in ("id", "object", "created", "model")}
        assert head == {
            "id": "chatcmpl-0123456789abcdef0123456789abcdef",
            "object": "chat.completion.chunk",
            "created": started.created or 7,
            "model": started.model or "public",
        }
    return documents


def told_deltas(*events: Event, request: Any = None) -> list[Any]:
    """What the deltas say between the role and the stop."""
    documents = write(*events, request=request)
    found = [document["choices"][0]["delta"] for document in documents]
    assert found[0] == {"role": "assistant", "content": ""}
    assert found[-1] == {}
    return found[1:-1]


def chunk(delta: Any, finish: str | None = None, index: int = 0, **members: Any) -> Any:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish, **members}
    return {"choices": [choice]}


ROLE = {"role": "assistant", "content": ""}


def test_a_stream_of_another_wire_is_told_as_chunks() -> None:
    logprobs = {"content": [{"token": "b"}]}
    asked = Request(wire="openai_chat", model="m", messages=(), wants_usage=True)
    documents = write(
        Started("theirs", "up", 5),
        TextDelta("a"),
        TextDelta("b\n", logprobs=logprobs),
        PartEnded(),
        Stopped(Stop("end", "STOP")),
        usage=Usage(input=3, output=2),
        request=asked,
    )
    usage = {
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "total_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }
    assert documents == [
        {**chunk(ROLE), "usage": None},
        {**chunk({"content": "a"}), "usage": None},
        {**chunk({"content": "b\n"}, logprobs=logprobs), "usage": None},
        {**chunk({}, "stop", native_finish_reason="STOP"), "usage": None},
        {"choices": [], "usage": usage},
    ]


def test_usage_that_nobody_knows_or_wants_is_not_told() -> None:
    wanted = Request(wire="openai_chat", model="m", messages=(), wants_usage=True)
    unwanted = msgspec.structs.replace(wanted, wants_usage=False)
    stop = Stopped(Stop())
    assert write(stop, request=wanted) == [
        {**chunk(ROLE), "usage": None},
        {**chunk({}, "stop"), "usage": None},
    ]
    expected = [chunk(ROLE), chunk({}, "stop")]
    assert write(stop, usage=Usage(input=1), request=unwanted) == expected
    assert write() == expected


def test_calls_are_told_as_they_come_and_always_have_arguments() -> None:
    signed = ToolStarted(1, "y", "g", signature="s", family="google")
    assert told_deltas(
        ToolStarted(0, "x", "f"),
        ToolDelta(0, '{"a"'),
        ToolDelta(0, ":1}"),
        ToolEnded(0),
        signed,
        ToolEnded(1),
        ToolStarted(2, "z", "p", kind="custom"),
        ToolDelta(2, "text"),
        ToolEnded(2),
        Stopped(Stop("end")),
    ) == [
        call(0, id="x", type="function", name="f", arguments=""),
        call(0, arguments='{"a"'),
        call(0, arguments=":1}"),
        call(
            1,
            id="y",
            type="function",
            name="g",
            arguments="",
            extra_content={"google": {"thought_signature": "s"}},
        ),
        call(1, arguments="{}"),
        {
            "tool_calls": [
                {"index": 2, "id": "z", "type": "custom", "custom": {"name": "p", "input": ""}}
            ]
        },
        {"tool_calls": [{"index": 2, "custom": {"input": "text"}}]},
    ]
    finish = write(ToolStarted(0, "x", "f"), ToolEnded(0), Stopped(Stop("end")))[-1]
    assert finish["choices"][0]["finish_reason"] == "tool_calls"


def test_thought_and_its_signature_are_told_together() -> None:
    assert told_deltas(
        ReasoningDelta("h"),
        ReasoningDelta("m"),
        SignatureDelta("s", "anthropic"),
        PartEnded(),
        SignatureDelta("r", "anthropic", redacted=True),
        PartEnded(),
        ReasoningDelta("sum", summary=True),
        SignatureDelta("e", "openai", id="rs"),
        PartEnded(),
        ReasoningDelta("unsigned"),
        PartEnded(),
        SignatureDelta("late", "google"),
        TextDelta("a"),
    ) == [
        {"reasoning_content": "h"},
        {"reasoning_content": "m"},
        {
            "reasoning_details": [
                {
                    "type": "reasoning.text",
                    "text": "hm",
                    "format": "anthropic-claude-v1",
                    "index": 0,
                    "signature": "s",
                }
            ]
        },
        {
            "reasoning_details": [
                {
                    "type": "reasoning.encrypted",
                    "data": "r",
                    "format": "anthropic-claude-v1",
                    "index": 1,
                }
            ]
        },
        {"reasoning_content": "sum"},
        {
            "reasoning_details": [
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
        {"reasoning_content": "unsigned"},
        {
            "reasoning_details": [
                {
                    "type": "reasoning.encrypted",
                    "data": "late",
                    "format": "google-gemini-v1",
                    "index": 3,
                }
            ]
        },
        {"content": "a"},
    ]


def test_refusals_sources_and_what_is_ours_are_told_and_the_rest_is_not() -> None:
    sound = {"audio": {"data": "aGk="}}
    assert told_deltas(
        TextDelta("abc"),
        CitationSeen(Citation("u", "t")),
        RefusalDelta("no"),
        ForeignEvent("openai_chat", sound),
        ForeignEvent("openai_chat", 3),
        ForeignEvent("gemini", {"x": 1}),
        Stopped(Stop("refusal")),
    ) == [
        {"content": "abc"},
        {
            "annotations": [
                {
                    "type": "url_citation",
                    "url_citation": {"start_index": 0, "end_index": 3, "title": "t", "url": "u"},
                }
            ]
        },
        {"refusal": "no"},
        sound,
    ]


def test_each_choice_has_its_role_and_its_stop() -> None:
    assert write(
        TextDelta("b", 1),
        PartEnded(2),
        TextDelta("a", 0),
        Stopped(Stop("length"), 1),
        Stopped(Stop("refusal"), 0),
    ) == [
        chunk(ROLE, index=1),
        chunk({"content": "b"}, index=1),
        chunk(ROLE, index=0),
        chunk({"content": "a"}, index=0),
        chunk({}, "content_filter", 0),
        chunk({}, "length", 1),
    ]


def test_a_caller_who_knows_function_calls_alone_gets_one() -> None:
    asked = CODEC.read_request(
        {
            "model": "m",
            "messages": [{"role": "user", "content": "x"}],
            "functions": [{"name": "f"}],
        },
        NOWHERE,
    )
    events: list[Event] = [
        ToolStarted(0, "x", "f"),
        ToolEnded(0),
        ToolStarted(1, "y", "f"),
        ToolDelta(1, "{}"),
        ToolEnded(1),
        Stopped(Stop("tools")),
    ]
    assert told_deltas(*events, request=asked) == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]
    finish = write(*events, request=asked)[-1]["choices"][0]["finish_reason"]
    assert finish == "function_call"


def test_a_function_in_the_place_of_a_custom_tool_is_told_as_that_tool() -> None:
    asked = Request(
        wire="openai_chat",
        model="m",
        messages=(Message("user", ()),),
        tools=(Tool("patch", "custom"),),
    )
    assert told_deltas(
        ToolStarted(0, "x", "patch"),
        ToolDelta(0, '{"input":"*** '),
        ToolDelta(0, 'Begin"}'),
        ToolEnded(0),
        request=asked,
    ) == [
        {
            "tool_calls": [
                {"index": 0, "id": "x", "type": "custom", "custom": {"name": "patch", "input": ""}}
            ]
        },
        {"tool_calls": [{"index": 0, "custom": {"input": "*** Begin"}}]},
    ]


@needs_transcripts
def test_another_gateways_stream_agrees() -> None:
    """Chunk by chunk, but for what is listed."""
    folder = FIXTURES / "translation-pairs"
    name = "resp.anthropic.stream_thinking.messages-completions-streaming"
    given = (folder / f"{name}.input.sse").read_bytes()
    other = (folder / f"{name}.output.txt").read_text()
    source = AnthropicMessages()
    frames = source.splitter(1 << 20).feed(given + b"\n\n")
    assert source.events is not None
    reader, writer = source.events.event_reader(SEED), CODEC.event_writer(answering())
    told = b"".join(writer.write(reader.read(each)) for each in frames if each.strip())
    ours = [json.loads(each[6:])["choices"][0] for each in told.split(b"\n\n") if each]
    theirs = [
        json.loads(line[6:])["choices"][0]
        for line in other.splitlines()
        if line.startswith("data: {")
    ]
    # It tells the role with the first thought and repeats that there is no text; we tell the
    # signature as well, which it leaves out.
    assert ours.pop(0)["delta"] == ROLE
    said = [each["delta"] for each in ours]
    seals = [each for each in said if "reasoning_details" in each]
    assert len(seals) == 1
    signature = seals[0]["reasoning_details"][0]["signature"]
    assert signature.encode() in given
    words = [each for each in said if each not in seals]
    heard = [
        {key: value for key, value in each["delta"].items() if value is not None and key != "role"}
        for each in theirs
    ]
    assert words == [each for each in heard if each]
