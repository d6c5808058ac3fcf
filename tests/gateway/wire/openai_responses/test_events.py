"""Streams: a provider's events are read whatever it leaves out, and a caller's are exact."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter
from tests.gateway.wire.openai_responses.grammar import STREAM
from tests.gateway.wire.recordings import answering, metered, needs_transcripts, recorded
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
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import NOWHERE, Malformed
from trunkline.gateway.wire.openai_responses.codec import ResponsesCodec
from trunkline.gateway.wire.openai_responses.passing import OpenAIResponses

WIRE = OpenAIResponses()
CODEC = ResponsesCodec()
SEED = "5eed0123456789abcdef0123456789ab"
ID = "0123456789abcdef0123456789abcdef"
RECORDED = [
    "openai-responses/stream-text.sse",
    "openai-responses/stream-tool-calls-multi.sse",
    "openai-responses/stream-reasoning-tool.sse",
    "openai-responses/stream-reasoning-summary-shape.sse",
]
TOOLS = [
    {
        "type": "namespace",
        "name": "mcp__box",
        "description": "A box.",
        "tools": [{"type": "function", "name": "open"}],
    },
    {"type": "custom", "name": "patch"},
]


def frame(kind: str, **members: Any) -> bytes:
    return f"data: {json.dumps({'type': kind, **members})}\n\n".encode()


def read(*frames: bytes) -> list[Event]:
    reader = CODEC.event_reader(SEED)
    events = [event for each in frames for event in reader.read(each)]
    return events + reader.close()


def content(*frames: bytes) -> list[Event]:
    """The events of a stream, without the start and the stop."""
    events = read(frame("response.created", response={"id": "r", "model": "up"}), *frames)
    assert events[0] == Started("r", "up")
    assert isinstance(events[-1], Stopped)
    return events[1:-1]


def asked(**members: Any) -> Any:
    return CODEC.read_request(
        {"model": "public", "input": "hi", "stream": True, **members}, NOWHERE
    )


def told(*events: Event, usage: Usage | None = None, request: Any = None) -> list[dict[str, Any]]:
    """The data of all frames for these events; their grammar is checked on the way."""
    writer = CODEC.event_writer(answering(request or asked()))
    # Each event by itself says the same as all of them at once.
    data = b"".join(writer.write([event]) for event in events) + writer.close(usage)
    at_once = CODEC.event_writer(answering(request or asked()))
    assert at_once.write(list(events)) + at_once.close(usage) == data
    documents = []
    for number, each in enumerate(WIRE.splitter(1 << 20).feed(data)):
        name, line, *rest = each.decode().split("\n")
        document = json.loads(line.removeprefix("data: "))
        assert (name, rest) == (f"event: {document['type']}", ["", ""])
        assert document["sequence_number"] == number
        documents.append(document)
        sdk_types().validate_python(document)
    return documents


@cache
def sdk_types() -> TypeAdapter[Any]:
    """What OpenAI's own SDK takes for an event."""
    return TypeAdapter(ResponseStreamEvent)


def kinds(documents: list[dict[str, Any]]) -> list[str]:
    return [document["type"].removeprefix("response.") for document in documents]


def shape(data: bytes) -> list[Any]:
    """What a stream tells, without ids, numbers, padding and what the request had said."""
    shapes = []
    for each in WIRE.splitter(1 << 20).feed(data):
        document = json.loads(each.split(b"data: ")[1])
        kept = {
            name: document.get(name)
            for name in (
                "type", "delta", "text", "arguments", "output_index", "content_index",
                "summary_index", "part",
            )
        }  # fmt: skip
        kept["item"] = _item(document.get("item"), done=document["type"].endswith(".done"))
        response = document.get("response") or {}
        kept["status"] = response.get("status")
        kept["output"] = [_item(item, done=True) for item in response.get("output", ())]
        shapes.append(kept)
    return shapes


