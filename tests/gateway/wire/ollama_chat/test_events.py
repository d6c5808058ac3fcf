import json
from itertools import pairwise
from typing import Any

import ollama
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.recordings import (
    NOBODY,
    answering,
    metered,
    needs_transcripts,
    recorded,
    retold,
)
from tests.gateway.wire.serving import Given, serving

from trunkline.errors import UpstreamFailed
from trunkline.gateway.exchange.parts import Citation
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
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
from trunkline.gateway.metering.usage import NO_USAGE, Usage
from trunkline.gateway.wire.contract import Malformed, ProviderFault, Sight
from trunkline.gateway.wire.lines import NDJSON
from trunkline.gateway.wire.ollama_chat.passing import OllamaChat

WIRE = OllamaChat()
SEED = "0123456789abcdef0123456789abcdef"
LOGPROBS = [{"token": "Hi", "logprob": -0.1, "top_logprobs": []}]
CALL = {"function": {"name": "f", "arguments": {"a": 1}}}


def line(message: dict[str, Any] | None = None, **members: Any) -> bytes:
    document = {
        "model": "llama3",
        "created_at": "1970-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "", **(message or {})},
        "done": False,
        **members,
    }
    return json.dumps(document).encode() + b"\n"


@needs_transcripts
def test_a_recorded_stream_ends_in_the_same_state_wherever_it_is_cut() -> None:
    data = recorded("ollama/stream-chat.ndjson")
    for cut in range(len(data) + 1):
        reader, sights, frames = metered(WIRE, [data[:cut], data[cut:]])
        assert b"".join(frames) == data
        assert sights == [Sight.CONTENT] * 49 + [Sight.END]
        assert reader.usage == Usage(input=17, output=50)
        assert reader.model == "llama3"


@needs_transcripts
def test_a_recorded_stream_is_retold_but_for_what_nobody_measured_again() -> None:
    """Two rules: our time stamps are the beginning's, and durations are left out."""
    data = recorded("ollama/stream-chat.ndjson")

    def cut(frame: bytes) -> Any:
        document = json.loads(frame)
        del document["created_at"]
        return {k: v for k, v in document.items() if not k.endswith("_duration")}

    told: list[Any] = retold(WIRE, WIRE, data, answering(), cut)
    assert told == [cut(frame) for frame in data.splitlines()]


def test_a_stream_as_events() -> None:
    reader = WIRE.events.event_reader(SEED)
    told = [
        *reader.read(line({"thinking": "hm"})),
        *reader.read(line({"content": "Hi"}, logprobs=LOGPROBS)),
        *reader.read(line({"content": " and", "tool_calls": [CALL, {**CALL, "id": "x"}]})),
        *reader.read(line()),
        *reader.read(line(done=True, done_reason="stop")),
        *reader.close(),
    ]
    assert told == [
        Started(None, "llama3", 0),
        ReasoningDelta("hm"),
        TextDelta("Hi", 0, {"content": LOGPROBS}),
        TextDelta(" and"),
        ToolStarted(0, "call_89abcdef0123456789abcdef_0", "f"),
        ToolDelta(0, '{"a":1}'),
        ToolEnded(0),
        ToolStarted(1, "x", "f"),
        ToolDelta(1, '{"a":1}'),
        ToolEnded(1),
        Stopped(Stop("tools", "stop")),
    ]


@pytest.mark.parametrize(
    "frame", [b"{", b"[]\n", b'{"message":5}\n', b'{"message":{"tool_calls":[{}]}}\n', b"[" * 9999]
)
def test_a_line_that_breaks_its_promise_is_malformed(frame: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.events.event_reader(SEED).read(frame)


def retell(*events: Event, usage: Usage | None = None) -> list[Any]:
    """The lines that these events make, read again."""
    return [json.loads(told) for told in raw(*events, usage=usage).splitlines()]


def raw(*events: Event, usage: Usage | None = None) -> bytes:
    writer = WIRE.events.event_writer(answering())
    return b"".join(writer.write([event]) for event in events) + writer.close(usage)


def says(message: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "model": "public",
        "created_at": "1970-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "", **message},
        "done": False,
        **members,
    }


def test_events_of_any_provider_become_lines() -> None:
    told = retell(
        Started("id", "claude", 5),
        ReasoningDelta("hm"),
        SignatureDelta("s", "anthropic"),
        PartEnded(),
        TextDelta("Hi \u2028"),
        TextDelta("!", 0, {"content": LOGPROBS}),
        CitationSeen(Citation("https://h")),
        RefusalDelta("no"),
        ToolStarted(0, "c0", "f"),
        ToolDelta(0, '{"a"'),
        ToolDelta(0, ":1}"),
        ToolEnded(0),
        ToolStarted(1, "c1", "g"),
        ToolStarted(2, "c2", "h"),
        ToolDelta(2, "null"),
        TextDelta("of another answer", 1),
        Stopped(Stop("length"), 1),
        Stopped(Stop("tools")),
        usage=Usage(input=3, output=4),
    )
    calls = [
        {"id": "c0", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
        {"id": "c1", "function": {"index": 1, "name": "g", "arguments": {}}},
        {"id": "c2", "function": {"index": 2, "name": "h", "arguments": {}}},
    ]
    expected = [
        says({"thinking": "hm"}),
        says({"content": "Hi \u2028"}),
        says({"content": "!"}, logprobs=LOGPROBS),
        says({"content": "no"}),
        says({"tool_calls": calls[:1]}),
        says({"tool_calls": calls[1:2]}),
        says({"tool_calls": calls[2:]}),
        says({}, done=True, done_reason="stop", prompt_eval_count=3, eval_count=4),
    ]
    assert told == [{**one, "model": "claude"} for one in expected]


def test_several_events_at_once_are_the_same_lines() -> None:
    writer = WIRE.events.event_writer(answering())
    together = writer.write([TextDelta("a"), TextDelta("b")]) + writer.close(None)
    assert together == raw(TextDelta("a"), TextDelta("b"))


def test_a_model_that_was_only_loaded_is_told_so() -> None:
    reader = WIRE.events.event_reader(SEED)
    events = reader.read(line(done=True, done_reason="load"))
    assert retell(*events)[-1]["done_reason"] == "load"


def test_a_stream_of_nothing_still_ends() -> None:
    assert retell(Stopped(Stop("length"))) == [says({}, done=True, done_reason="length")]


ARGUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
).filter(lambda value: isinstance(value, dict))


@given(ARGUMENTS, st.sets(st.integers(0, 40)))
def test_arguments_in_any_pieces_end_as_one_object(arguments: Any, cuts: set[int]) -> None:
    text = json.dumps(arguments)
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[a:b] for a, b in pairwise(places)]
    told = retell(
        ToolStarted(0, "c", "f"), *(ToolDelta(0, piece) for piece in pieces), ToolEnded(0)
    )
    (call,) = told[0]["message"]["tool_calls"]
    assert call["function"]["arguments"] == arguments


