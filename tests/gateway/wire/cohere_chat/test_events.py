import json
from itertools import pairwise
from typing import Any

import cohere
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
from trunkline.gateway.wire.cohere_chat.passing import CohereChat
from trunkline.gateway.wire.contract import Malformed, ProviderFault, Sight
from trunkline.gateway.wire.sse import EVENT_STREAM, data_of

WIRE = CohereChat()
UUID = "01234567-89ab-cdef-0123-456789abcdef"
ASKED: list[cohere.ChatMessageV2] = [cohere.UserChatMessageV2(content="x")]
EMPTY = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
USAGE = {
    "billed_units": {"input_tokens": 3, "output_tokens": 5},
    "tokens": {"input_tokens": 3, "output_tokens": 5},
}


def frame(kind: str, message: dict[str, Any] | None = None, **members: Any) -> bytes:
    data = {"type": kind, **members}
    if message is not None:
        data["delta"] = {"message": message}
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def documents(data: bytes) -> list[Any]:
    """The data of each frame, and for each whether its event has the same name."""
    found = []
    for one in data.split(b"\n\n")[:-1]:
        told = data_of(one + b"\n\n") or b""
        document = told.decode() if told == b"[DONE]" else json.loads(told)
        if isinstance(document, dict):
            assert one.startswith(b"event: %s\n" % document["type"].encode())
        found.append(document)
    return found


@needs_transcripts
@pytest.mark.parametrize(
    ("name", "usage"),
    [("stream-chat", Usage(input=7, output=89)), ("stream-tools", Usage(input=62, output=28))],
)
def test_a_recorded_stream_ends_in_the_same_state_wherever_it_is_cut(
    name: str, usage: Usage
) -> None:
    data = recorded(f"cohere/{name}.sse")
    whole = metered(WIRE, [data])[1]
    assert whole[-2:] == [Sight.CLOSING, Sight.END]
    for cut in range(len(data) + 1):
        reader, sights, frames = metered(WIRE, [data[:cut], data[cut:]])
        assert b"".join(frames) == data
        assert sights == whole
        assert reader.usage == usage


@needs_transcripts
def test_a_recorded_stream_is_retold() -> None:
    """Two rules: the id is ours, and what is billed is told as the tokens as well."""
    data = recorded("cohere/stream-chat.sse")
    told = b"".join(retold(WIRE, WIRE, data, answering(), bytes))
    expected = documents(data)
    expected[0] = {**expected[0], "id": UUID}
    expected[-2]["delta"]["usage"]["tokens"] = {"input_tokens": 7, "output_tokens": 89}
    assert documents(told) == expected


def _as_text(document: Any) -> Any:
    if document == "[DONE]" or document["type"] != "tool-plan-delta":
        return document
    content = {"text": document["delta"]["message"]["tool_plan"]}
    return {"type": "content-delta", "index": 0, "delta": {"message": {"content": content}}}


@needs_transcripts
def test_a_recorded_plan_is_retold_as_text() -> None:
    """A third rule: the plan before calls is text; pieces of arguments wait for their brace."""
    data = recorded("cohere/stream-tools.sse")
    told = documents(b"".join(retold(WIRE, WIRE, data, answering(), bytes)))
    expected = [_as_text(document) for document in documents(data)]
    first = next(n for n, d in enumerate(expected) if d["type"] == "tool-call-start")
    start = {"message": {"content": {"type": "text", "text": ""}}}
    expected.insert(first, {"type": "content-end", "index": 0})
    expected.insert(1, {"type": "content-start", "index": 0, "delta": start})
    expected[0]["id"] = UUID
    expected[-2]["delta"]["usage"]["tokens"] = {"input_tokens": 62, "output_tokens": 28}
    assert told == expected


def read(*frames: bytes) -> list[Event]:
    reader = WIRE.events.event_reader("5eed")
    return [event for one in frames for event in reader.read(one)] + reader.close()


def call(arguments: str | None = "", call_id: str | None = "c", name: str | None = "f") -> Any:
    return {"tool_calls": {"id": call_id, "function": {"name": name, "arguments": arguments}}}


