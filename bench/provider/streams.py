"""The provider's streams: a raw sender of bytes that were encoded before the first request.

Run as ``python -m bench.provider.streams PORT``. It reads nothing of a request but its path and
its length, and sends 50 chunks 20 ms apart on a schedule that does not drift.
"""

import asyncio
import contextlib
import sys
from typing import Final, cast

import uvloop
from typing_extensions import override

from bench.bodies import stream_chunks
from bench.cases import provider_paths

INTERVAL: Final = 0.02
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\nx-request-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n"
)
_LAST: Final = b"0\r\n\r\n"


def encode_answer(chunks: list[bytes]) -> list[bytes]:
    """The writes of an answer: head and first chunk, chunks, last chunk and end."""
    writes = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    writes[0] = _HEAD + writes[0]
    writes[-1] += _LAST
    return writes


class Sender(asyncio.Protocol):
    """One connection; requests on it are answered one after another."""

    def __init__(self, answers: dict[bytes, list[bytes]], loop: asyncio.AbstractEventLoop) -> None:
        self._answers = answers
        self._loop = loop
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's, so nothing can be checked here.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or len(self._received) < end + 4 + _length(self._received[:end]):
            return
        path = bytes(self._received.split(b" ", 2)[1])
        self._received.clear()
        self._send(self._answers[path], 0, self._loop.time())

    def _send(self, writes: list[bytes], position: int, began: float) -> None:
        if self._transport is None:
            return
        self._transport.write(writes[position])
        position += 1
        if position < len(writes):
            due = began + position * INTERVAL
            self._timer = self._loop.call_at(due, self._send, writes, position, began)


def _length(head: bytearray) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    paths = provider_paths(stream=True)
    answers = {
        path.encode(): encode_answer(stream_chunks(operation.provider_wire))
        for path, operation in paths.items()
    }
    server = await loop.create_server(
        lambda: Sender(answers, loop), "127.0.0.1", port, backlog=2048
    )
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(int(sys.argv[1])))
