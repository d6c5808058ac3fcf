"""Streams that come in one frame and end without its last line end."""

import pytest
from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import connection, running
from tests.gateway.test_ways_out import provider

from trunkline.gateway.snapshot import Alias, Origin, Target
from trunkline.simulator.server import Simulator

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nconnection: close\r\n\r\n"
OLLAMA = (
    b'{"model":"m","message":{"role":"assistant","content":"hi"},"done":true,'
    b'"done_reason":"stop","prompt_eval_count":1,"eval_count":1}'
)
GEMINI = (
    b'data: {"candidates":[{"content":{"parts":[{"text":"hi"}],"role":"model"},'
    b'"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1}}'
)


@pytest.mark.parametrize(
    ("wire", "kind", "frame"),
    [
        ("ollama_chat", b"application/x-ndjson", OLLAMA),
        ("gemini", b"text/event-stream", GEMINI),
    ],
)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "cut"])
async def test_a_single_frame_is_an_answer_only_when_it_is_whole(
    simulator: Simulator, wire: str, kind: bytes, frame: bytes, *, whole: bool
) -> None:
    async def script(peer: object) -> None:
        await peer.say(HEAD % kind + (frame if whole else frame[:-9]))  # type: ignore[attr-defined] # the peer's class is private
        peer.writer.close()  # type: ignore[attr-defined] # as above

    async with provider(script) as port:
        reached = connection(simulator, wire, origin=Origin("http", "127.0.0.1", port))
        alias = Alias(name="m", targets=(Target(reached, "m", None),))
        async with running(simulator, extra=[alias]) as rig:
            answer = await post(rig, CHAT, chat("m", stream=True))
            await rig.observed.wait_for(1)
    assert (answer.status_code, '"content":"hi"' in answer.text, "[DONE]" in answer.text) == (
        (200, True, True) if whole else (502, False, False)
    )
    assert [outcome.ending for _, outcome in rig.recorded.outcomes] == [
        "completed" if whole else "failed"
    ]
