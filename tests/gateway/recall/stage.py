"""A provider that says what the test tells it to, when the test tells it to."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from tests.gateway.rig import connection, price_of
from tests.gateway.transport.hostile import Peer

from trunkline.gateway.policy import CachePolicy, Retry, Route
from trunkline.gateway.snapshot import Alias, Origin, Target
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator

PATIENCE = 20.0

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-provider: stage\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(document: Any) -> bytes:
    """One server-sent event in a chunk of its own."""
    return chunk(b"data: " + json.dumps(document).encode() + b"\n\n")


def said(text: str) -> bytes:
    """A piece of an answer."""
    return event({"choices": [{"index": 0, "delta": {"content": text}}]})


def ended(reason: str = "stop") -> bytes:
    """The end of an answer."""
    stop = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    return event(stop) + event({"choices": [], "usage": USAGE}) + chunk(b"data: [DONE]\n\n") + END


def whole(text: str = "Hello.", reason: str = "stop") -> bytes:
    """An answer that is no stream."""
    message = {"role": "assistant", "content": text}
    document = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": USAGE,
    }
    return response(200, document)


def response(status: int, document: Any) -> bytes:
    """A whole response of any status."""
    body = json.dumps(document).encode()
    return (
        b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\nx-provider: stage\r\n"
        b"content-length: %d\r\n\r\n%b" % (status, len(body), body)
    )


class Stage:
    """One provider. ``asked`` counts its requests.

    Each request gets the next of ``answers``; those beyond wait for the test.
    """

    def __init__(self, answers: tuple[bytes, ...] = ()) -> None:
        self.asked = 0
        self.port = 0
        self._answers = answers
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def next(self) -> Peer:
        """The next request, which waits for its answer."""
        async with asyncio.timeout(PATIENCE):
            return await self._peers.get()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        try:
            while True:
                await peer.request()
                self.asked += 1
                if self.asked <= len(self._answers):
                    await peer.say(self._answers[self.asked - 1])
                else:
                    self._peers.put_nowait(peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # Whoever asked has left.
        finally:
            writer.close()

    def alias(self, simulator: Simulator, name: str = "m", **changes: Any) -> Alias:
        """A model of this provider whose answers are kept."""
        account = connection(
            simulator, "openai_chat", origin=Origin("http", "127.0.0.1", self.port)
        )
        target = Target(account, "m", price_of("m", PRICES["sim-fast"]))
        route = Route(retry=Retry(attempts=1))
        parts: dict[str, Any] = {"cache": CachePolicy(enabled=True), "route": route, **changes}
        return Alias(name=name, targets=(target,), **parts)


@contextlib.asynccontextmanager
async def stage(*answers: bytes) -> AsyncIterator[Stage]:
    """A provider on a free port, gone after the block."""
    provider = Stage(answers)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