def _item(item: Any, *, done: bool) -> Any:
    if item is None:
        return None
    kept = {name: value for name, value in item.items() if name != "id"}
    if not done:
        # What is encrypted before its end means nothing.
        kept.pop("encrypted_content", None)
    return kept


@needs_transcripts
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_stream_is_retold_with_the_same_events(name: str) -> None:
    data = recorded(name)
    reader, _, frames = metered(WIRE, [data])
    events, writer = CODEC.event_reader(SEED), CODEC.event_writer(answering())
    retold = b"".join(writer.write(events.read(each)) for each in frames)
    retold += writer.write(events.close()) + writer.close(reader.usage)
    before, after = shape(data), shape(retold)
    # The terminal event of these recordings encrypts anew what its item had before.
    for kept in (before[-1], after[-1]):
        for item in kept["output"]:
            item.pop("encrypted_content", None)
    assert after == before


@thorough
@given(documents=STREAM)
def test_every_stream_is_told_or_malformed(documents: list[Any]) -> None:
    reader, meter = (
        CODEC.event_reader(SEED),
        WIRE.stream_reader(WIRE.read_request(b'{"model":"m","input":"x"}', "chat")),
    )
    writer = CODEC.event_writer(answering(asked(tools=TOOLS)))
    for document in documents:
        data = b"data: " + json.dumps(document).encode() + b"\n\n"
        try:
            meter.read(data)
            writer.write(reader.read(data))
        except Malformed:
            return
    assert b"event: response." in writer.write(reader.close()) + writer.close(meter.usage)


def test_text_is_read_piece_by_piece() -> None:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    tokens = [{"token": "b", "logprob": -1.0}]
    message = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "ab"}],
    }
    assert content(
        frame("response.in_progress", response={}),
        frame("response.output_item.added", item={"type": "message"}, output_index=0),
        frame("response.output_text.delta", delta="a", logprobs=[], **place),
        frame("response.output_text.delta", delta="", logprobs=[], **place),
        frame("response.output_text.delta", delta="b", logprobs=tokens, **place),
        frame("response.output_text.done", text="ab", **place),
        frame("response.content_part.done", part={}, **place),
        frame("response.output_item.done", item=message, output_index=0),
        frame("response.completed", response={"status": "completed"}),
    ) == [TextDelta("a"), TextDelta("b", 0, {"content": tokens}), PartEnded()]


def test_thought_is_closed_by_its_signature() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "ab"}, {"type": "summary_text", "text": "c"}],
        "encrypted_content": "gAAA",
    }
    place = {"item_id": "rs_1", "output_index": 0}
    assert content(
        frame("response.output_item.added", item={"type": "reasoning"}, output_index=0),
        frame("response.reasoning_summary_part.added", summary_index=0, **place),
        frame("response.reasoning_summary_text.delta", delta="ab", **place),
        frame("response.reasoning_summary_part.done", summary_index=0, **place),
        frame("response.reasoning_summary_part.added", summary_index=1, **place),
        frame("response.reasoning_summary_text.delta", delta="c", **place),
        frame("response.output_item.done", item=item, output_index=0),
    ) == [
        ReasoningDelta("ab", 0, summary=True, id="rs_1"),
        PartEnded(),
        ReasoningDelta("c", 0, summary=True, id="rs_1"),
        SignatureDelta("gAAA", "openai", id="rs_1"),
        PartEnded(),
    ]


def test_thought_as_it_was_is_no_summary() -> None:
    assert content(frame("response.reasoning_text.delta", delta="hm", item_id="rs_1")) == [
        ReasoningDelta("hm", id="rs_1"),
        PartEnded(),
    ]


def test_thought_that_came_whole_is_told() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "a"}],
        "encrypted_content": "trunkline.anthropic.redacted.x",
    }
    assert content(frame("response.output_item.done", item=item)) == [
        ReasoningDelta("a", 0, summary=True, id="rs_1"),
        SignatureDelta("x", "anthropic", redacted=True, id="rs_1"),
        PartEnded(),
    ]