@pytest.mark.parametrize(
    ("lines", "sights", "usage", "size"),
    [
        ([line({"content": "\u00fc"})], [Sight.CONTENT], None, 2),
        ([line({"thinking": "hm"})], [Sight.CONTENT], None, 2),
        ([line({"tool_calls": [CALL]})], [Sight.CONTENT], None, len(json.dumps([CALL]))),
        ([line({"tool_calls": []})], [Sight.START], None, 0),
        ([line(done=True, done_reason="load")], [Sight.END], NO_USAGE, 0),
        ([line(done=True, eval_count=4)], [Sight.END], None, 0),
        ([line(done=True, prompt_eval_count=4)], [Sight.END], Usage(input=4), 0),
        ([line(done=True, prompt_eval_count=-4)], [Sight.END], None, 0),
        (
            [line({"content": "x"}), line(done=True, prompt_eval_count=4)],
            [Sight.CONTENT, Sight.END],
            None,
            1,
        ),
        ([b'{"message":5}\n'], [Sight.CONTENT], None, 0),
        ([b'{"response":"x"}\n'], [Sight.CONTENT], None, 1),
        ([line(error=None)], [Sight.START], None, 0),
    ],
)
def test_what_the_meter_sees(
    lines: list[bytes], sights: list[Sight], usage: Usage | None, size: int
) -> None:
    reader = WIRE.stream_reader(NOBODY)
    assert [reader.read(one) for one in lines] == sights
    assert reader.usage == usage
    assert reader.content_bytes == size


def test_an_error_line_is_a_failure() -> None:
    reader = WIRE.stream_reader(NOBODY)
    assert reader.read(b'{"error":"out of memory"}\n') is Sight.ERROR
    assert reader.error == ProviderFault(502, None, "out of memory", ours=False)


@pytest.mark.parametrize("frame", [b"{", b'{"x":' * 9999, b"\xff\n"])
def test_a_line_that_is_no_json_is_malformed(frame: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.stream_reader(NOBODY).read(frame)


def test_a_keep_alive_says_nothing_and_ollamas_own_client_reads_on() -> None:
    body = WIRE.keep_alive + raw(
        TextDelta("He"), TextDelta("llo"), ToolStarted(0, "c", "f"), usage=Usage(input=1, output=2)
    )
    with serving({"/api/chat": Given(body, NDJSON)}) as address, ollama.Client(address) as client:
        chunks = list(client.chat("m", [{"role": "user", "content": "x"}], stream=True))
    assert [chunk.message.content for chunk in chunks] == ["", "He", "llo", "", ""]
    assert [bool(chunk.message.tool_calls) for chunk in chunks] == [False] * 3 + [True, False]
    assert [chunk.done for chunk in chunks] == [False] * 4 + [True]
    assert (chunks[-1].prompt_eval_count, chunks[-1].eval_count) == (1, 2)


def test_ollamas_own_client_raises_on_our_errors() -> None:
    error = UpstreamFailed("The provider failed.", hint="Try again later.")
    frame = WIRE.events.event_writer(answering()).write([TextDelta("He")])
    frame += WIRE.error_frame(error, "r1")
    answers = {"/api/chat": Given(frame, NDJSON)}
    with serving(answers) as address, ollama.Client(address) as client:
        chunks = client.chat("m", [{"role": "user", "content": "x"}], stream=True)
        assert next(chunks).message.content == "He"
        with pytest.raises(ollama.ResponseError, match=r"^The provider failed\. Try again later\."):
            next(chunks)
    answers = {"/api/chat": Given(WIRE.error_body(error, "r1"), status=502)}
    with (
        serving(answers) as address,
        ollama.Client(address) as client,
        pytest.raises(ollama.ResponseError) as raised,
    ):
        client.chat("m", [{"role": "user", "content": "x"}])
    assert (raised.value.error, raised.value.status_code) == (
        "The provider failed. Try again later.",
        502,
    )
