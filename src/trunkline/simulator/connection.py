"""One HTTP/1.1 connection of a client, with full control over every byte that is sent."""

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from typing import cast

import httptools
import msgspec
from typing_extensions import override

_MOST_BODY_BYTES = 64 * 1024 * 1024
_FLUSH_POLL = 0.001
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Incoming(msgspec.Struct):
    """One request, whole.

    Attributes:
        target: path and query as they were sent.
        headers: by lower-case name; a repeated one keeps its last value.
        keep_alive: whether the client lets the connection live on.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool


Serve = Callable[["Connection", Incoming], Awaitable[None]]


class Connection(asyncio.Protocol):
    """Reads requests one after the other and hands each to ``serve``.

    Its state: the request being read, those that wait, the task that serves them, and whether the
    client is gone. The server's set of connections owns it; it leaves the set when it is lost.
    """

    def __init__(self, serve: Serve, connections: "set[Connection]") -> None:
        self._serve = serve
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Incoming] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._begin()
        self._stopping = False
        self.client_gone = False
        self.stale = False
        """Whether the next byte that arrives makes us reset the connection."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._writable.set()
        if self._task:
            self.client_gone = not self._stopping
            self._task.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        if self.stale:
            self.reset()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.write(_BAD_REQUEST)
            self.close()

    @override
    def pause_writing(self) -> None:
        self._writable.clear()

    @override
    def resume_writing(self) -> None:
        self._writable.set()

    # Called by the parser.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin()

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of the request."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is over; a client that waits for leave to send its body gets it."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the request's body."""
        self._body += body
        if len(self._body) > _MOST_BODY_BYTES:
            self.reset()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._waiting.append(
            Incoming(
                self._parser.get_method().decode("ascii"),
                self._target.decode("latin-1"),
                self._headers,
                bytes(self._body),
                self._parser.should_keep_alive(),
            )
        )
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve_all())

    # Called by whoever answers.

    def write(self, data: bytes) -> None:
        """Send bytes as they are; ignored when the connection is closing."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has read enough for more to be sent."""
        await self._writable.wait()

    async def flushed(self) -> None:
        """Wait until all that was written belongs to the operating system.

        Polled, because no event loop tells when its own buffer is empty without changing when
        writers are paused; the buffer is nearly always empty at once.
        """
        while self._unsent():  # noqa: ASYNC110 - no loop offers an event for it, see above
            await asyncio.sleep(_FLUSH_POLL)

    def close(self) -> None:
        """Send what was written, then close in the ordinary way."""
        self._transport.close()

    def reset(self) -> None:
        """Close at once with a TCP reset; what was not sent is lost."""
        server_side = self._transport.get_extra_info("socket")
        # Options belong to the open socket, so a duplicate sets them under every event loop.
        with socket.socket(fileno=os.dup(server_side.fileno())) as duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def stop(self) -> None:
        """End whatever is being served and close."""
        task = self._task
        self._stopping = True
        self._transport.abort()
        if task:
            task.cancel()
            await asyncio.wait([task])

    def _unsent(self) -> bool:
        transport = self._transport
        return transport.get_write_buffer_size() > 0 and not transport.is_closing()

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    async def _serve_all(self) -> None:
        try:
            while self._waiting and not self._transport.is_closing():
                if self.stale:
                    self.reset()
                    return
                await self._serve(self, self._waiting.popleft())
        finally:
            self._task = None
