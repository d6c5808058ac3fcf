import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.gemini.grammar import REPLIES
from tests.gateway.wire.recordings import answering, metered, needs_transcripts, recorded
from tests.gateway.wire.shapes import thorough

from trunkline.gateway.exchange.parts import Citation, Reasoning
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
from trunkline.gateway.wire.contract import Malformed
from trunkline.gateway.wire.gemini.passing import Gemini
from trunkline.gateway.wire.gemini.seals import seal, unseal

WIRE = Gemini(streams=True)
SEED = "0123456789abcdef0123456789abcdef"
RESPONSE_ID = "ASNFZ4mrze8BI0VniavN7w"


def frame(*candidates: Any, **members: Any) -> bytes:
    if candidates:
        members = {"candidates": list(candidates), **members}
    return b"data: " + json.dumps(members).encode() + b"\r\n\r\n"


def says(*parts: Any, **members: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), "role": "model"}, **members}


def read(*frames: bytes) -> list[Event]:
    reader = WIRE.events.event_reader(SEED)
    return [event for one in frames for event in reader.read(one)] + reader.close()


def call(number: int, call_id: str, name: str, arguments: str) -> list[Event]:
    return [
        ToolStarted(number, call_id, name),
        ToolDelta(number, arguments),
        ToolEnded(number),
    ]


def documents(data: bytes) -> list[Any]:
    return [json.loads(one[5:]) for one in WIRE.splitter(1 << 20).feed(data)]


@needs_transcripts
@pytest.mark.parametrize(
    "name",
    ["stream-text", "stream-tool-thought-signature", "stream-tool-thought-signature-followup"],
)
def test_a_recorded_stream_is_retold(name: str) -> None:
    """Three rules: only the last event has the usage, it comes by itself, and the id is ours."""
    data = recorded(f"gemini/{name}.sse")
    meter, _, frames = metered(WIRE, [data])
    reader, writer = WIRE.events.event_reader(SEED), WIRE.events.event_writer(answering())
    raw = b"".join(writer.write(reader.read(one)) for one in frames)
    raw += writer.write(reader.close()) + writer.close(meter.usage)
    came, told = documents(data), documents(raw)

    def parts(stream: list[Any]) -> list[Any]:
        found = [p for one in stream for p in one["candidates"][0]["content"]["parts"]]
        for part in found:
            part.get("functionCall", {}).pop("id", None)
        return [part for part in found if part != {"text": ""}]

    assert parts(told) == parts(came)
    assert [one["candidates"][0].get("finishReason") for one in told][-1:] == ["STOP"]
    counted = {
        name: count
        for name, count in came[-1]["usageMetadata"].items()
        if not name.endswith("Details")
    }
    assert told[-1]["usageMetadata"] == counted
    assert {one["modelVersion"] for one in told} == {came[0]["modelVersion"]}
    assert {one["responseId"] for one in told} == {RESPONSE_ID}


def test_a_stream_as_events() -> None:
    logprobs = {"chosenCandidates": [{"token": "Hi", "logProbability": -0.5}]}
    grounding = {"groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}]}
    told = read(
        frame(
            says({"text": "hm", "thought": True}, {"text": "Hi"}, logprobsResult=logprobs),
            modelVersion="m",
            responseId="r",
        ),
        b": nothing\r\n\r\n",
        frame(
            says(
                {"text": "!", "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "f", "args": {"a": 1}}},
                finishReason="STOP",
            )
        ),
        frame(
            says(
                {"functionCall": {"id": "x", "name": "g"}, "thoughtSignature": "Y2FsbA=="},
                {"executableCode": {"code": "1"}},
                index=0,
            ),
            says({"text": "other"}, index=1, finishReason="MAX_TOKENS"),
        ),
        frame(says({"text": ""}, finishReason="STOP", groundingMetadata=grounding)),
    )
    listed = {
        "content": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}],
        "refusal": None,
    }
    assert told == [
        Started("r", "m"),
        ReasoningDelta("hm"),
        TextDelta("Hi", 0, listed),
        TextDelta("!"),
        SignatureDelta("c2ln", "google"),
        *call(0, "call_89abcdef0123456789abcdef_0", "f", '{"a": 1}'),
        ToolStarted(1, "x", "g", signature="Y2FsbA==", family="google"),
        ToolDelta(1, "{}"),
        ToolEnded(1),
        ForeignEvent("gemini", {"executableCode": {"code": "1"}}),
        TextDelta("other", 1),
        CitationSeen(Citation("https://a", "A", wire="gemini")),
        Stopped(Stop("tools", "STOP")),
        Stopped(Stop("length", "MAX_TOKENS"), 1),
    ]