def test_refusals_and_sources_are_read() -> None:
    source = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
    assert content(
        frame("response.output_text.delta", delta="a"),
        frame("response.output_text.annotation.added", annotation=source),
        frame("response.content_part.done"),
        frame("response.refusal.delta", delta="no"),
    ) == [
        TextDelta("a"),
        CitationSeen(Citation("u", "t", None, 0, 1, "openai_responses", source)),
        PartEnded(),
        RefusalDelta("no"),
        PartEnded(),
    ]
    assert read(frame("response.refusal.delta", delta="no"))[-1] == Stopped(Stop("refusal"))


CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": ""}
PLACE = {"item_id": "fc_1", "output_index": 0}


def added(**members: Any) -> bytes:
    return frame("response.output_item.added", output_index=0, item={**CALL, **members})


def done(**members: Any) -> bytes:
    return frame("response.output_item.done", output_index=0, item={**CALL, **members})


def piece(delta: str, **members: Any) -> bytes:
    return frame("response.function_call_arguments.delta", delta=delta, **{**PLACE, **members})


def whole(arguments: str) -> bytes:
    return frame("response.function_call_arguments.done", arguments=arguments, **PLACE)


BEGUN = ToolStarted(0, "c1", "f")


@pytest.mark.parametrize(
    ("frames", "pieces"),
    [
        (
            [added(), piece('{"a'), piece('":1}'), whole('{"a":1}'), done(arguments='{"a":1}')],
            ['{"a', '":1}'],
        ),
        ([added(), whole('{"a":1}'), done(arguments='{"a":1}')], ['{"a":1}']),
        ([added(), piece(""), done(arguments='{"a":1}')], ['{"a":1}']),
        ([added(arguments='{"a":1}'), done(arguments='{"a":1}')], ['{"a":1}']),
        ([done(arguments='{"a":1}')], ['{"a":1}']),
        ([piece('{"a":1}'), done(arguments='{"a":1}')], ['{"a":1}']),
        ([piece('{"a":1}'), whole('{"a":1}'), done()], ['{"a":1}']),
        ([whole('{"a":1}'), done()], ['{"a":1}']),
        ([added(), piece('{"a":1}', item_id="other"), done(arguments='{"a":1}')], ['{"a":1}']),
        ([added(), piece('{"a'), done(arguments='{"b":1}')], ['{"a']),
        ([added(), added(), piece('{"a":1}')], ['{"a":1}']),
        ([added(), done(), done()], ["{}"]),
        ([added(), done(arguments="null")], ["{}"]),
    ],
)  # fmt: skip
def test_a_call_is_read_however_it_is_told(frames: list[bytes], pieces: list[str]) -> None:
    assert content(*frames) == [
        BEGUN,
        *[ToolDelta(0, each) for each in pieces],
        ToolEnded(0),
    ]
    assert read(*frames)[-1] == Stopped(Stop("tools"))


def test_calls_are_counted_from_nothing_and_may_overlap() -> None:
    second = {
        "id": "ctc_1",
        "type": "custom_tool_call",
        "call_id": "c2",
        "name": "patch",
        "input": "",
    }
    assert content(
        added(),
        frame("response.output_item.added", output_index=1, item=second),
        frame("response.custom_tool_call_input.delta", item_id="ctc_1", output_index=1, delta="x"),
        piece("{}"),
        frame("response.custom_tool_call_input.done", item_id="ctc_1", output_index=1, input="xy"),
        done(arguments="{}"),
        frame("response.output_item.done", output_index=1, item={**second, "input": "xy"}),
    ) == [
        BEGUN,
        ToolStarted(1, "c2", "patch", kind="custom"),
        ToolDelta(1, "x"),
        ToolDelta(0, "{}"),
        ToolDelta(1, "y"),
        ToolEnded(0),
        ToolEnded(1),
    ]


