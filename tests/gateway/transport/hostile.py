"""A server over raw sockets that plays a script: it says what no well-behaved server would."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import override

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport import (
    AddressGuard,
    Proxies,
    Resolver,
    Timeouts,
    UpstreamPool,
    UpstreamRequest,
)

# Seconds after which something that should happen counts as not happening.
PATIENCE = 10.0
LOOPBACK = ("127.0.0.0/8", "::1/128")


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something is true that no event tells of."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is watched has no event to wait for
            await asyncio.sleep(0.001)


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Read one request: head and as much body as its content-length says."""
        if self.writer.is_closing():
            raise ConnectionResetError("the client has closed")
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return head + await self.reader.readexactly(int(line.partition(b":")[2]))
        return head

    async def say(self, *pieces: bytes) -> None:
        """Send pieces, each in a write of its own that the other side sees by itself."""
        for piece in pieces:
            if self.writer.is_closing():
                raise ConnectionResetError("the client has closed")
            self.writer.write(piece)
            await self.writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0.001)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def until_closed(self) -> None:
        """Wait until the client has closed its side."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass


Script = Callable[[Peer], Awaitable[None]]


Serve = Callable[..., Awaitable["HostileServer"]]
PoolWith = Callable[..., Awaitable[UpstreamPool]]


class HostileServer:
    """Plays the script once for each connection and closes the connection after it."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()
        self.failures: list[BaseException] = []
        self.accepted = 0
        self.closed = 0
        self.changed = asyncio.Condition()
        self.origin = Origin("http", "127.0.0.1", 0)

    @override
    def __repr__(self) -> str:
        return f"<HostileServer {self.accepted} accepted, {self.closed} closed>"

    async def start(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._accept, host, 0, ssl=tls)
        port = self._server.sockets[0].getsockname()[1]
        self.origin = Origin("https" if tls else "http", host, port)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._server.wait_closed()
        assert self.failures == []

    async def all_closed(self, count: int) -> None:
        """Wait until that many connections have ended."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: self.closed >= count)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        self.accepted += 1
        try:
            await self._script(Peer(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client closed, which is what many tests are about.
        except asyncio.CancelledError:
            pass  # The test is over.
        except Exception as error:  # noqa: BLE001 - reported by stop, in the test
            self.failures.append(error)
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            self._running.discard(task)
            self.closed += 1
            async with self.changed:
                self.changed.notify_all()


def answering(*responses: bytes) -> Script:
    """A script that answers one request with each response and then waits for the client."""

    async def script(peer: Peer) -> None:
        for response in responses:
            await peer.request()
            await peer.say(response)
        await peer.until_closed()

    return script


def ok(body: bytes = b"hello", *headers: bytes) -> bytes:
    """A plain response."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (lines, len(body), body)


def post(origin: Origin, body: bytes = b"{}", *, private: bool = True) -> UpstreamRequest:
    """A request as the pipeline makes them."""
    return UpstreamRequest(b"POST", origin, b"/v1/chat/completions", body=body, private=private)


def get(origin: Origin) -> UpstreamRequest:
    """A request without a body."""
    return UpstreamRequest(b"GET", origin, b"/v1/models", private=True)


@asynccontextmanager
async def opened_pool(**options: Any) -> AsyncIterator[UpstreamPool]:
    """A pool that may reach this machine. Leaving it asserts that no request is left in it."""
    resolver = Resolver()
    settings: dict[str, Any] = {
        "timeouts": Timeouts(connect=PATIENCE, pool=PATIENCE, first_byte=PATIENCE, idle=PATIENCE),
        "per_host": 10,
        "address_guard": AddressGuard(LOOPBACK),
        "proxies": Proxies(),
        "ca_file": None,
        "resolver": resolver,
    }
    pool = UpstreamPool(**{**settings, **options})
    try:
        yield pool
        stats = pool.stats()
        assert (stats.busy, stats.waiting) == (0, 0)
    finally:
        await pool.close()
        assert [entry for entry in pool.stats().origins if entry.idle or entry.busy] == []
        resolver.close()