def test_calls_are_counted_for_each_candidate_and_their_ids_for_all() -> None:
    part = {"functionCall": {"name": "f", "args": None}}
    told = read(frame(says(part), says(part, index=1)))
    started = [event for event in told if isinstance(event, ToolStarted)]
    assert [(one.index, one.choice, one.id[-2:]) for one in started] == [
        (0, 0, "_0"),
        (0, 1, "_1"),
    ]
    assert [event.arguments for event in told if isinstance(event, ToolDelta)] == ["{}", "{}"]


def test_a_blocked_prompt_and_an_empty_answer_end() -> None:
    blocked = read(frame(promptFeedback={"blockReason": "SAFETY"}, modelVersion="m"))
    assert blocked == [Started(None, "m"), Stopped(Stop("filtered", "SAFETY"))]
    assert read(frame(modelVersion="m")) == [Started(None, "m"), Stopped(Stop("end"))]


def test_a_call_that_google_could_not_read_is_no_answer() -> None:
    bad = frame({"finishReason": "MALFORMED_FUNCTION_CALL"})
    with pytest.raises(Malformed, match="MALFORMED_FUNCTION_CALL"):
        read(bad)
    told = read(frame(says({"text": "a"})), bad)
    assert told[-1] == Stopped(Stop("end", "MALFORMED_FUNCTION_CALL"))


@pytest.mark.parametrize(
    "raw",
    [
        b"data: {\r\n\r\n",
        b"data: []\r\n\r\n",
        frame({"content": 5}),
        frame(says({"functionCall": {"args": {}}})),
        b"data: " + b"[" * 9999 + b"\r\n\r\n",
    ],
)
def test_an_event_that_breaks_its_promise_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read(raw)


@thorough
@given(REPLIES)
def test_no_event_makes_the_reader_raise_anything_but_its_own_error(document: Any) -> None:
    reader = WIRE.events.event_reader(SEED)
    try:
        events = reader.read(b"data: " + json.dumps(document).encode() + b"\n\n")
    except Malformed:
        return
    told = [*events, *reader.close()]
    stops = [event.choice for event in told if isinstance(event, Stopped)]
    assert stops == sorted(set(stops))
    for choice in stops:
        of_choice = [event for event in told if getattr(event, "choice", None) == choice]
        assert isinstance(of_choice[-1], Stopped)
    writer = WIRE.events.event_writer(answering())
    finished = documents(writer.write(told) + writer.close(None))[-1]
    assert [one["index"] for one in finished["candidates"]] == stops


def retell(*events: Event, usage: Usage | None = None) -> list[Any]:
    writer = WIRE.events.event_writer(answering())
    whole = [writer.write([event]) for event in events]
    at_once = WIRE.events.event_writer(answering())
    told = b"".join(whole) + writer.close(usage)
    assert at_once.write(list(events)) + at_once.close(usage) == told
    return documents(told)


def chunk(part: Any, index: int = 0, model: str = "claude", **members: Any) -> Any:
    candidate = {"content": {"parts": [part], "role": "model"}, "index": index, **members}
    return {"candidates": [candidate], "modelVersion": model, "responseId": RESPONSE_ID}


