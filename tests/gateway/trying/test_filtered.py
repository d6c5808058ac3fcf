"""Answers that a provider's own filter ended go elsewhere only where the alias says so."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import running
from tests.gateway.transport.hostile import Peer
from tests.gateway.trying.scenes import alias, balanced, target, told

from trunkline.gateway.snapshot import Origin
from trunkline.simulator.server import Simulator

USAGE = {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}


def whole() -> bytes:
    choice = {"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant"}}
    body = json.dumps({"id": "x", "model": "m", "choices": [choice], "usage": USAGE}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def streamed() -> bytes:
    events = [
        {"choices": [{"index": 0, "delta": {"role": "assistant"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]},
        {"choices": [], "usage": USAGE},
    ]
    told = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    body = b"".join([*told, b"data: [DONE]\n\n"])
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


@contextlib.asynccontextmanager
async def filtering(answer: bytes) -> AsyncIterator[Origin]:
    """A provider whose filter ends every answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await peer.request()
            await peer.say(answer)
            await peer.until_closed()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_filtered_answer_goes_to_the_fallback_for_it(
    simulator: Simulator, stream: bool, held: bool
) -> None:
    async with filtering(streamed() if stream else whole()) as origin:
        first = alias(
            target(simulator, "sim-fast", origin=origin),
            target(simulator, "sim-think"),
            fallbacks={"content_filter": ("spare",)},
            buffered=held,
        )
        spare = alias(target(simulator, "sim-chat"), name="spare")
        async with running(simulator, extra=[first, spare]) as rig:
            answer = await post(rig, CHAT, chat("m", stream=stream))
    assert answer.status_code == 200
    assert "content_filter" not in answer.text
    assert [model for model, _, _ in told(rig)] == ["sim-fast", "sim-chat"]
    assert balanced(rig)


@pytest.mark.parametrize("stream", [False, True])
async def test_without_such_a_fallback_it_is_the_answer(simulator: Simulator, stream: bool) -> None:
    async with filtering(streamed() if stream else whole()) as origin:
        route = alias(target(simulator, "sim-fast", origin=origin), target(simulator, "sim-chat"))
        async with running(simulator, extra=[route]) as rig:
            answer = await post(rig, CHAT, chat("m", stream=stream))
    assert "content_filter" in answer.text
    assert told(rig) == [("sim-fast", "first", "completed")]
