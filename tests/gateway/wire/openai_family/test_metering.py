import json
from typing import Any

import pytest
from tests.gateway.wire.recordings import NOBODY, metered, needs_transcripts, recorded

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Malformed, Sight
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat
from trunkline.gateway.wire.openai_completions.passing import OpenAICompletions
from trunkline.gateway.wire.openai_family.chat_meter import ChatMeter
from trunkline.gateway.wire.openai_family.text_meter import TextMeter

CHAT, TEXT = OpenAIChat(), OpenAICompletions()
SEEN = {"prompt_tokens": 3, "completion_tokens": 2}
STREAMS: list[tuple[Any, str, Sight, Usage | None]] = [
    (CHAT, "azure/stream-chat.sse", Sight.END, None),
    (CHAT, "deepseek/stream-reasoning.sse", Sight.END, Usage(input=6, output=14, reasoning=198)),
    (CHAT, "groq/stream-chat.sse", Sight.END, Usage(input=18, output=73)),
    (CHAT, "groq/stream-error-event.sse", Sight.ERROR, None),
    (CHAT, "mistral/stream-chat.sse", Sight.END, Usage(input=11, output=80)),
    (CHAT, "mistral/stream-tool-call-shape.sse", Sight.END, Usage(input=124, output=22)),
    (
        CHAT,
        "openai-chat/compat-stream-tool-args-empty-then-full.sse",
        Sight.END,
        Usage(input=57, output=17),
    ),
    (CHAT, "openai-chat/compat-stream-tool-index-starts-at-1.sse", Sight.END, None),
    (CHAT, "openai-chat/stream-tools-parallel.sse", Sight.END, None),
    (CHAT, "openai-chat/stream-usage.sse", Sight.END, Usage(input=12, output=5)),
    (CHAT, "openrouter/stream-error-in-chunk.sse", Sight.ERROR, None),
    (CHAT, "together/stream-via-hf-router.sse", Sight.END, Usage(input=10, output=955)),
    (
        CHAT,
        "xai/stream-tool-call.sse",
        Sight.END,
        Usage(input=1, cache_read=290, output=26, reasoning=196),
    ),
    (TEXT, "openai-completions/stream-usage.sse", Sight.END, Usage(input=31, output=25)),
    (TEXT, "vllm/stream-completion.sse", Sight.END, None),
]


def cut_into_frames(wire: Any, data: bytes, cut: int) -> list[bytes]:
    splitter = wire.splitter(1 << 20)
    frames: list[bytes] = [*splitter.feed(data[:cut]), *splitter.feed(data[cut:])]
    assert not splitter.rest()
    return frames