def test_events_of_any_provider_become_chunks() -> None:
    listed = {"content": [{"token": "!", "logprob": -0.5}]}
    told = retell(
        Started("id", "claude", 5),
        ReasoningDelta("hm"),
        PartEnded(),
        TextDelta("Hé \u2028"),
        TextDelta("!", 0, listed),
        TextDelta("?", 0, {"content": None}),
        CitationSeen(Citation("https://h", "H", None, 1, 2)),
        RefusalDelta("no"),
        ToolStarted(0, "c0", "f"),
        ToolStarted(1, "c1", "g", signature="c2ln", family="google"),
        ToolDelta(0, '{"a"'),
        ToolDelta(1, "null"),
        ToolDelta(0, ":1}"),
        ToolDelta(7, "{}"),
        ToolEnded(0),
        ToolEnded(7),
        TextDelta("two", 1),
        ForeignEvent("gemini", {"executableCode": {}}),
        ForeignEvent("other", {"type": "odd"}),
        Stopped(Stop("tools", "tool_use")),
        Stopped(Stop("refusal", "refusal"), 1),
        usage=Usage(input=3, output=2),
    )
    assert told == [
        chunk({"text": "hm", "thought": True}),
        chunk({"text": "Hé \u2028"}),
        chunk(
            {"text": "!"},
            logprobsResult={
                "chosenCandidates": [{"token": "!", "logProbability": -0.5}],
                "topCandidates": [{"candidates": []}],
            },
        ),
        chunk({"text": "?"}),
        chunk({"text": "no"}),
        chunk({"functionCall": {"id": "c0", "name": "f", "args": {"a": 1}}}),
        chunk({"text": "two"}, 1),
        chunk({"executableCode": {}}),
        # Its end was never told, so it comes with the end of everything.
        chunk({"functionCall": {"id": "c1", "name": "g", "args": {}}, "thoughtSignature": "c2ln"}),
        {
            "candidates": [
                {
                    "content": {"parts": [{"text": ""}], "role": "model"},
                    "finishReason": "STOP",
                    "index": 0,
                    "groundingMetadata": {
                        "groundingChunks": [{"web": {"uri": "https://h", "title": "H"}}],
                        "groundingSupports": [
                            {
                                "segment": {"startIndex": 1, "endIndex": 3, "text": "é"},
                                "groundingChunkIndices": [0],
                            }
                        ],
                    },
                },
                {
                    "content": {"parts": [{"text": ""}], "role": "model"},
                    "finishReason": "SAFETY",
                    "finishMessage": "refusal",
                    "index": 1,
                },
            ],
            "usageMetadata": {
                "promptTokenCount": 3,
                "candidatesTokenCount": 2,
                "totalTokenCount": 5,
            },
            "modelVersion": "claude",
            "responseId": RESPONSE_ID,
        },
    ]


def test_a_stream_that_says_nothing_ends_all_the_same() -> None:
    (only,) = retell()
    assert only == chunk({"text": ""}, model="public", finishReason="STOP")


def test_sources_without_an_address_are_not_told() -> None:
    last = retell(TextDelta("a"), CitationSeen(Citation(None, "A")))[-1]
    assert "groundingMetadata" not in last["candidates"][0]


def sealed_in(part: Any) -> list[Reasoning]:
    """The part loses its signature, and this is what it held."""
    thoughts = unseal(part.pop("thoughtSignature"))
    assert thoughts is not None
    return thoughts


def test_what_another_maker_wants_back_travels_with_the_next_part() -> None:
    told = retell(
        ReasoningDelta("be"),
        ReasoningDelta("cause"),
        SignatureDelta("s1", "anthropic"),
        PartEnded(),
        SignatureDelta("s2", "anthropic", redacted=True),
        TextDelta("Hi"),
        TextDelta("!"),
        ReasoningDelta("unsigned"),
        ToolStarted(0, "c0", "f"),
        ToolEnded(0),
        ReasoningDelta("sum", summary=True, id="rs_1"),
        SignatureDelta("s3", "openai"),
    )
    parts = [one["candidates"][0]["content"]["parts"][0] for one in told]
    assert sealed_in(parts[2]) == [
        Reasoning("because", "s1", "anthropic"),
        Reasoning("", "s2", "anthropic", redacted=True),
    ]
    # The last event carries what no part came for.
    assert sealed_in(parts[-1]) == [Reasoning("sum", "s3", "openai", "rs_1", summary=True)]
    assert parts == [
        {"text": "be", "thought": True},
        {"text": "cause", "thought": True},
        {"text": "Hi"},
        {"text": "!"},
        {"text": "unsigned", "thought": True},
        {"functionCall": {"id": "c0", "name": "f", "args": {}}},
        {"text": "sum", "thought": True},
        {"text": ""},
    ]


def test_googles_own_signature_stands_for_itself() -> None:
    told = retell(ReasoningDelta("a"), SignatureDelta("c2ln", "google"), TextDelta("Hi"))
    assert [one["candidates"][0]["content"]["parts"][0] for one in told] == [
        {"text": "a", "thought": True},
        {"text": "", "thoughtSignature": "c2ln"},
        {"text": "Hi"},
        {"text": ""},
    ]


@given(st.text(alphabet="dHJ1bmtsaW5lLjEuIiwi+/-_=", max_size=60))
def test_no_signature_makes_unsealing_fail(text: str) -> None:
    mark = seal([])[:16]
    assert unseal(text) is None or text.startswith(mark)
    unseal(mark + text)