def test_an_answer_may_stand_in_the_terminal_event_alone() -> None:
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {**CALL, "arguments": "{}"},
        {"type": "web_search_call", "id": "ws_1"},
    ]
    response = {
        "id": "r",
        "model": "up",
        "status": "completed",
        "created_at": 7.5,
        "output": output,
    }
    assert read(frame("response.completed", response=response)) == [
        Started("r", "up", 7),
        PartEnded(),
        TextDelta("a"),
        PartEnded(),
        BEGUN,
        ToolDelta(0, "{}"),
        ToolEnded(0),
        Stopped(Stop("tools", "completed")),
    ]


def test_text_that_came_with_its_item_is_told_once() -> None:
    message = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "a"}],
    }
    assert content(
        frame("response.output_item.added", item={"type": "message"}),
        frame("response.output_item.done", item=message),
        frame("response.completed", response={"output": [message]}),
    ) == [TextDelta("a"), PartEnded()]


def test_a_stream_that_was_never_begun_begins_with_its_first_piece() -> None:
    assert read(frame("response.output_text.delta", delta="a"))[:2] == [Started(), TextDelta("a")]


@pytest.mark.parametrize(
    ("details", "stop"),
    [
        ({"reason": "max_output_tokens"}, Stop("length", "max_output_tokens")),
        ({"reason": "content_filter"}, Stop("filtered", "content_filter")),
        (None, Stop("length", "incomplete")),
    ],
)
def test_a_stream_may_be_cut(details: Any, stop: Stop) -> None:
    response = {"status": "incomplete", "incomplete_details": details}
    assert read(frame("response.incomplete", response=response))[-1] == Stopped(stop)


def test_events_of_the_providers_own_tools_are_kept_for_callers_of_this_wire() -> None:
    search = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "x"},
    }
    frames = [
        frame("response.output_item.added", sequence_number=9, output_index=3, item=search),
        frame("response.output_item.done", sequence_number=9, output_index=3, item=search),
    ]
    events = content(*frames)
    assert all(isinstance(event, ForeignEvent) for event in events)
    documents = told(Started(), TextDelta("a"), PartEnded(), *events, Stopped(Stop()))
    assert [(d["type"], d["output_index"]) for d in documents if d.get("item") == search] == [
        ("response.output_item.added", 1),
        ("response.output_item.done", 1),
    ]
    assert documents[-1]["response"]["output"][1] == search


@pytest.mark.parametrize(
    "data", [b": comment\n\n", b"data: [DONE]\n\n", b'data: {"delta":7}\n\n', b"data: 7\n\n"]
)
def test_frames_that_say_nothing_are_no_events(data: bytes) -> None:
    assert CODEC.event_reader(SEED).read(data) == []


@pytest.mark.parametrize(
    "data",
    [b"data: {\n\n", frame("response.output_item.done", item={"type": "function_call"})],
)
def test_frames_that_break_the_wires_promise_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        CODEC.event_reader(SEED).read(data)


def test_a_whole_stream_is_written_in_openais_grammar() -> None:
    documents = told(
        Started("chatcmpl-1", "up", 7),
        ReasoningDelta("hm"),
        SignatureDelta("sig", "anthropic"),
        PartEnded(),
        TextDelta("Hel"),
        TextDelta("lo"),
        PartEnded(),
        ToolStarted(0, "c1", "f"),
        ToolDelta(0, '{"a"'),
        ToolDelta(0, ":1}"),
        ToolEnded(0),
        Stopped(Stop("tools")),
        usage=Usage(input=3, cache_read=2, output=4, reasoning=1),
    )
    assert kinds(documents) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    first, last = documents[0]["response"], documents[-1]["response"]
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)
    assert (last["id"], last["model"], last["created_at"]) == (f"resp_{ID}", "up", 7)
    assert last["output"] == [d["item"] for d in documents if d["type"].endswith("item.done")]
    assert last["output"] == [
        {
            "id": f"rs_{ID}_0",
            "type": "reasoning",
            "encrypted_content": "trunkline.anthropic.shown.sig",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "hm"}],
        },
        {
            "id": f"msg_{ID}_1",
            "type": "message",
            "status": "completed",
            "content": [
                {"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}
            ],
            "role": "assistant",
        },
        {
            "id": f"fc_{ID}_2",
            "type": "function_call",
            "status": "completed",
            "arguments": '{"a":1}',
            "call_id": "c1",
            "name": "f",
        },
    ]
    assert last["usage"] == {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 10,
    }