@needs_transcripts
@pytest.mark.parametrize(("wire", "name", "end", "usage"), STREAMS, ids=[s[1] for s in STREAMS])
def test_a_recorded_stream_ends_in_the_right_state_wherever_it_is_cut(
    wire: Any, name: str, end: Sight, usage: Usage | None
) -> None:
    data = recorded(name).rstrip() + b"\n\n"
    meter, frames = wire.stream_reader(NOBODY), cut_into_frames(wire, data, 0)
    sights = []
    for each in frames:
        sights.append(meter.read(each))
        if sights[-1] is end:
            break
    assert (sights[-1], meter.usage) == (end, usage)
    assert Sight.CONTENT in sights
    assert meter.model
    assert (meter.error is not None) == (end is Sight.ERROR)
    # The meter sees whole frames only. Every boundary of the short streams, and of the long ones
    # those of the last frames, where usage and the end stand, and some of the others.
    near = range(max(0, len(data) - 3_000), len(data) + 1)
    for cut in {*near, *range(0, len(data), 1 + len(data) // 1_000)}:
        assert cut_into_frames(wire, data, cut) == frames


def frame(*choices: Any, **members: Any) -> bytes:
    return b"data: " + json.dumps({"model": "m", "choices": choices, **members}).encode() + b"\n\n"


def delta(**members: Any) -> Any:
    return {"index": 0, "delta": members, "finish_reason": None}


STOP = {"index": 0, "delta": {}, "finish_reason": "stop"}


def test_usage_is_found_in_each_place_where_servers_tell_it() -> None:
    for frames in (
        [frame(STOP), frame(usage=SEEN)],
        [frame({**STOP, "delta": {"content": "a"}}, usage=SEEN)],
        [frame(STOP, usage=SEEN)],
        [frame(STOP, usage=None, x_groq={"id": "x", "usage": SEEN})],
        [frame({**STOP, "delta": {"content": "a"}}, x_groq={"usage": SEEN})],
    ):
        meter = ChatMeter()
        for each in frames:
            meter.read(each)
        assert meter.usage == Usage(input=3, output=2)


def test_running_usage_is_no_bill_unless_it_is_the_last_word() -> None:
    meter = ChatMeter()
    meter.read(frame(delta(content="a"), usage=SEEN))
    assert (meter.usage, meter.input_usage) == (None, Usage(input=3, output=2))
    meter.read(frame(delta(content="b")))
    assert meter.read(b"data: [DONE]\n\n") is Sight.END
    assert meter.usage is None
    meter = ChatMeter()
    meter.read(frame(delta(content=""), usage=SEEN))
    meter.read(b"data: [DONE]\n\n")
    assert meter.usage == Usage(input=3, output=2)


def test_a_list_of_content_is_content_and_hides_neither_stop_nor_usage() -> None:
    meter = ChatMeter()
    thinking = {"type": "thinking", "thinking": []}
    assert meter.read(frame(delta(content=[thinking]))) is Sight.CONTENT
    assert meter.content_bytes == len(json.dumps(thinking))
    assert meter.read(frame({**STOP, "delta": {"content": []}}, usage=SEEN)) is Sight.CONTENT
    assert meter.usage == Usage(input=3, output=2)


def test_the_models_name_is_the_first_that_is_one() -> None:
    meter = ChatMeter()
    assert meter.read(frame(model="")) is Sight.START
    meter.read(frame(delta(content="a"), service_tier="flex"))
    assert (meter.model, meter.service_tier) == ("m", "flex")


def test_unknown_json_passes_and_failures_of_any_shape_are_failures() -> None:
    meter = ChatMeter()
    assert meter.read(b"data: [1]\n\n") is Sight.CONTENT
    assert meter.read(b'data: {"type":"ping"}\n\n') is Sight.START
    assert meter.read(frame(usage={"prompt_tokens": None})) is Sight.START
    assert meter.usage is None
    assert meter.read(b'data: {"object":"error","message":"m"}\n\n') is Sight.ERROR
    with pytest.raises(Malformed):
        meter.read(b"data: nope\n\n")


def test_completions_are_metered_by_their_text() -> None:
    meter = TextMeter(hides_usage=True)
    frames = [
        (b": ping\n\n", Sight.START),
        (frame({"text": "", "index": 0}, service_tier="flex"), Sight.START),
        (frame({"text": "ab\u00e9", "index": 0}), Sight.CONTENT),
        (frame({"text": "", "index": 0, "finish_reason": "stop"}), Sight.CONTENT),
        (frame({"text": 3}), Sight.CONTENT),
        (frame(usage=SEEN), Sight.HIDDEN),
        (b"data: [DONE]\n\n", Sight.END),
    ]
    assert [meter.read(each) for each, _ in frames] == [sight for _, sight in frames]
    assert (meter.usage, meter.model, meter.service_tier) == (Usage(input=3, output=2), "m", "flex")
    failing = TextMeter()
    assert failing.read(b"event: error\ndata: {}\n\n") is Sight.ERROR
    assert failing.read(b'data: {"error":{"message":"m"}}\n\n') is Sight.ERROR
    assert failing.error is not None
    with pytest.raises(Malformed):
        failing.read(b"data: nope\n\n")


@needs_transcripts
def test_what_a_recorded_stream_weighs_is_the_size_of_its_text() -> None:
    meter, _, frames = metered(CHAT, [recorded("openai-chat/stream-usage.sse")])
    texts = [json.loads(each[6:]) for each in frames if b"[DONE]" not in each]
    said = "".join(
        choice["delta"].get("content") or "" for text in texts for choice in text["choices"]
    )
    assert meter.content_bytes == len(said.encode())
