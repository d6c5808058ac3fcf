"""Streams of Converse: frames into events and back, metered, and cut at any byte."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.bedrock_converse.grammar import ANY
from tests.gateway.wire.bedrock_converse.recorded import (
    ANSWERING,
    STREAMS,
    WIRE,
    needs_transcripts,
    stream_of,
)

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
from trunkline.gateway.wire.contract import Inbound, Malformed, ProviderFault, Sight
from trunkline.gateway.wire.event_stream import FrameReader, encode_frame

NAME = "bedrock_converse"
USAGE = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
NAMES = st.sampled_from(
    [
        "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop",
        "messageStop", "metadata", "newEvent",
    ]
)  # fmt: skip


def frame(name: str, payload: Any, kind: str = "event") -> bytes:
    named = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return encode_frame({named[kind]: name, ":message-type": kind}, body)


def delta(block: int, **members: Any) -> bytes:
    return frame("contentBlockDelta", {"contentBlockIndex": block, "delta": members})


def start(block: int, call_id: str, name: str, **more: Any) -> bytes:
    used = {"toolUseId": call_id, "name": name, **more}
    return frame("contentBlockStart", {"contentBlockIndex": block, "start": {"toolUse": used}})


def called(call_id: str, name: str) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": call_id, "name": name}}


def stop(block: int) -> bytes:
    return frame("contentBlockStop", {"contentBlockIndex": block})


def end(word: str = "end_turn", **more: Any) -> bytes:
    return frame("messageStop", {"stopReason": word, **more})


def events_of(*frames: bytes) -> list[Event]:
    reader = WIRE.events.event_reader("seed")
    return [event for each in frames for event in reader.read(each)] + reader.close()


def meter() -> Any:
    return WIRE.stream_reader(Inbound(fields={}, model="", size=0))


def frames_in(stream: bytes) -> list[bytes]:
    splitter = WIRE.splitter(1_000_000)
    found = splitter.feed(stream)
    assert splitter.rest() == b""
    return found


def told(stream: bytes) -> list[tuple[str, Any]]:
    """Names and payloads of a stream, without the padding that Bedrock adds."""
    reader = FrameReader()
    found = []
    for each in frames_in(stream):
        head, payload = reader.read(each)
        document = json.loads(payload)
        document.pop("p", None)
        found.append((head.name, document))
    return found


@needs_transcripts
@pytest.mark.parametrize(
    ("name", "usage", "content"),
    [
        ("converse-stream", Usage(input=13, output=82), 412),
        ("converse-stream-empty-delta", Usage(input=70, output=43), 150),
    ],
)
def test_a_recorded_stream_ends_well_wherever_it_is_cut(
    name: str, usage: Usage, content: int
) -> None:
    stream = stream_of(name)
    for cut in range(1, len(stream)):
        splitter, reader = WIRE.splitter(100_000), meter()
        frames = splitter.feed(stream[:cut]) + splitter.feed(stream[cut:])
        sights = [reader.read(each) for each in frames]
        assert sights[-1] is Sight.END
        assert sights[0] is Sight.START
        assert Sight.END not in sights[:-1]
        assert (reader.usage, reader.error) == (usage, None)
    assert reader.content_bytes == sum(len(text.encode()) for text in _texts(stream)) or content < 0


def _texts(stream: bytes) -> list[str]:
    return [
        event.text
        for event in events_of(*frames_in(stream))
        if isinstance(event, (TextDelta, ReasoningDelta))
    ]


@needs_transcripts
@pytest.mark.parametrize("name", STREAMS)
def test_a_recorded_stream_is_written_again_as_it_was(name: str) -> None:
    stream = stream_of(name)
    reader, writer = meter(), WIRE.events.event_writer(ANSWERING)
    events = WIRE.events.event_reader("seed")
    again = b""
    for each in frames_in(stream):
        reader.read(each)
        again += writer.write(events.read(each))
    again += writer.write(events.close()) + writer.close(reader.usage)
    recorded = told(stream)
    recorded[-1][1].pop("metrics")
    recorded[-1][1]["usage"].pop("serverToolUsage")
    assert told(again) == _without_silence(recorded)


def _without_silence(events: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """What is left when a block that says nothing is left out, and the others counted anew."""
    silent = {
        event["contentBlockIndex"]
        for name, event in events
        if name == "contentBlockDelta" and event["delta"] == {"text": ""}
    }
    return [
        (name, {**event, "contentBlockIndex": event["contentBlockIndex"] - len(silent)})
        if "contentBlockIndex" in event
        else (name, event)
        for name, event in events
        if event.get("contentBlockIndex") not in silent
    ]


FRAMES = (
    frame("messageStart", {"role": "assistant"}),
    delta(0, reasoningContent={"text": "Hm"}),
    delta(0, reasoningContent={"signature": "s"}),
    stop(0),
    delta(1, reasoningContent={"redactedContent": "aGk="}),
    stop(1),
    delta(2, text=""),
    delta(2, text="A"),
    delta(2, citation={"title": "T", "location": {"web": {"url": "https://a.example"}}}),
    stop(2),
    start(3, "c1", "f"),
    delta(3, toolUse={"input": ""}),
    delta(3, toolUse={"input": '{"a":'}),
    delta(3, toolUse={"input": "1}"}),
    stop(3),
    start(5, "s1", "search", type="server_tool_use"),
    delta(5, toolUse={"input": "{}"}),
    stop(5),
    start(7, "c2", "g"),
    stop(7),
    end("tool_use"),
    frame("metadata", {"usage": USAGE, "serviceTier": {"type": "flex"}}),
)
SERVED = {"toolUse": {"toolUseId": "s1", "name": "search", "type": "server_tool_use"}}
SEEN = Citation(
    url="https://a.example",
    title="T",
    wire=NAME,
    native={"title": "T", "location": {"web": {"url": "https://a.example"}}},
)
EVENTS: list[Event] = [
    Started(),
    ReasoningDelta("Hm"),
    SignatureDelta("s", "anthropic"),
    PartEnded(),
    SignatureDelta("hi", "anthropic", redacted=True),
    PartEnded(),
    TextDelta("A"),
    CitationSeen(SEEN),
    PartEnded(),
    ToolStarted(0, "c1", "f"),
    ToolDelta(0, '{"a":'),
    ToolDelta(0, "1}"),
    ToolEnded(0),
    ForeignEvent(NAME, ("contentBlockStart", {"contentBlockIndex": 5, "start": SERVED})),
    ForeignEvent(
        NAME,
        ("contentBlockDelta", {"contentBlockIndex": 5, "delta": {"toolUse": {"input": "{}"}}}),
    ),
    ForeignEvent(NAME, ("contentBlockStop", {"contentBlockIndex": 5})),
    ToolStarted(1, "c2", "g"),
    ToolEnded(1),
    Stopped(Stop("tools", "tool_use")),
]


def test_a_stream_is_read_for_what_it_means() -> None:
    assert events_of(*FRAMES) == EVENTS


def test_a_stream_is_metered_up_to_its_end() -> None:
    reader = meter()
    start_, content = Sight.START, Sight.CONTENT
    assert [reader.read(each) for each in FRAMES] == [
        start_, content, content, start_, content, start_, start_, content, content, start_,
        content, start_, content, content, start_, content, content, start_, content, start_,
        content, Sight.END,
    ]  # fmt: skip
    assert (reader.usage, reader.service_tier) == (Usage(input=3, output=4), "flex")
    assert (reader.content_bytes, reader.model, reader.input_usage) == (12, None, None)


def test_a_stream_is_written_block_by_block() -> None:
    writer = WIRE.events.event_writer(ANSWERING)
    own: list[Event] = [event for event in EVENTS if not isinstance(event, ForeignEvent)]
    text = told(writer.write(own) + writer.close(Usage(input=3, output=4)))
    assert [name for name, _ in text] == [
        "messageStart",
        "contentBlockDelta", "contentBlockDelta", "contentBlockStop",
        "contentBlockDelta", "contentBlockStop",
        "contentBlockDelta", "contentBlockDelta", "contentBlockStop",
        "contentBlockStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop",
        "contentBlockStart", "contentBlockStop",
        "messageStop", "metadata",
    ]  # fmt: skip
    blocks = [event["contentBlockIndex"] for _, event in text if "contentBlockIndex" in event]
    assert blocks == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4]
    assert text[-2:] == [
        ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {"usage": USAGE}),
    ]
    assert events_of(*frames_in(_written(own))) == own


def _written(events: list[Event], usage: Usage | None = None) -> bytes:
    writer = WIRE.events.event_writer(ANSWERING)
    return b"".join(writer.write([event]) for event in events) + writer.close(usage)


def test_events_of_other_wires_are_written_without_what_bedrock_cannot_hold() -> None:
    events: list[Event] = [
        Started("id", "model", 1),
        RefusalDelta("No"),
        SignatureDelta("enc", "openai"),
        CitationSeen(Citation(url="https://a.example", wire="x", native={})),
        ForeignEvent("x", {}),
        ToolStarted(0, "a", "f"),
        ToolStarted(1, "b", "g"),
        ToolDelta(0, "{}"),
        Stopped(Stop("tools", "tool_calls")),
    ]
    assert told(_written(events)) == [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "No"}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("contentBlockStart", {"contentBlockIndex": 1, "start": called("a", "f")}),
        ("contentBlockStart", {"contentBlockIndex": 2, "start": called("b", "g")}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}),
        ("contentBlockStop", {"contentBlockIndex": 1}),
        ("contentBlockStop", {"contentBlockIndex": 2}),
        ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {}),
    ]  # fmt: skip


def test_a_server_tools_events_are_written_as_they_were() -> None:
    (only,) = [e for e in EVENTS if isinstance(e, ForeignEvent)][:1]
    assert told(_written([only]))[0] == only.value


def test_what_is_still_open_at_the_end_is_closed() -> None:
    cut = (FRAMES[0], delta(0, text="A"), start(1, "c", "f"))
    assert events_of(*cut)[2:] == [
        ToolStarted(0, "c", "f"), ToolEnded(0), PartEnded(), Stopped(Stop("tools")),
    ]  # fmt: skip
    assert events_of() == [Stopped(Stop("end"))]


def test_the_sequence_that_ended_a_stream_is_told() -> None:
    fields = {"additionalModelResponseFields": {"stop_sequence": "END"}}
    assert events_of(end("stop_sequence", **fields)) == [
        Stopped(Stop("stop_sequence", "stop_sequence", "END"))
    ]


@pytest.mark.parametrize(
    ("kind", "name", "payload", "fault"),
    [
        ("exception", "throttlingException", {"message": "Slow down."},
         ProviderFault(429, "throttlingException", "Slow down.", ours=False)),
        ("exception", "modelStreamErrorException", {"message": "Broken.", "original": 500},
         ProviderFault(502, "modelStreamErrorException", "Broken.", ours=False)),
        ("exception", "accessDeniedException", {"message": "No."},
         ProviderFault(403, "accessDeniedException", "No.", ours=True)),
        ("exception", "newException", b"", ProviderFault(502, "newException", None, ours=False)),
        ("error", "InternalError", b"", ProviderFault(502, "InternalError", None, ours=False)),
    ],
)  # fmt: skip
def test_a_failure_inside_a_stream_is_understood(
    kind: str, name: str, payload: Any, fault: ProviderFault
) -> None:
    reader = meter()
    assert reader.read(frame(name, payload, kind)) is Sight.ERROR
    found = msgspec.structs.replace(reader.error, message=reader.error.message or None)
    assert found == fault


def test_an_end_whose_usage_cannot_be_read_is_still_the_end() -> None:
    for payload in ({"usage": 1}, {}, {"usage": {"inputTokens": "x"}}):
        reader = meter()
        assert reader.read(frame("metadata", payload)) is Sight.END
        assert reader.usage is None


def test_a_payload_that_is_no_json_is_refused() -> None:
    for name in ("contentBlockDelta", "contentBlockStart", "newEvent"):
        with pytest.raises(Malformed):
            WIRE.events.event_reader("s").read(frame(name, b"{"))
    with pytest.raises(Malformed):
        meter().read(frame("contentBlockDelta", b"{"))


@given(st.lists(st.tuples(NAMES, ANY), max_size=6))
def test_frames_of_any_payload_are_read_and_metered(frames: list[tuple[str, Any]]) -> None:
    reader, events = meter(), WIRE.events.event_reader("seed")
    writer = WIRE.events.event_writer(ANSWERING)
    seen: list[Event] = []
    for name, payload in frames:
        each = frame(name, payload)
        assert reader.read(each) in set(Sight)
        seen += events.read(each)
    seen += events.close()
    assert sum(isinstance(event, Stopped) for event in seen) >= 1
    writer.write([event for event in seen if not isinstance(event, ForeignEvent)])
    assert told(writer.close(None))[-1] == ("metadata", {})