def test_a_summary_of_several_texts_is_one_item() -> None:
    documents = told(
        Started(),
        ReasoningDelta("a", 0, summary=True, id="rs_7"),
        PartEnded(),
        ReasoningDelta("b", 0, summary=True, id="rs_7"),
        SignatureDelta("gAAA", "openai", id="rs_7"),
        PartEnded(),
        Stopped(Stop()),
    )
    assert documents[-1]["response"]["output"] == [
        {
            "id": "rs_7",
            "type": "reasoning",
            "encrypted_content": "gAAA",
            "summary": [{"type": "summary_text", "text": t} for t in "ab"],
        }
    ]
    assert [d["summary_index"] for d in documents if d["type"].endswith("part.added")] == [0, 1]


def test_thoughts_without_ids_are_items_of_their_own() -> None:
    documents = told(
        ReasoningDelta("a"),
        PartEnded(),
        ReasoningDelta("b"),
        SignatureDelta("x", "google"),
        SignatureDelta("y", "anthropic", redacted=True),
        TextDelta("c"),
        Stopped(Stop()),
    )
    output = documents[-1]["response"]["output"]
    assert [(item["type"], item.get("encrypted_content")) for item in output] == [
        ("reasoning", None),
        ("reasoning", "trunkline.google.shown.x"),
        ("reasoning", "trunkline.anthropic.redacted.y"),
        ("message", None),
    ]


@pytest.mark.parametrize(
    ("pieces", "told_pieces", "arguments"),
    [
        ([], ["{}"], "{}"),
        ([""], ["{}"], "{}"),
        (["nu", "ll"], ["{}"], "{}"),
        ([" ", '{"a":', "1}"], [' {"a":', "1}"], ' {"a":1}'),
        (['{"a":1}'], ['{"a":1}'], '{"a":1}'),
        (["n", "o"], ["no"], "no"),
    ],
)
def test_arguments_are_valid_json_at_the_end(
    pieces: list[str], told_pieces: list[str], arguments: str
) -> None:
    events: list[Event] = [
        ToolStarted(0, "c", "f"),
        *[ToolDelta(0, each) for each in pieces],
        ToolEnded(0),
    ]
    documents = told(*events, Stopped(Stop()))
    assert [d["delta"] for d in documents if d["type"].endswith(".delta")] == told_pieces
    assert documents[-1]["response"]["output"][0]["arguments"] == arguments


def test_callers_get_their_own_names_of_tools_and_their_custom_tools() -> None:
    documents = told(
        ToolStarted(0, "c1", "mcp__box__open"),
        ToolDelta(0, "{}"),
        ToolStarted(1, "c2", "patch"),
        ToolDelta(1, '{"inp'),
        ToolDelta(1, 'ut":"*** Begin"}'),
        ToolEnded(0),
        ToolEnded(1),
        ToolStarted(2, "c3", "patch", kind="custom"),
        ToolDelta(2, "nu"),
        ToolEnded(2),
        Stopped(Stop("tools")),
        request=asked(tools=TOOLS),
    )
    assert documents[-1]["response"]["output"] == [
        {
            "id": f"fc_{ID}_0",
            "type": "function_call",
            "status": "completed",
            "arguments": "{}",
            "call_id": "c1",
            "name": "open",
            "namespace": "mcp__box",
        },
        *[
            {
                "id": f"ctc_{ID}_{number}",
                "type": "custom_tool_call",
                "status": "completed",
                "input": text,
                "call_id": call_id,
                "name": "patch",
            }
            for number, call_id, text in ((1, "c2", "*** Begin"), (2, "c3", "nu"))
        ],
    ]
    assert [d["delta"] for d in documents if d["type"].endswith("input.delta")] == [
        "*** Begin",
        "nu",
    ]


