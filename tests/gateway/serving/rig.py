"""A real server in the test's own loop, and a client that writes raw bytes."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from trunkline.errors import TrunklineError
from trunkline.gateway.server import GatewayServer, build_server
from trunkline.gateway.serving.asgi import Application, HeaderList, Receive, Scope, Send
from trunkline.gateway.serving.client import ClientConnection
from trunkline.gateway.serving.edges import Edges
from trunkline.gateway.serving.lifecycle import Lifecycle

BOUND = 10.0
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def post(body: bytes, *, path: bytes = b"/v1/x", more: bytes = b"") -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%b\r\n"
    return head % (path, len(body), more) + body


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what has no event of its own."""
    async with asyncio.timeout(BOUND):
        while not condition():  # noqa: ASYNC110 - as said
            await asyncio.sleep(0.01)


class Handler:
    """An application that answers with the length of the body; tests say otherwise in ``serve``."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        self.scopes.append(scope)
        await self.asgi(scope, receive, send)

    async def asgi(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        await self.serve(scope["trunkline.client"])

    async def serve(self, client: ClientConnection) -> None:
        body = await client.read()
        client.respond(200, [(b"content-type", b"text/plain")], b"%d" % len(body))

    async def _live(self, receive: Receive, send: Send) -> None:
        for step in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{step}"
            self.events.append(step)
            await send({"type": f"lifespan.{step}.complete"})


def render_error(
    path: bytes, headers: HeaderList, error: TrunklineError
) -> tuple[int, HeaderList, bytes]:
    shape = "anthropic" if path.startswith(b"/anthropic") else "openai"
    answer: HeaderList = [(b"content-type", b"application/json")]
    if error.retry_after is not None:
        answer.append((b"retry-after", b"%d" % error.retry_after))
    body = {"shape": shape, "code": error.code, "message": error.message, "headers": len(headers)}
    return error.status, answer, json.dumps(body).encode()


class Answer:
    """One answer as it was read."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode().rstrip("\r\n").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


class RawClient:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, bodiless: bool = False) -> Answer:
        async with asyncio.timeout(BOUND):
            head = await self.reader.readuntil(b"\r\n\r\n")
            answer = Answer(head, b"")
            if bodiless:
                return answer
            if answer.headers.get("transfer-encoding") == "chunked":
                answer.body = await self._chunks()
            else:
                answer.body = await self.reader.readexactly(int(answer.headers["content-length"]))
            return answer

    async def ask(self, data: bytes) -> Answer:
        self.send(data)
        return await self.answer()

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(BOUND):
            return await self.reader.read()

    async def rest_until_lost(self) -> None:
        """Wait until the server has closed, even with a reset."""
        with contextlib.suppress(ConnectionError):
            await self.rest()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()

    async def _chunks(self) -> bytes:
        body = b""
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            piece = await self.reader.readexactly(size + 2)
            if size == 0:
                return body
            body += piece[:-2]


class Rig:
    def __init__(self, server: GatewayServer, lifecycle: Lifecycle, handler: Handler) -> None:
        self.server = server
        self.lifecycle = lifecycle
        self.handler = handler
        self.task: asyncio.Task[None]
        self.tls: ssl.SSLContext | None = None
        self._clients: list[RawClient] = []

    async def connect(self, *, limit: int = 2**16) -> RawClient:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.server.port, limit=limit, ssl=self.tls
        )
        client = RawClient(reader, writer)
        self._clients.append(client)
        return client

    async def ask(self, data: bytes) -> Answer:
        """The answer to bytes on a connection of their own."""
        return await (await self.connect()).ask(data)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND):
            while not condition():
                await self.lifecycle.changed()

    async def until_idle(self) -> None:
        """Wait until no handler runs any more."""
        await self.until(lambda: not self.lifecycle.active)

    async def until_listeners_close(self) -> None:
        await self.until(lambda: not self.lifecycle.reuse)

    async def ended(self) -> None:
        async with asyncio.timeout(BOUND):
            await self.task

    async def close(self) -> None:
        for client in self._clients:
            client.reset()
        self.server.stop()
        self.server.stop()
        await self.ended()


@contextlib.asynccontextmanager
async def running(
    handler: Handler | None = None,
    *,
    edges: Edges | None = None,
    notice: float = 0.0,
    deadline: float = BOUND,
    tls: tuple[Path, ssl.SSLContext] | None = None,
) -> AsyncIterator[Rig]:
    handler = handler or Handler()
    lifecycle = Lifecycle()
    app: Application = handler.__call__
    server = build_server(
        app,
        host="127.0.0.1",
        port=0,
        edges=edges or Edges(),
        lifecycle=lifecycle,
        render_error=render_error,
        shutdown_notice=notice,
        shutdown_deadline=deadline,
        tls_certificate=None if tls is None else tls[0],
    )
    rig = Rig(server, lifecycle, handler)
    rig.tls = None if tls is None else tls[1]
    rig.task = asyncio.create_task(server.serve())
    await server.listening()
    try:
        yield rig
    finally:
        await rig.close()
