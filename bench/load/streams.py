"""Streams: a raw client of its own process that looks at every stream to its end.

Run as ``python -m bench.load.streams`` with an ``Order`` as JSON on standard input; it prints a
``Measured``. Bytes are only gathered while a stream runs; whether it was complete, and said what it
should, is decided when it has ended.
"""

import asyncio
import statistics
import sys
import time
from typing import Final, cast

import msgspec
import uvloop
from typing_extensions import override

from bench.bodies import FIRST_PIECE, NUMBER
from bench.cases import Wire
from bench.load.answers import count_pieces
from bench.load.measured import Call, Measured

_MARKER: Final = FIRST_PIECE.encode()
_NUMBER: Final = NUMBER.encode()
_END: Final = b"0\r\n\r\n"
# Streams of one second each begin evenly over one second, as they would in life.
_SPREAD: Final = 1.0


class Order(msgspec.Struct, frozen=True):
    """What the process is asked to do.

    Attributes:
        seconds: for so long new streams begin.
        patience: seconds after which a stream that still runs has failed.
    """

    call: Call
    body: str
    wire: Wire
    concurrency: int
    seconds: float
    patience: float


class Tally(msgspec.Struct):
    """What was sent and seen so far; times in seconds."""

    durations: list[float] = []
    first_pieces: list[float] = []
    failures: int = 0
    chunks: int = 0
    ended_at: float = 0.0
    sent: int = 0


class Stream(asyncio.Protocol):
    """A connection that carries one stream after another; ``ended`` is told of each one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._ended: asyncio.Future[None] | None = None
        self.first_piece_at: float | None = None

    @property
    def usable(self) -> bool:
        """Whether another request can be sent on it."""
        return self._transport is not None and not self._transport.is_closing()

    async def fetch(self, request: bytes) -> bytes:
        """Send a request and return all bytes of its answer."""
        if self._transport is None:
            raise ConnectionError("the connection is lost")
        self._received.clear()
        self.first_piece_at = None
        self._ended = self._loop.create_future()
        self._transport.write(request)
        await self._ended
        return bytes(self._received)

    def close(self) -> None:
        """Close the connection, whatever runs on it."""
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's, so nothing can be checked here.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._finish()

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        if self.first_piece_at is None and _MARKER in self._received:
            self.first_piece_at = time.perf_counter()
        if self._received.endswith(_END):
            self._finish()

    def _finish(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


async def run_streams(order: Order) -> Measured:
    """Keep so many streams running for so long, then wait for the last ones."""
    request = _encode(order)
    tally = Tally()
    began = time.perf_counter()
    pause = _SPREAD / order.concurrency
    clients = [_client(order, request, tally, began, n * pause) for n in range(order.concurrency)]
    await asyncio.gather(*clients)
    durations = sorted(tally.durations)
    return Measured(
        requests=len(durations),
        seconds=max(tally.ended_at - began, 0.001),
        p50_ms=_milliseconds(statistics.median(durations)) if durations else None,
        p99_ms=_milliseconds(durations[int(len(durations) * 0.99)]) if durations else None,
        errors=tally.failures,
        ttft_p50_ms=_milliseconds(statistics.median(tally.first_pieces)) if durations else None,
        chunks=tally.chunks,
    )


async def _client(order: Order, request: bytes, tally: Tally, began: float, start: float) -> None:
    """One user: a stream after another on one connection, as long as it holds."""
    loop = asyncio.get_running_loop()
    stream: Stream | None = None
    await asyncio.sleep(start)
    while time.perf_counter() - began < order.seconds:
        sent = time.perf_counter()
        try:
            async with asyncio.timeout(order.patience):
                if stream is None or not stream.usable:
                    _, stream = await loop.create_connection(
                        lambda: Stream(loop), order.call.host, order.call.port
                    )
                answer = await stream.fetch(_numbered(request, tally))
        except (OSError, TimeoutError):
            _fail(tally, stream)
            stream = None
            continue
        _judge(order.wire, answer, stream, sent, tally)
    if stream is not None:
        stream.close()


def _numbered(request: bytes, tally: Tally) -> bytes:
    """The request, with a number of its own where it asks for one."""
    if _NUMBER not in request:
        return request
    tally.sent += 1
    # It begins with seconds of the clock, so that no earlier run had it.
    number = int(time.time()) % 10**6 * 10**6 + tally.sent
    return request.replace(_NUMBER, b"%012d" % number, 1)


def _fail(tally: Tally, stream: Stream | None) -> None:
    tally.failures += 1
    tally.ended_at = time.perf_counter()
    if stream is not None:
        stream.close()


def _judge(wire: Wire, answer: bytes, stream: Stream, sent: float, tally: Tally) -> None:
    now = time.perf_counter()
    pieces = count_pieces(wire, answer)
    if pieces is None or stream.first_piece_at is None:
        _fail(tally, stream)
        return
    tally.durations.append(now - sent)
    tally.first_pieces.append(stream.first_piece_at - sent)
    tally.chunks += pieces
    tally.ended_at = now


def _encode(order: Order) -> bytes:
    body = order.body.encode()
    head = [f"POST {order.call.path} HTTP/1.1", f"host: {order.call.host}:{order.call.port}"]
    head += [f"{name}: {value}" for name, value in order.call.headers.items()]
    head += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1e3, 3)


if __name__ == "__main__":
    ordered = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run_streams(ordered))))