def test_a_call_that_never_ended_is_whole_at_the_end() -> None:
    documents = told(ToolStarted(0, "c", "f"), ToolDelta(0, "{}"), ToolDelta(5, "x"), ToolEnded(5))
    assert kinds(documents)[-2:] == ["output_item.done", "completed"]


def test_a_refusal_is_a_part_of_the_message_and_a_whole_answer() -> None:
    documents = told(
        TextDelta("a"),
        RefusalDelta("no"),
        RefusalDelta(""),
        RefusalDelta("."),
        Stopped(Stop("refusal")),
    )
    assert kinds(documents)[6:] == [
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    (message,) = documents[-1]["response"]["output"]
    assert message["content"][1] == {"type": "refusal", "refusal": "no."}


def test_sources_and_probabilities_stand_with_their_text() -> None:
    tokens = [{"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}]
    documents = told(
        CitationSeen(Citation("https://x.test", "X")),
        TextDelta("a", 0, {"content": tokens}),
        CitationSeen(Citation(title="Y", cited="words", start=0, end=1)),
        Stopped(Stop()),
    )
    (message,) = documents[-1]["response"]["output"]
    element = message["content"][0]
    assert element["logprobs"] == tokens
    assert [a["title"] for a in element["annotations"]] == ["X", "Y"]
    assert element["annotations"][1]["cited_text"] == "words"
    assert [d["annotation_index"] for d in documents if "annotation_index" in d] == [0, 1]


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        (Stop("length"), "incomplete", "max_output_tokens"),
        (Stop("filtered"), "incomplete", "content_filter"),
        (Stop("refusal"), "incomplete", "content_filter"),
        (Stop("end"), "completed", None),
    ],
)
def test_the_terminal_event_says_why_it_stopped(
    stop: Stop, status: str, reason: str | None
) -> None:
    documents = told(TextDelta("a"), Stopped(stop))
    last = documents[-1]
    assert (last["type"], last["response"]["status"]) == (f"response.{status}", status)
    details = None if reason is None else {"reason": reason}
    assert last["response"]["incomplete_details"] == details
    assert last["response"]["output"][0]["status"] == status
    assert last["response"]["usage"] is None


def test_a_stream_without_any_content_is_a_whole_response() -> None:
    assert kinds(told()) == ["created", "in_progress", "completed"]


def test_a_caller_of_this_wire_has_one_answer() -> None:
    documents = told(
        TextDelta("a"), TextDelta("b", 1), ToolStarted(0, "c", "f", 1), Stopped(Stop())
    )
    assert len(documents[-1]["response"]["output"]) == 1


def test_events_of_other_wires_are_left_out() -> None:
    assert kinds(told(ForeignEvent("gemini", {}))) == ["created", "in_progress", "completed"]


def test_what_is_written_is_read_again() -> None:
    events: list[Event] = [
        Started(f"resp_{ID}", "up", 7),
        ReasoningDelta("hm", id="rs_1"),
        SignatureDelta("sig", "anthropic", id="rs_1"),
        PartEnded(),
        TextDelta("a"),
        PartEnded(),
        ToolStarted(0, "c", "f"),
        ToolDelta(0, "{}"),
        ToolEnded(0),
        Stopped(Stop("tools", "completed")),
    ]
    writer, reader = CODEC.event_writer(answering(asked())), CODEC.event_reader(SEED)
    data = writer.write(events) + writer.close(None)
    again = [e for each in WIRE.splitter(1 << 20).feed(data) for e in reader.read(each)]
    assert again + reader.close() == events
