"""One client connection: parses requests in order, guards the edges, hands requests on.

The state of a connection is what it reads (``_reading``), which request is being answered
(``_current``), which ones wait behind it (``_waiting``), and until when the present wait may last
(``_expires``). No timer is kept per connection: the server's tick calls ``check`` on all of them.
"""

import asyncio
import logging
import math
import time
from collections import deque
from typing import Any, Final, Literal, cast

import httptools
import msgspec
from typing_extensions import override

from trunkline.errors import (
    HeadersTooLarge,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
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
from trunkline.gateway.serving.intake import Intake, Peer
from trunkline.gateway.serving.lifecycle import Lifecycle

_LOG: Final = logging.getLogger(__name__)

# Bytes of framing that each chunk of a body may cost beside its data, as in Go's net/http.
_FRAMING_PER_CHUNK: Final = 16


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
        self._parser = httptools.HttpRequestParser(self)
        self._intake = Intake()
        self._reading: Literal["nothing", "head", "body", "discard"] = "nothing"
        self._begun = 0
        self._feed_size = 0
        self._framing = 0
        self._upgrading = False
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
        if self._current is not None:
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
        if self._reading == "discard":
            return
        was, begun = self._reading, self._begun
        self._feed_size = len(data)
        self._framing += len(data)
        self._feed(data)
        if self._reading == "body":
            self._after_body_bytes(was == "body" and self._begun == begun)
        elif self._reading == "head":
            self._after_head_bytes(was, self._begun - begun)

    # The parser

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self._reading = "head"
        self._begun += 1
        self._intake.begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._intake.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field; those behind a chunked body are dropped, as RFC 9110 (6.5.1) allows."""
        if self._reading == "head":
            self._intake.add(name, value)

    def on_headers_complete(self) -> None:
        """A whole head: make its request and begin it, or let it wait its turn."""
        if self._parser.should_upgrade():
            self._upgrading = True
            return
        intake, edges = self._intake, self._edges
        if intake.fed + self._feed_size > edges.header_bytes < intake.size:
            raise _headers_too_large(edges)
        client, scope = self._accept()
        if intake.content_length > edges.max_body_bytes:
            client.body.fail(_body_too_large(edges))
        if self._current is None:
            self._begin(client, scope)
        elif len(self._waiting) < edges.pipeline:
            self._waiting.append((client, scope))
        else:
            raise InvalidRequest("Too many requests wait on this connection.", code="invalid_http")
        self._reading = "body"
        self._receiving = client

    def on_chunk_header(self) -> None:
        """Another chunk begins."""
        self._framing -= _FRAMING_PER_CHUNK

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        client = self._receiving
        size = len(piece)
        self._framing -= size
        if client is None or client.over or client.body.error is not None:
            return
        if client.body.held + size > self._edges.max_body_bytes:
            self._give_up(client, _body_too_large(self._edges))
        elif (full := self._lifecycle.body_refusal(size, self._edges)) is not None:
            self._give_up(client, full)
        else:
            self._lifecycle.body_bytes += size
            client.body.feed(piece)

    def on_message_complete(self) -> None:
        """A request's last byte."""
        client, self._receiving = self._receiving, None
        if client is not None:
            self._reading = "nothing"
            self._expires = math.inf
            client.body.finish()

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._answer_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            self._refuse(_from_callback(error))
        except httptools.HttpParserError as error:
            if self._reading == "nothing":
                # Only bytes behind a request that said ``Connection: close`` fail between two.
                self._reading = "discard"
            else:
                self._refuse(InvalidRequest(f"This is not HTTP/1.1: {error}.", code="invalid_http"))

    def _after_head_bytes(self, was: str, begun: int) -> None:
        intake = self._intake
        # Bytes before this head in the same read, those of an earlier body, are not its own.
        whole = begun == 0 or (was == "nothing" and begun == 1)
        intake.fed += self._feed_size if whole else intake.size
        if begun:
            self._expires = time.perf_counter() + self._edges.header_timeout
        if intake.fed > self._edges.header_bytes:
            self._refuse(_headers_too_large(self._edges))

    def _after_body_bytes(self, continued: bool) -> None:  # noqa: FBT001 - called once, above
        self._expires = time.perf_counter() + self._edges.body_idle
        # Chunk sizes, extensions and trailers are not part of any body that we count.
        self._framing = max(0, self._framing) if continued else 0
        if self._framing > self._edges.header_bytes:
            self._refuse(InvalidRequest("The chunks are mostly framing.", code="invalid_http"))

    def _answer_upgrade(self, rest: bytes) -> None:
        self._upgrading = False
        method = self._parser.get_method()
        if method == b"CONNECT":
            self._refuse(MethodNotAllowed("This server is no forward proxy."))
        elif self._intake.upgrade == b"websocket":
            self._refuse(UpgradeRequired("This server speaks no WebSocket; send a plain request."))
        else:
            # llhttp takes no body after an upgrade, yet clients such as Java's send h2c offers
            # with a body; the same head without the offer is parsed from a fresh start.
            self._parser = httptools.HttpRequestParser(self)
            plain = self._intake.without_upgrade(method) + rest
            self._feed_size = len(plain)
            self._feed(plain)

    # Requests in order

    def _accept(self) -> tuple[AsgiClient, dict[str, Any]]:
        parser, intake = self._parser, self._intake
        version, method = parser.get_http_version(), parser.get_method().decode()
        scope = intake.scope(method, version, self._peer, self._site.state)
        http11 = version == "1.1"
        client = AsgiClient(
            self,
            head_only=method == "HEAD",
            http11=http11,
            keep_alive=http11 and parser.should_keep_alive(),
            expects_continue=http11 and intake.expects_continue,
        )
        scope["trunkline.client"] = scope["trunkline.stream"] = client
        scope["trunkline.respond"] = client.respond
        return client, scope

    def _begin(self, client: AsgiClient, scope: dict[str, Any]) -> None:
        site = self._site
        refusal = self._lifecycle.refusal(scope["raw_path"], self._edges)
        app = site.app if refusal is None else _refusing(refusal)
        self._current = client
        self._lifecycle.active.add(client)
        run = client.run(app, scope, site.render_error, self._lifecycle.leave)
        client.task = self._loop.create_task(run)

    def _give_up(self, client: AsgiClient, error: TrunklineError) -> None:
        self._lifecycle.release(client)
        client.body.fail(error)

    def _refuse(self, error: TrunklineError) -> None:
        """End this connection with an error, after the answers that are still owed."""
        self._reading = "discard"
        self._expires = math.inf
        receiving, self._receiving = self._receiving, None
        if receiving is not None:
            self._give_up(receiving, error)
        elif self._current is not None:
            self._refusal = error
        else:
            self._send_refusal(error)

    def _send_refusal(self, error: TrunklineError) -> None:
        intake = self._intake
        status, headers, body = self._site.render_error(intake.raw_path, intake.headers, error)
        if isinstance(error, UpgradeRequired):
            headers = [*headers, (b"upgrade", b"HTTP/1.1")]
        ClientConnection(self, keep_alive=False).respond(status, headers, body)

    def _lose(self) -> None:
        self._reading = "discard"
        self.write_paused = False
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

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket."""
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken enough, or has gone."""
        while self.write_paused:
            if self._drained is None or self._drained.done():
                self._drained = self._loop.create_future()
            await self._drained

    def own_lines(self, *, close: bool) -> bytes:
        """The Date, and whether the connection closes."""
        date = self._lifecycle.date
        return date + b"connection: close\r\n" if close else date

    def may_reuse(self) -> bool:
        """Whether another request may follow."""
        return self._lifecycle.reuse and self._reading != "discard"

    def answered(self, *, reuse: bool) -> None:
        """Go on with the next request, or flush and close."""
        self._current = None
        refusal, self._refusal = self._refusal, None
        if self._waiting and reuse:
            self._begin(*self._waiting.popleft())
            self._refusal = refusal
        elif refusal is not None and reuse:
            self._send_refusal(refusal)
        elif not (reuse and self.may_reuse()):
            self._hang_up()
        elif self._reading == "nothing":
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
        if self._current is None and self._reading == "nothing":
            self._close()

    def cut(self, error: TrunklineError) -> None:
        """End the present answer here: with an error where it has not begun, else unfinished."""
        current = self._current
        if current is None:
            self._close()
        elif current.answering:
            current.abort()
        else:
            self._reading = "discard"
            self._send_refusal(error)

    def abort(self) -> None:
        """Close at once; what the client has not taken is lost."""
        self._transport.abort()

    def _expire(self) -> None:
        if self._reading == "head":
            self._refuse(RequestTimeout("The request's headers took too long."))
        elif self._reading == "body":
            self._refuse(RequestTimeout("The request's body stopped arriving."))
        else:
            self._close()

    def _hang_up(self) -> None:
        """Close after the last answer, so that the client can read it.

        A socket that is closed with unread bytes answers with a reset, which can take the answer
        away from a client that still sends; so its sending is read, and dropped, for a moment.
        """
        self._drop_waiting()
        if self._reading == "nothing":
            self._close()
            return
        self._reading = "discard"
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._expires = time.perf_counter() + self._edges.linger

    def _close(self) -> None:
        self._reading = "discard"
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


def _from_callback(error: httptools.HttpParserCallbackError) -> TrunklineError:
    cause = error.__context__
    if isinstance(cause, TrunklineError):
        return cause
    _LOG.error("A request's head could not be handled.", exc_info=cause)
    return InternalError("The gateway failed.")


def _headers_too_large(edges: Edges) -> HeadersTooLarge:
    return HeadersTooLarge(f"The request's headers are larger than {edges.header_bytes} bytes.")


def _body_too_large(edges: Edges) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request's body is larger than {edges.max_body_bytes} bytes.")
