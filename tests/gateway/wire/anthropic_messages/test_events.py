"""Streams: read from Anthropic, and written for its callers."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.wire.anthropic_messages.grammar import events_of, message_of
from tests.gateway.wire.anthropic_messages.recorded import streams
from tests.gateway.wire.recordings import FIXTURES, answering, metered, needs_transcripts

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
from trunkline.gateway.exchange.request import ReasoningAsk, Request
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.anthropic_messages.codec import AnthropicMessagesCodec
from trunkline.gateway.wire.anthropic_messages.event_reader import MessagesEventReader
from trunkline.gateway.wire.anthropic_messages.event_writer import MessagesEventWriter
from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.contract import Malformed, Sight
from trunkline.gateway.wire.registry import WIRES

WIRE = AnthropicMessages()
CODEC = AnthropicMessagesCodec()
SPENT = Usage(input=3, output=5)
ID = "msg_0123456789abcdef0123456789abcdef"


def asked(*, thinks: bool = False) -> Request:
    ask = ReasoningAsk(enabled=True) if thinks else None
    return Request(wire="anthropic_messages", model="alias", messages=(), reasoning=ask)


def frame(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def begin(index: int, **block: Any) -> bytes:
    return frame("content_block_start", index=index, content_block=block)


def piece(index: int, **delta: Any) -> bytes:
    return frame("content_block_delta", index=index, delta=delta)


def end(index: int) -> bytes:
    return frame("content_block_stop", index=index)


def read(*frames: bytes) -> list[Event]:
    reader = CODEC.event_reader("seed")
    events = [event for one in frames for event in reader.read(one)]
    return events + reader.close()


def told(*steps: list[Event], usage: Usage | None = SPENT, thinks: bool = False) -> dict[str, Any]:
    """The message that the caller gathers from these events."""
    return message_of(events_of(_written(*steps, usage=usage, thinks=thinks)))


def _written(*steps: list[Event], usage: Usage | None = SPENT, thinks: bool = False) -> bytes:
    writer = CODEC.event_writer(answering(asked(thinks=thinks), "alias"))
    return b"".join(writer.write(events) for events in steps) + writer.close(usage)


START = frame("message_start", message={"id": "msg_1", "model": "claude", "usage": {}})
DELTA = frame("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5})
STOP = frame("message_stop")


def test_a_text_is_read_piece_by_piece() -> None:
    assert read(
        START,
        frame("ping"),
        begin(0, type="text", text="A"),
        piece(0, type="text_delta", text="b"),
        piece(0, type="text_delta", text=""),
        b": comment\n\n",
        end(0),
        DELTA,
        STOP,
    ) == [
        Started("msg_1", "claude"),
        TextDelta("A"),
        TextDelta("b"),
        PartEnded(),
        Stopped(Stop("end", "end_turn")),
    ]


def test_calls_are_counted_from_zero_whatever_stands_between_them() -> None:
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    events = read(
        START,
        begin(0, type="text", text=""),
        end(0),
        begin(1, type="tool_use", id="toolu_1", name="look", input={}),
        piece(1, type="input_json_delta", partial_json=""),
        piece(1, type="input_json_delta", partial_json='{"a":'),
        piece(1, type="input_json_delta", partial_json="1}"),
        end(1),
        begin(2, **search),
        piece(2, type="input_json_delta", partial_json="{}"),
        end(2),
        begin(3, type="tool_use", id="toolu_2", name="see", input={"b": 2}),
        end(3),
        frame("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 5}),
        STOP,
    )
    wire = "anthropic_messages"
    assert events == [
        Started("msg_1", "claude"),
        PartEnded(),
        ToolStarted(0, "toolu_1", "look"),
        ToolDelta(0, '{"a":'),
        ToolDelta(0, "1}"),
        ToolEnded(0),
        ForeignEvent(wire, {"type": "content_block_start", "index": 2, "content_block": search}),
        ForeignEvent(
            wire,
            {
                "type": "content_block_delta",
                "index": 2,
                "delta": {"type": "input_json_delta", "partial_json": "{}"},
            },
        ),
        ForeignEvent(wire, {"type": "content_block_stop", "index": 2}),
        ToolStarted(1, "toolu_2", "see"),
        ToolDelta(1, '{"b":2}'),
        ToolEnded(1),
        Stopped(Stop("tools", "tool_use")),
    ]


def test_thought_is_read_with_its_signature() -> None:
    assert read(
        START,
        begin(0, type="thinking", thinking="H", signature=""),
        piece(0, type="thinking_delta", thinking="m."),
        piece(0, type="thinking_delta", thinking=""),
        piece(0, type="signature_delta", signature="sig"),
        end(0),
        begin(1, type="redacted_thinking", data="sealed"),
        end(1),
        begin(2, type="thinking", thinking="", signature="whole"),
        piece(2, type="signature_delta", signature=""),
        end(2),
    ) == [
        Started("msg_1", "claude"),
        ReasoningDelta("H"),
        ReasoningDelta("m."),
        SignatureDelta("sig", "anthropic"),
        PartEnded(),
        SignatureDelta("sealed", "anthropic", redacted=True),
        PartEnded(),
        SignatureDelta("whole", "anthropic"),
        PartEnded(),
        Stopped(Stop("end")),
    ]


def test_sources_refusals_and_new_pieces_are_read() -> None:
    native = {"type": "web_search_result_location", "url": "https://example.com", "title": "T"}
    assert read(
        START,
        begin(0, type="text", text=""),
        piece(0, type="citations_delta", citation=native),
        piece(0, type="new_delta", a=1),
        end(0),
        frame(
            "message_delta",
            delta={"stop_reason": "refusal", "stop_details": {"explanation": "I cannot."}},
            usage={},
        ),
    ) == [
        Started("msg_1", "claude"),
        CitationSeen(
            Citation("https://example.com", "T", wire="anthropic_messages", native=native)
        ),
        ForeignEvent(
            "anthropic_messages",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "a": 1}},
        ),
        PartEnded(),
        RefusalDelta("I cannot."),
        Stopped(Stop("refusal", "refusal")),
    ]


def test_what_is_open_at_the_end_is_ended() -> None:
    assert read(
        START,
        START,
        begin(0, type="tool_use", id="toolu_1", name="look"),
        frame("message_delta"),
        frame("message_delta", delta={"stop_reason": "stop_sequence", "stop_sequence": "END"}),
        frame("message_delta", delta={}),
        end(7),
    ) == [
        Started("msg_1", "claude"),
        ToolStarted(0, "toolu_1", "look"),
        ToolEnded(0),
        Stopped(Stop("stop_sequence", "stop_sequence", "END")),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b"data: {}\n\n",
        frame("content_block_start", index=0),
        frame("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}),
        begin(0, type="tool_use", name="look"),
        begin(0, type="tool_use", id="toolu_1"),
        begin(0, type="text", text=5),
        b'data: {"type":' + b"[" * 5_000 + b"\n\n",
    ],
)
def test_a_frame_that_is_none_is_malformed(bad: bytes) -> None:
    with pytest.raises(Malformed):
        CODEC.event_reader("seed").read(bad)


EVENTS = (
    "message_start", "content_block_start", "content_block_delta", "content_block_stop",
    "message_delta", "message_stop", "ping", "error", "new",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(EVENTS)},
            optional={
                "index": st.integers(0, 2) | st.none(),
                "delta": st.dictionaries(
                    st.sampled_from(["type", "text", "partial_json", "thinking", "stop_reason"]),
                    st.sampled_from(["text_delta", "input_json_delta", "a"]) | st.none(),
                ),
                "content_block": st.dictionaries(
                    st.sampled_from(["type", "id", "name", "data"]),
                    st.sampled_from(["text", "tool_use", "redacted_thinking", "new"]),
                ),
            },
        ),
        max_size=8,
    )
)
def test_any_events_are_read_or_malformed(events: list[dict[str, Any]]) -> None:
    reader = CODEC.event_reader("seed")
    read_so_far: list[Event] = []
    for event in events:
        with contextlib.suppress(Malformed):
            read_so_far += reader.read(b"data: " + json.dumps(event).encode() + b"\n\n")
    steps = [*read_so_far, *reader.close()]
    assert _written(steps, thinks=True).endswith(events_end())
    # What only this wire knows is told again as it came, and is as odd as it came.
    plain: list[Event] = [event for event in steps if not isinstance(event, ForeignEvent)]
    assert told(plain, thinks=True)["type"] == "message"


def events_end() -> bytes:
    return b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


@pytest.mark.parametrize(("name", "body"), streams())
def test_recorded_streams_are_retold(name: str, body: bytes) -> None:
    meter, sights, frames = metered(WIRE, [body])
    assert (sights[-1], meter.error) == (Sight.END, None)
    reader, writer = CODEC.event_reader("seed"), CODEC.event_writer(answering(asked(thinks=True)))
    stream = b"".join(writer.write(reader.read(one)) for one in frames)
    stream += writer.write(reader.close()) + writer.close(meter.usage)
    recorded = [event for event in _data_of(body) if event["type"] != "ping"]
    ours = events_of(stream)
    assert message_of(ours)["id"] == ID
    # The id is ours; the input is told at the end, where other providers tell it.
    assert _without_usage(ours[0]["message"]) == {
        **_without_usage(recorded[0]["message"]),
        "id": ID,
    }
    # Empty pieces of arguments are left out, and a call without any has its empty object.
    spoken = [event for event in recorded[1:-2] if event.get("delta", {}).get("partial_json") != ""]
    if name == "stream-tool-no-args-shape.sse":
        delta = {"type": "input_json_delta", "partial_json": "{}"}
        spoken.insert(-1, {"type": "content_block_delta", "index": 1, "delta": delta})
    assert ours[1:-2] == spoken
    assert ours[-1] == recorded[-1]
    assert ours[-2]["delta"] == recorded[-2]["delta"]
    theirs = {**recorded[0]["message"]["usage"], **recorded[-2]["usage"]}
    counts = {name: count for name, count in ours[-2]["usage"].items() if count}
    assert counts == {name: theirs[name] for name in counts}


def _data_of(body: bytes) -> list[dict[str, Any]]:
    lines = body.split(b"\n")
    return [json.loads(line[5:]) for line in lines if line.startswith(b"data:")]


def _without_usage(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "usage"}


@pytest.mark.parametrize(("name", "body"), streams())
def test_recorded_streams_end_alike_wherever_they_are_split(name: str, body: bytes) -> None:
    whole, sights, frames = metered(WIRE, [body])
    for place in range(1, len(body), 7 if len(body) > 4_000 else 1):
        meter, seen, pieces = metered(WIRE, [body[:place], body[place:]])
        assert (pieces, seen) == (frames, sights)
        assert (meter.usage, meter.content_bytes) == (whole.usage, whole.content_bytes)


def test_a_stream_of_another_wire_has_the_grammar_of_this_one() -> None:
    assert events_of(
        _written(
            [Started("x", "gpt-5")],
            [TextDelta("Se"), TextDelta("e.")],
            [ToolStarted(0, "call_1", "look"), ToolDelta(0, '{"a":')],
            [ToolDelta(0, "1}"), ToolEnded(0)],
            [Stopped(Stop("tools", "tool_calls"))],
        )
    ) == [
        {
            "type": "message_start",
            "message": {
                "id": ID,
                "type": "message",
                "role": "assistant",
                "model": "gpt-5",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 0, "output_tokens": 0},
            },
        },
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Se"},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "e."},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "call_1", "name": "look", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"a":'},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": "1}"},
        },
        {"type": "content_block_stop", "index": 1},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {
                "input_tokens": 3,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 5,
            },
        },
        {"type": "message_stop"},
    ]


def test_nothing_is_told_before_something_is_known() -> None:
    writer = CODEC.event_writer(answering(asked()))
    assert writer.write([]) == b""
    assert writer.write([TextDelta("")]) == b""
    assert writer.write([Stopped(Stop())]) == b""


def test_an_answer_without_content_is_whole() -> None:
    message = told([Started()], [Stopped(Stop("filtered", "content_filter"))])
    assert (message["model"], message["content"]) == ("alias", [])
    assert message["stop_reason"] == "refusal"
    assert told()["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        ([], {}),
        ([""], {}),
        (["null"], {}),
        (["nu", "ll"], {}),
        (['{"a": 1}'], {"a": 1}),
        ([" ", "\n", '{"a":', " 1}"], {"a": 1}),
        (["[1", ",2]"], {"input": [1, 2]}),
        (["not json"], {"input": "not json"}),
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_arguments_are_an_object_at_the_end(
    pieces: list[str], arguments: dict[str, Any], *, ended: bool
) -> None:
    deltas: list[Event] = [ToolDelta(0, one) for one in pieces]
    last: list[Event] = [ToolEnded(0)] if ended else []
    message = told([ToolStarted(0, "call_1", "look")], deltas, last)
    assert message["content"] == [
        {"type": "tool_use", "id": "call_1", "name": "look", "input": arguments}
    ]


def test_the_text_of_a_custom_tool_is_its_one_argument() -> None:
    message = told(
        [ToolStarted(0, "call_1", "patch", kind="custom"), ToolDelta(0, '{"a"'), ToolDelta(0, ":")],
        [ToolEnded(0)],
    )
    assert message["content"][0]["input"] == {"input": '{"a":'}


def test_calls_that_come_by_turns_are_told_one_after_the_other() -> None:
    message = told(
        [ToolStarted(0, "call_1", "look"), ToolDelta(0, '{"a":')],
        [ToolStarted(1, "call_2", "see"), ToolDelta(1, '{"b":')],
        [ToolStarted(2, "call_3", "hear"), ToolDelta(2, "{}"), ToolEnded(2)],
        [ToolDelta(0, "1}"), ToolDelta(1, "2"), ToolEnded(0)],
        [ToolDelta(1, "}"), ToolEnded(1), ToolEnded(9), ToolDelta(9, "{}")],
    )
    assert [(block["id"], block["input"]) for block in message["content"]] == [
        ("call_1", {"a": 1}),
        ("call_2", {"b": 2}),
        ("call_3", {}),
    ]


def test_calls_that_wait_are_told_before_what_comes_after_them() -> None:
    message = told(
        [ToolStarted(0, "call_1", "look"), ToolDelta(0, "{}")],
        [ToolStarted(1, "call_2", "see"), ToolDelta(1, "{}")],
        [TextDelta("Done.")],
    )
    assert [block.get("id") for block in message["content"]] == ["call_1", "call_2", None]
    waiting = told(
        [ToolStarted(0, "call_1", "look")],
        [ToolStarted(1, "call_2", "see"), ToolStarted(2, "call_3", "hear"), ToolEnded(1)],
    )
    assert [block["id"] for block in waiting["content"]] == ["call_1", "call_2", "call_3"]


def test_two_kinds_of_content_in_one_frame_are_two_blocks() -> None:
    message = told([TextDelta("I look."), ToolStarted(0, "call_1", "look"), ToolDelta(0, "{}")])
    assert [block["type"] for block in message["content"]] == ["text", "tool_use"]


def test_text_goes_on_in_its_block_until_it_is_ended() -> None:
    message = told([TextDelta("a")], [TextDelta("b"), PartEnded()], [TextDelta("c")], [PartEnded()])
    assert [block["text"] for block in message["content"]] == ["ab", "c"]


def test_thought_is_told_to_those_who_asked_for_it() -> None:
    steps: list[list[Event]] = [
        [ReasoningDelta("H"), ReasoningDelta("m.")],
        [SignatureDelta("sig", "anthropic"), PartEnded()],
        [SignatureDelta("sealed", "anthropic", redacted=True), PartEnded()],
        [ReasoningDelta("Ha."), SignatureDelta("enc", "openai", id="rs_1")],
        [ReasoningDelta("So."), PartEnded(), ReasoningDelta("")],
        [SignatureDelta("alone", "google"), TextDelta("See.")],
    ]
    assert told(*steps, thinks=True)["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "thinking", "thinking": "Ha.", "signature": "trunkline.openai.rs_1.enc"},
        {"type": "thinking", "thinking": "So.", "signature": "trunkline.none.."},
        {"type": "thinking", "thinking": "", "signature": "trunkline.google..alone"},
        {"type": "text", "text": "See."},
    ]
    assert told(*steps)["content"] == [{"type": "text", "text": "See."}]


def test_no_signature_stands_behind_the_words_that_end_a_message() -> None:
    late = SignatureDelta("late", "google")
    sealed = {"type": "thinking", "thinking": "", "signature": "trunkline.google..late"}
    words = {"type": "text", "text": "See."}
    assert told([TextDelta("See."), late], thinks=True)["content"] == [words]
    assert told([TextDelta("Se"), late, TextDelta("e.")], thinks=True)["content"] == [words]
    assert told([late], thinks=True)["content"] == [sealed]
    message = told([TextDelta("See."), late], [ToolStarted(0, "call_1", "look")], thinks=True)
    assert message["content"] == [
        words,
        sealed,
        {"type": "tool_use", "id": "call_1", "name": "look", "input": {}},
    ]


def test_thought_that_is_not_shown_keeps_the_caller_waiting_with_pings() -> None:
    told_so_far = events_of(_written([ReasoningDelta("Hm.")], [ReasoningDelta("Ha.")]))
    assert [event["type"] for event in told_so_far[:3]] == ["message_start", "ping", "ping"]


def test_sources_and_refusals_stand_in_text() -> None:
    message = told(
        [CitationSeen(Citation("https://example.com", "T", "words")), TextDelta("See.")],
        [RefusalDelta(" No.")],
    )
    assert message["content"] == [
        {
            "type": "text",
            "text": "See. No.",
            "citations": [
                {
                    "type": "web_search_result_location",
                    "url": "https://example.com",
                    "title": "T",
                    "cited_text": "words",
                    "encrypted_index": "",
                }
            ],
        }
    ]


def test_events_of_this_wire_are_told_again_under_their_own_index() -> None:
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    frames = (
        START,
        begin(4, **search),
        piece(4, type="input_json_delta", partial_json='{"q":1}'),
        end(4),
        begin(5, type="text", text=""),
        piece(5, type="text_delta", text="See."),
        end(5),
        frame("message_delta", delta={"stop_reason": "pause_turn"}, usage={}),
    )
    message = told(read(*frames))
    assert message["content"] == [
        {**search, "input": {"q": 1}},
        {"type": "text", "text": "See."},
    ]
    assert message["stop_reason"] == "pause_turn"


def test_events_of_other_wires_and_of_alternatives_are_left_out() -> None:
    message = told(
        [ForeignEvent("gemini", {"executableCode": {}}), ForeignEvent("anthropic_messages", {})],
        [TextDelta("a"), TextDelta("b", choice=1), ToolStarted(0, "call_1", "look", choice=1)],
        [TextDelta("c", choice=1)],
        [TextDelta("d")],
        [Stopped(Stop("length"), choice=1)],
    )
    assert message["content"] == [{"type": "text", "text": "ad"}]
    assert message["stop_reason"] == "end_turn"


def test_tokens_that_nobody_counted_are_estimated_by_what_was_told() -> None:
    steps: list[Event] = [TextDelta("12345"), ToolStarted(0, "call_1", "look")]
    message = told(
        steps, [ToolDelta(0, '{"a":"ö"}')], [TextDelta("67")], [TextDelta("8")], usage=None
    )
    assert message["usage"] == {"input_tokens": 0, "output_tokens": 5}


@needs_transcripts
@pytest.mark.parametrize(
    "name", sorted(file.name for file in (FIXTURES / "openai-chat").glob("*.sse"))
)
def test_recorded_streams_of_openai_reach_callers_of_this_wire(name: str) -> None:
    provider = WIRES["openai_chat"]
    assert provider.events is not None
    # One of them was kept without its last empty line.
    body = (FIXTURES / "openai-chat" / name).read_bytes().rstrip() + b"\n\n"
    meter, _, frames = metered(provider, [body])
    reader = provider.events.event_reader("5eed")
    writer = CODEC.event_writer(answering(asked()))
    stream = b"".join(writer.write(reader.read(one)) for one in frames)
    stream += writer.write(reader.close()) + writer.close(meter.usage)
    message = message_of(events_of(stream))
    said, called = _said_by_openai(body)
    assert "".join(b["text"] for b in message["content"] if b["type"] == "text") == said
    assert [b["input"] for b in message["content"] if b["type"] == "tool_use"] == called
    assert (message["stop_reason"] == "tool_use") == bool(called)


def _said_by_openai(body: bytes) -> tuple[str, list[Any]]:
    """The text and the arguments of a stream of chat completions."""
    said, calls = "", dict[int, str]()
    lines = [line[5:].strip() for line in body.split(b"\n") if line.startswith(b"data:")]
    for chunk in (json.loads(line) for line in lines if line != b"[DONE]"):
        for choice in chunk["choices"]:
            said += choice["delta"].get("content") or ""
            for call in choice["delta"].get("tool_calls") or ():
                calls.setdefault(call["index"], "")
                calls[call["index"]] += call["function"].get("arguments") or ""
    return said, [json.loads(arguments or "{}") for arguments in calls.values()]


def test_reader_and_writer_are_made_for_one_stream_each() -> None:
    assert isinstance(CODEC.event_reader("seed"), MessagesEventReader)
    assert isinstance(CODEC.event_writer(answering(asked())), MessagesEventWriter)