def test_a_stream_as_events() -> None:
    cited = {"start": 0, "end": 2, "sources": []}
    assert read(
        frame("message-start", EMPTY, id="x"),
        frame("content-start", {"content": {"type": "thinking", "thinking": ""}}, index=0),
        frame("content-delta", {"content": {"thinking": "hm"}}, index=0),
        frame("content-end", index=0),
        frame("content-start", {"content": {"type": "text", "text": "H"}}, index=1),
        frame(
            "content-delta",
            {"content": {"text": "i"}},
            logprobs={"text": "i", "token_ids": [1], "logprobs": [-0.5]},
        ),
        frame("citation-start", {"citations": cited}, index=0),
        frame("citation-end", index=0),
        frame("content-end", index=1),
        frame("debug", prompt="p"),
        frame("message-end", delta={"finish_reason": "MAX_TOKENS"}),
        b"data: [DONE]\n\n",
        b": nothing\n\n",
    ) == [
        Started("x"),
        ReasoningDelta("hm"),
        PartEnded(),
        TextDelta("H"),
        TextDelta(
            "i",
            0,
            {"content": [{"token": "i", "logprob": -0.5, "bytes": None, "top_logprobs": []}]},
        ),
        CitationSeen(Citation(start=0, end=2, wire="cohere_chat", native=cited)),
        PartEnded(),
        ForeignEvent("cohere_chat", b'{"type": "debug", "prompt": "p"}'),
        Stopped(Stop("length", "MAX_TOKENS")),
    ]


def test_a_plan_and_calls_as_events() -> None:
    assert read(
        frame("tool-plan-delta", {"tool_plan": "I look."}),
        frame("tool-plan-delta", {"tool_plan": ""}),
        frame("tool-call-start", call('{"a"'), index=5),
        frame("tool-call-delta", {"tool_calls": {"function": {"arguments": ":1}"}}}, index=5),
        frame("tool-call-delta", {"tool_calls": {"function": {"arguments": ""}}}, index=5),
        frame("tool-call-end", index=5),
        frame("tool-call-end", index=5),
        frame("tool-call-start", call("nu", call_id=None, name=None)),
        frame("tool-call-delta", {"tool_calls": {"function": {"arguments": "ll"}}}),
        frame("tool-call-end"),
        frame("tool-call-start", call("", call_id="d")),
        frame("tool-call-start", call("5", call_id="e")),
        frame("message-end", delta={"finish_reason": "COMPLETE"}),
    ) == [
        TextDelta("I look."),
        PartEnded(),
        ToolStarted(0, "c", "f"),
        ToolDelta(0, '{"a"'),
        ToolDelta(0, ":1}"),
        ToolEnded(0),
        ToolStarted(1, "call_5eed_1", ""),
        ToolEnded(1),
        ToolStarted(2, "d", "f"),
        ToolEnded(2),
        ToolStarted(3, "e", "f"),
        ToolDelta(3, '{"input":5}'),
        ToolEnded(3),
        Stopped(Stop("tools", "COMPLETE")),
    ]


