"""Many clients of one request, each of which may leave or stop reading whenever it likes."""

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from tests.product.answers import Reading, read_answer
from tests.product.running import CHAT
from tests.simulator.raw import Raw, asked, request
from typing_extensions import override

PATIENCE = 60.0
SMALL_BUFFER = 4096
_CONTENT = b'"content":"'


class Client(asyncio.Protocol):
    """One connection that carries one request.

    Attributes:
        sent: the request.
        data: what has come.
        first: seconds from the request until the first byte of the answer.
        content: and until the first content of a stream.
        over: done when the connection has ended.
    """

    def __init__(self, sent: bytes) -> None:
        self.sent = sent
        self._began = 0.0
        self._transport: asyncio.Transport | None = None
        self.data = bytearray()
        self.first: float | None = None
        self.content: float | None = None
        self.stirred = asyncio.Event()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._began = time.perf_counter()
        self._transport.write(self.sent)

    @override
    def data_received(self, data: bytes) -> None:
        elapsed = time.perf_counter() - self._began
        self.data += data
        if self.first is None:
            self.first = elapsed
        if self.content is None and _CONTENT in self.data:
            self.content = elapsed
        self.stirred.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.stirred.set()
        if not self.over.done():
            self.over.set_result(None)

    async def until_content(self) -> None:
        """Wait for the first content of a stream."""
        async with asyncio.timeout(PATIENCE):
            while self.content is None and not self.over.done():
                self.stirred.clear()
                await self.stirred.wait()

    def leave(self) -> None:
        """Close the connection without reading to the end."""
        if self._transport is not None:
            self._transport.abort()

    def stall(self) -> None:
        """Read nothing from now on."""
        if self._transport is not None:
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read again."""
        if self._transport is not None:
            self._transport.resume_reading()

    @property
    def raw(self) -> Raw:
        return Raw(bytes(self.data), "closed" if self.over.done() else "open")

    def read(self, *, stream: bool) -> Reading:
        """The answer as an SDK would understand it."""
        return read_answer(CHAT, self.raw, stream=stream)


class Crowd:
    """Clients that send the same request to one server."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key

    def request(self, *, headers: Mapping[str, str] | None = None, **fields: Any) -> bytes:
        """A request for the path of chats."""
        authorised = {"authorization": f"Bearer {self._key}", **(headers or {})}
        return request(CHAT, asked(CHAT, **fields), authorised)

    async def one(self, sent: bytes, *, stalls: bool = False) -> Client:
        """One client more; one that stalls has hardly any room for what it does not read."""
        client, loop = Client(sent), asyncio.get_running_loop()
        plain = socket.socket()
        plain.setblocking(False)
        if stalls:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        await loop.sock_connect(plain, ("127.0.0.1", self._port))
        await loop.create_connection(lambda: client, sock=plain)
        if stalls:
            client.stall()
        return client

    async def many(self, sent: bytes, count: int) -> list[Client]:
        """So many clients at once."""
        return list(await asyncio.gather(*(self.one(sent) for _ in range(count))))


async def all_over(clients: Sequence[Client]) -> None:
    """Wait until their connections have ended."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(client.over for client in clients))
