"""One client connection: takes requests in order, guards the edges, hands requests on.

The state of a connection is whether it still listens to the client (``_deaf``), which request is
being received, which one answered, which ones wait behind that, and until when the present wait
may last. No timer is kept per connection: the server's tick calls ``check`` on all of them.
"""

import asyncio
import math
import time
from collections import deque
from typing import Any, cast

import msgspec
from typing_extensions import override

from trunkline.errors import (
    InvalidRequest,
    PayloadTooLarge,
    RequestTimeout,
    TrunklineError,
    UpgradeRequired,
)
from trunkline.gateway.serving.asgi import (
    Application,
    AsgiClient,
    Receive,
    RenderError,
    Scope,
    Send,
)
from trunkline.gateway.serving.client import ClientConnection
from trunkline.gateway.serving.edges import Edges
from trunkline.gateway.serving.lifecycle import Lifecycle
from trunkline.gateway.serving.reader import RequestReader
from trunkline.gateway.serving.request_head import Peer, RequestHead


class Site(msgspec.Struct, frozen=True):
    """What all connections of a server have in common.

    Attributes:
        state: the application's lifespan state, copied into each scope.
        connections: the open ones; each adds and removes itself.
    """

    app: Application
    edges: Edges
    lifecycle: Lifecycle
    render_error: RenderError
    state: dict[str, Any]
    connections: set["HttpConnection"]