def test_frames_with_nothing_in_them_are_nothing() -> None:
    assert read(
        frame("content-delta"),
        frame("content-delta", {"content": []}),
        frame("tool-plan-delta"),
        frame("citation-start"),
        frame("citation-start", {"citations": []}),
        frame("message-end"),
    ) == [Stopped(Stop("end"))]


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b'data: {"x":' + b'{"x":' * 9999 + b"\n\n",
        frame("tool-call-start"),
        frame("tool-call-start", {"tool_calls": []}),
        frame("tool-call-start", {"tool_calls": {"id": "c"}}),
        frame("tool-call-delta", {"tool_calls": {"function": {"arguments": "{"}}}),
    ],
)
def test_a_frame_that_breaks_its_promise_is_malformed(bad: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.events.event_reader("5eed").read(bad)


def raw(*events: Event, usage: Usage | None = None) -> bytes:
    writer = WIRE.events.event_writer(answering())
    return b"".join(writer.write([event]) for event in events) + writer.close(usage)


def delta(member: str, value: Any) -> dict[str, Any]:
    return {"message": {member: value}}


def tool_delta(index: int, arguments: str) -> dict[str, Any]:
    call = {"function": {"arguments": arguments}}
    return {"type": "tool-call-delta", "index": index, "delta": delta("tool_calls", call)}


def tool_start(index: int, call_id: str) -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": ""}}
    return {"type": "tool-call-start", "index": index, "delta": delta("tool_calls", call)}


EVENTS: tuple[Event, ...] = (
    Started("id", "claude", 5),
    ReasoningDelta("hm"),
    SignatureDelta("s", "anthropic"),
    TextDelta(""),
    TextDelta("Hi"),
    TextDelta("!", 0, {"content": [{"token": "!", "logprob": -0.5}]}),
    TextDelta("?", 0, {"content": []}),
    CitationSeen(Citation("https://h", start=0, end=2)),
    PartEnded(),
    PartEnded(),
    RefusalDelta("No."),
    ToolStarted(0, "c0", "f"),
    ToolDelta(0, '{"a"'),
    ToolDelta(0, ":1}"),
    ToolEnded(0),
    ToolStarted(1, "c1", "f"),
    ToolStarted(2, "c2", "f"),
    ToolDelta(2, "{}"),
    TextDelta("of another answer", 1),
    ReasoningDelta("of another answer", 1),
    ForeignEvent("elsewhere", {}),
    Stopped(Stop("tools")),
)


def test_events_of_any_provider_become_frames() -> None:
    source = {"type": "document", "id": "https://h", "document": {"url": "https://h"}}
    cited = {
        "sources": [source],
        "content_index": 1,
        "start": 0,
        "end": 2,
        "text": "Hi",
        "type": "TEXT_CONTENT",
    }
    chance = {"text": "!", "token_ids": [], "logprobs": [-0.5]}
    text = {"type": "text", "text": ""}
    assert documents(raw(*EVENTS, usage=Usage(input=3, output=5))) == [
        {"type": "message-start", "id": UUID, "delta": {"message": EMPTY}},
        {
            "type": "content-start",
            "index": 0,
            "delta": delta("content", {"type": "thinking", "thinking": ""}),
        },
        {"type": "content-delta", "index": 0, "delta": delta("content", {"thinking": "hm"})},
        {"type": "content-end", "index": 0},
        {"type": "content-start", "index": 1, "delta": delta("content", text)},
        {"type": "content-delta", "index": 1, "delta": delta("content", {"text": "Hi"})},
        {
            "type": "content-delta",
            "index": 1,
            "delta": delta("content", {"text": "!"}),
            "logprobs": chance,
        },
        {"type": "content-delta", "index": 1, "delta": delta("content", {"text": "?"})},
        {"type": "citation-start", "index": 0, "delta": delta("citations", cited)},
        {"type": "citation-end", "index": 0},
        {"type": "content-end", "index": 1},
        {"type": "content-start", "index": 2, "delta": delta("content", text)},
        {"type": "content-delta", "index": 2, "delta": delta("content", {"text": "No."})},
        {"type": "content-end", "index": 2},
        tool_start(0, "c0"),
        tool_delta(0, '{"a"'),
        tool_delta(0, ":1}"),
        {"type": "tool-call-end", "index": 0},
        tool_start(1, "c1"),
        tool_delta(1, "{}"),
        {"type": "tool-call-end", "index": 1},
        tool_start(2, "c2"),
        tool_delta(2, "{}"),
        {"type": "tool-call-end", "index": 2},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": USAGE}},
        "[DONE]",
    ]


def test_several_events_at_once_are_the_same_frames() -> None:
    writer = WIRE.events.event_writer(answering())
    assert writer.write(list(EVENTS)) + writer.close(None) == raw(*EVENTS)


def test_a_stream_of_nothing_still_begins_and_ends() -> None:
    assert documents(raw()) == [
        {"type": "message-start", "id": UUID, "delta": {"message": EMPTY}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
        "[DONE]",
    ]


def test_a_second_start_is_not_told() -> None:
    assert raw(Started(), Started()) == raw(Started())


@given(st.sets(st.integers(0, 30)), st.dictionaries(st.text(max_size=2), st.integers(0, 9)))
def test_arguments_in_any_pieces_stay_the_same(cuts: set[int], arguments: dict[str, int]) -> None:
    text = json.dumps(arguments)
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    told = read(
        frame("tool-call-start", call("")),
        *(
            frame("tool-call-delta", {"tool_calls": {"function": {"arguments": piece}}})
            for piece in pieces
        ),
        frame("tool-call-end"),
    )
    deltas = [event.arguments for event in told if isinstance(event, ToolDelta)]
    assert "".join(deltas) == text


@pytest.mark.parametrize(
    ("one", "sight", "size"),
    [
        (frame("message-start", EMPTY), Sight.START, 0),
        (frame("content-start", {"content": {"type": "text", "text": ""}}), Sight.START, 0),
        (frame("content-start", {"content": {"text": "x"}}), Sight.CONTENT, 1),
        (frame("content-delta", {"content": {"text": "\u00fc"}}), Sight.CONTENT, 2),
        (frame("content-delta", {"content": {"thinking": "hm"}}), Sight.CONTENT, 2),
        (frame("tool-plan-delta", {"tool_plan": "x"}), Sight.CONTENT, 1),
        (frame("tool-call-delta", {"tool_calls": 5}), Sight.CONTENT, 1),
        (frame("content-end", index=0), Sight.START, 0),
        (frame("debug"), Sight.START, 0),
        (frame("message-end"), Sight.CLOSING, 0),
        (b": keep-alive\n\n", Sight.START, 0),
        (b'data: {"type":5}\n\n', Sight.CONTENT, 0),
        (b"data: [DONE]\n\n", Sight.END, 0),
    ],
)
def test_what_the_meter_sees(one: bytes, sight: Sight, size: int) -> None:
    reader = WIRE.stream_reader(NOBODY)
    assert reader.read(one) is sight
    assert reader.content_bytes == size
    assert reader.usage is None


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (
            frame("message-end", delta={"finish_reason": "ERROR", "error": "boom"}),
            ProviderFault(502, "ERROR", "boom", ours=False),
        ),
        (
            frame("message-end", delta={"finish_reason": "TIMEOUT"}),
            ProviderFault(504, "TIMEOUT", None, ours=False),
        ),
        (b'data: {"message":"too long"}\n\n', ProviderFault(502, None, "too long", ours=False)),
    ],
)
def test_a_failure_inside_the_stream_is_one(one: bytes, fault: ProviderFault) -> None:
    reader = WIRE.stream_reader(NOBODY)
    assert reader.read(one) is Sight.ERROR
    assert reader.error == fault