class HttpConnection(asyncio.Protocol):
    """The protocol object of one connection; the event loop owns it."""

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self.write_paused = False
        self._site = site
        self._edges = site.edges
        self._lifecycle = site.lifecycle
        self._loop = loop
        self._reader = RequestReader(self, site.edges.header_bytes)
        self._deaf = False
        self._receiving: AsgiClient | None = None
        self._current: AsgiClient | None = None
        self._waiting: deque[tuple[AsgiClient, dict[str, Any]]] = deque()
        self._refusal: TrunklineError | None = None
        self._expires = math.inf
        self._stalls_at = math.inf
        self._unsent = 0
        self._closing = False
        self._drained: asyncio.Future[None] | None = None

    # The socket

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # The socket's own method: an answer in pieces comes by here again and again.
        self.write = self._transport.write
        self._transport.set_write_buffer_limits(high=self._edges.write_buffer)
        self._peer = Peer(
            _address(transport.get_extra_info("peername")),
            _address(transport.get_extra_info("sockname")),
            "https" if transport.get_extra_info("sslcontext") else "http",
        )
        # A client may connect ahead of its first request, so it gets the time of an idle one.
        self._expires = time.perf_counter() + self._edges.keep_alive
        self._site.connections.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._site.connections.discard(self)
        self._lose()
        self._lifecycle.notify()

    @override
    def eof_received(self) -> bool:
        """The client sends no more, which is taken for its leaving (see ``ClientConnection``)."""
        if self._current is None:
            self._close()
        else:
            self._lose()
            self._transport.abort()
        return False

    @override
    def pause_writing(self) -> None:
        self.write_paused = True
        self._watch_unsent()

    @override
    def resume_writing(self) -> None:
        self.write_paused = False
        if not self._closing:
            self._stalls_at = math.inf
        self._wake_writer()

    @override
    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        reader = self._reader
        begun = reader.begun
        try:
            reader.feed(data)
        except TrunklineError as error:
            self._refuse(error)
            return
        if reader.state == "body":
            self._expires = time.perf_counter() + self._edges.body_idle
        elif reader.state == "head" and reader.begun != begun:
            self._expires = time.perf_counter() + self._edges.header_timeout

    # Requests in order

    def head_complete(
        self, head: RequestHead, method: str, version: str, *, keep_alive: bool
    ) -> None:
        """Make a request of the head and begin it, or let it wait its turn."""
        scope = head.scope(method, version, self._peer, self._site.state)
        headers, http11 = scope["trunkline.headers"], version == "1.1"
        client = AsgiClient(
            self,
            head_only=method == "HEAD",
            http11=http11,
            keep_alive=keep_alive and http11,
            expects_continue=http11 and headers.get(b"expect", b"").lower() == b"100-continue",
        )
        scope["trunkline.client"] = client
        if int(headers.get(b"content-length", 0)) > self._edges.max_body_bytes:
            client.body.fail(_body_too_large(self._edges))
        if self._current is None:
            self._begin(client, scope)
        elif len(self._waiting) < self._edges.pipeline:
            self._waiting.append((client, scope))
        else:
            raise InvalidRequest("Too many requests wait on this connection.", code="invalid_http")
        self._receiving = client

    def body_piece(self, piece: bytes) -> None:
        """Keep a piece of a body, unless the body has been given up or is too much to keep."""
        client = self._receiving
        if client is None or client.over or client.body.error is not None:
            return
        size, edges, lifecycle = len(piece), self._edges, self._lifecycle
        if client.body.held + size > edges.max_body_bytes:
            self._give_up(client, _body_too_large(edges))
        elif (full := lifecycle.body_refusal(size, edges)) is not None:
            self._give_up(client, full)
        else:
            lifecycle.body_bytes += size
            client.body.feed(piece)

    def body_complete(self) -> None:
        """The request is whole; from here on only the answer is waited for."""
        client, self._receiving = self._receiving, None
        self._expires = math.inf
        if client is not None:
            client.body.finish()

    def _begin(self, client: AsgiClient, scope: dict[str, Any]) -> None:
        site, lifecycle = self._site, self._lifecycle
        refusal = lifecycle.refusal(scope["raw_path"], self._edges)
        app = site.app if refusal is None else _refusing(refusal)
        self._current = client
        lifecycle.active.add(client)
        run = client.run(app, scope, site.render_error, lifecycle.leave)
        # Made without the loop's ``create_task``, which has a new name written for every task.
        client.task = asyncio.Task(run, loop=self._loop, name="request")

    def _give_up(self, client: AsgiClient, error: TrunklineError) -> None:
        self._lifecycle.release(client)
        client.body.fail(error)

    def _refuse(self, error: TrunklineError) -> None:
        """End this connection with an error, after the answers that are still owed."""
        self._deaf = True
        self._expires = math.inf
        receiving, self._receiving = self._receiving, None
        if receiving is not None:
            self._give_up(receiving, error)
        elif self._current is not None:
            self._refusal = error
        else:
            self._send_refusal(error, ClientConnection(self, keep_alive=False))

    def _send_refusal(self, error: TrunklineError, client: ClientConnection) -> None:
        head = self._reader.head
        status, headers, body = self._site.render_error(head.raw_path, head.headers, error)
        if isinstance(error, UpgradeRequired):
            headers = [*headers, (b"upgrade", b"HTTP/1.1")]
        client.respond(status, headers, body)

    def _lose(self) -> None:
        self._deaf = True
        self.write_paused = False
        self._receiving = None
        self._drop_waiting()
        self._wake_writer()
        current, self._current = self._current, None
        if current is not None:
            current.lost()

    def _drop_waiting(self) -> None:
        for client, _ in self._waiting:
            self._lifecycle.release(client)
        self._waiting.clear()

    # The answer's side: ``Channel``

    async def drain(self) -> None:
        """Wait until the client has taken enough, or has gone."""
        while self.write_paused:
            if self._drained is None or self._drained.done():
                self._drained = self._loop.create_future()
            await self._drained

    def own_lines(self, *, close: bool) -> str:
        """The Date, and whether the connection closes."""
        date = self._lifecycle.date
        return date + "connection: close\r\n" if close else date

    def may_reuse(self) -> bool:
        """Whether another answer may follow on this connection."""
        if self._deaf and not self._waiting and self._refusal is None:
            return False
        return self._lifecycle.reuse

    def answered(self, *, reuse: bool) -> None:
        """Go on with the next request, or flush and close."""
        self._current = None
        refusal, self._refusal = self._refusal, None
        if self._waiting and reuse:
            self._begin(*self._waiting.popleft())
            self._refusal = refusal
        elif refusal is not None and reuse:
            self._send_refusal(refusal, ClientConnection(self, keep_alive=False))
        elif self._deaf or not (reuse and self._lifecycle.reuse):
            self._hang_up()
        elif self._reader.state == "between":
            self._expires = time.perf_counter() + self._edges.keep_alive

    def _wake_writer(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    # Ends

    def check(self, now: float) -> None:
        """Act on waits that have lasted too long; ``now`` is ``time.perf_counter()``."""
        if self._stalls_at < math.inf:
            self._check_stall(now)
        if now >= self._expires:
            self._expires = math.inf
            self._expire()

    def retire(self) -> None:
        """Close now if no request is on the way; the others close with their answers."""
        if self._current is None and self._reader.state == "between":
            self._close()

    def cut(self, error: TrunklineError) -> None:
        """End the present answer here: with an error where it has not begun, else unfinished."""
        current = self._current
        if current is None:
            self._close()
        elif current.answering:
            current.abort()
        else:
            self._deaf = True
            self._send_refusal(error, current)

    def abort(self) -> None:
        """Close at once; what the client has not taken is lost."""
        self._transport.abort()

    def _expire(self) -> None:
        if self._deaf or self._reader.state == "between":
            self._close()
        elif self._reader.state == "head":
            self._refuse(RequestTimeout("The request's headers took too long."))
        else:
            self._refuse(RequestTimeout("The request's body stopped arriving."))

    def _hang_up(self) -> None:
        """Close after the last answer, so that the client can read it.

        A socket that is closed with unread bytes answers with a reset, which can take the answer
        away from a client that still sends; so its sending is read, and dropped, for a moment.
        """
        self._drop_waiting()
        if self._reader.state == "between":
            self._close()
            return
        self._deaf = True
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._expires = time.perf_counter() + self._edges.linger

    def _close(self) -> None:
        self._deaf = True
        self._closing = True
        self._watch_unsent()
        self._transport.close()

    def _watch_unsent(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        self._stalls_at = time.perf_counter() + self._edges.write_stall

    def _check_stall(self, now: float) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent < self._unsent:
            self._stalls_at = now + self._edges.write_stall
        elif now >= self._stalls_at:
            self._transport.abort()
        self._unsent = unsent


def _address(name: object) -> tuple[str, int] | None:
    # A Unix socket has a path, or nothing, where TCP has a host and a port.
    return (name[0], name[1]) if isinstance(name, tuple) else None


def _refusing(error: TrunklineError) -> Application:
    async def refuse(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    return refuse


def _body_too_large(edges: Edges) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request's body is larger than {edges.max_body_bytes} bytes.")