@pytest.mark.parametrize("bad", [b"data: {\n\n", b"data: " + b'{"x":' * 9999 + b"\n\n"])
def test_bytes_that_are_no_json_are_malformed(bad: bytes) -> None:
    with pytest.raises(Malformed):
        WIRE.stream_reader(NOBODY).read(bad)


def streamed(body: bytes) -> list[Any]:
    """What Cohere's own client makes of a stream."""
    with serving({"/v2/chat": Given(body, EVENT_STREAM)}) as address:
        client = cohere.ClientV2("key", base_url=address)
        return list(client.chat_stream(model="m", messages=ASKED))


def test_coheres_own_client_reads_the_stream() -> None:
    told = streamed(WIRE.keep_alive + raw(*EVENTS, usage=Usage(input=3, output=5)))
    assert [event.type for event in told] == [
        document["type"] for document in documents(raw(*EVENTS)) if document != "[DONE]"
    ]
    texts = [event.delta.message.content.text for event in told if event.type == "content-delta"]
    assert texts == [None, "Hi", "!", "?", "No."]
    assert told[-1].delta.usage.billed_units.output_tokens == 5


def test_coheres_own_client_sees_our_errors() -> None:
    error = UpstreamFailed("The provider failed.", hint="Try again later.")
    begun = WIRE.events.event_writer(answering()).write([TextDelta("He")])
    told = streamed(begun + WIRE.error_frame(error, "r1"))
    assert told[-1].type == "message-end"
    assert told[-1].delta.finish_reason == "ERROR"
    assert told[-1].delta.error == "The provider failed. Try again later."
    answers = {"/v2/chat": Given(WIRE.error_body(error, "r1"), status=500)}
    with serving(answers) as address:
        client = cohere.ClientV2("key", base_url=address)
        with pytest.raises(cohere.InternalServerError) as raised:
            client.chat(
                model="m",
                messages=ASKED,
                request_options={"max_retries": 0},
            )
    assert raised.value.body == {
        "id": "r1",
        "message": "The provider failed. Try again later.",
        "code": "upstream_error",
    }
