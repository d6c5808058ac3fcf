"""One request's client: what a handler knows of it and how it answers."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import msgspec

from trunkline.gateway.serving.body import RequestBody
from trunkline.gateway.serving.head import WITHOUT_BODY, Headers, render_head


class Channel(Protocol):
    """The connection, as far as the answer to one request needs it."""

    write_paused: bool

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket; they are sent in order, without waiting."""
        ...

    async def drain(self) -> None:
        """Wait until the client has taken enough, or has gone."""
        ...

    def own_lines(self, *, close: bool) -> str:
        """The server's own header lines: the date, and whether the connection closes."""
        ...

    def may_reuse(self) -> bool:
        """Whether another request may follow on this connection."""
        ...

    def answered(self, *, reuse: bool) -> None:
        """The answer is over: go on with the next request, or flush and close."""
        ...


class ClientConnection(msgspec.Struct, eq=False):
    """The client of one request, at ``scope["trunkline.client"]``.

    Exactly one of ``respond`` or ``start`` begins the answer. After the client has gone all calls
    do nothing. Everything runs on the event loop; nothing here may be used from a thread.

    Attributes:
        channel: the connection that the request came on.
        head_only: the method is HEAD, or the answer turned out to have no body.
        http11: the client reads chunks.
        keep_alive: the client wants to use the connection again, and may as far as is known.
        expects_continue: the client waits to be asked for its body.
        accepted_ns: wall time in nanoseconds when the request's head was complete.
        started: ``time.perf_counter()`` at the same moment.
        gone: the client's connection was lost before the answer was over. A client that closes
            only its sending side counts as gone too, as with nginx: a half-closed connection
            cannot be told from one whose program has ended.
        answering: the head of the answer has left.
        over: the answer is complete, or was cut off.
        on_gone: called once, at once, when ``gone`` becomes true. A handler that sets it looks at
            ``gone`` as well.
        on_deadline: called once when the server stops and cannot wait longer; the handler then
            has two seconds to end its answer with an error.
        body: the request's body.
        task: the application's run for this request.
    """

    channel: Channel
    head_only: bool = False
    http11: bool = True
    keep_alive: bool = True
    expects_continue: bool = False
    accepted_ns: int = msgspec.field(default_factory=time.time_ns)
    started: float = msgspec.field(default_factory=time.perf_counter)
    body: RequestBody = msgspec.field(default_factory=RequestBody)
    gone: bool = False
    answering: bool = False
    over: bool = False
    on_gone: Callable[[], None] | None = None
    on_deadline: Callable[[], None] | None = None
    task: asyncio.Task[None] | None = None
    _chunked: bool = False
    _remaining: int | None = None

    def read(self) -> Coroutine[Any, Any, bytes]:
        """The whole body of the request; asks for it where the client waits to be asked.

        Raises:
            RequestTimeout, PayloadTooLarge, InvalidRequest, Unavailable: why it was given up.
            ClientGone: the client left before its end.
        """
        if self.expects_continue:
            self.invite()
        return self.body.read()

    def invite(self) -> None:
        """Tell a client that sent ``Expect: 100-continue`` to send its body."""
        pointless = self.body.complete or self.body.error or self.answering or self.gone
        if self.expects_continue and not pointless:
            self.channel.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.expects_continue = False

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """The whole answer in one write; the server adds its length."""
        if self.answering:
            raise _second_answer()
        if self.gone:
            return
        channel = self.channel
        # What is left of a body that nobody reads would be taken for the next request.
        reuse = self.keep_alive and self.body.complete and channel.may_reuse()
        own = channel.own_lines(close=not reuse)
        if status in WITHOUT_BODY:
            answer = render_head(status, headers, own)
        else:
            head = render_head(status, headers, f"content-length: {len(body)}\r\n{own}")
            answer = head if self.head_only else head + body
        self.answering = True
        channel.write(answer)
        self._end(reuse=reuse)

    def start(self, status: int, headers: Headers, length: int | None = None) -> None:
        """Begin an answer in pieces.

        Args:
            status: as in ``respond``.
            headers: as in ``respond``.
            length: bytes of the body where they are known; else it is sent in chunks, and to a
                client of HTTP/1.0 until the connection closes.
        """
        if self.answering:
            raise _second_answer()
        if self.gone:
            return
        bodiless = self.head_only or status in WITHOUT_BODY
        self._remaining = length
        self._chunked = self.http11 and length is None and not bodiless
        delimited = self._chunked or length is not None or bodiless
        # As in ``respond``.
        self.keep_alive = (
            self.keep_alive and delimited and self.body.complete and self.channel.may_reuse()
        )
        own = self.channel.own_lines(close=not self.keep_alive)
        if self._chunked:
            own = "transfer-encoding: chunked\r\n" + own
        elif length is not None and status not in WITHOUT_BODY:
            own = f"content-length: {length}\r\n{own}"
        head = render_head(status, headers, own)
        self.answering = True
        self.head_only = bodiless
        self.channel.write(head)

    def write_soon(self, chunk: bytes) -> None:
        """Send a piece without waiting; only for small ones, since nothing bounds them."""
        if not chunk or self.gone or self.over or self.head_only:
            return
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        elif self._remaining is not None:
            if len(chunk) > self._remaining:
                raise RuntimeError("the answer is longer than its content-length")
            self._remaining -= len(chunk)
        self.channel.write(chunk)

    def push(self, chunk: bytes) -> bool:
        """Send a piece; whether the client is so far behind that the next one must wait."""
        self.write_soon(chunk)
        return self.channel.write_paused and not (self.gone or self.over)

    async def write(self, chunk: bytes) -> None:
        """Send a piece, then wait while the client does not read."""
        self.write_soon(chunk)
        if self.channel.write_paused and not (self.gone or self.over):
            await self.channel.drain()

    def finish(self) -> None:
        """End an answer in pieces.

        Raises:
            RuntimeError: fewer bytes were sent than announced; the caller must ``abort``.
        """
        if self.gone or self.over:
            return
        if self._remaining and not self.head_only:
            raise RuntimeError("the answer is shorter than its content-length")
        if self._chunked:
            self.channel.write(b"0\r\n\r\n")
        self._end(reuse=self.keep_alive)

    def abort(self) -> None:
        """Send what was written and close, without the end that would call it complete."""
        if not (self.gone or self.over):
            self._end(reuse=False)

    def lost(self) -> None:
        """The connection has gone: tell the handler, once, unless the answer was over."""
        if self.gone or self.over:
            return
        self.gone = True
        self.body.cut()
        callback, self.on_gone = self.on_gone, None
        if callback is not None:
            callback()

    def end_soon(self) -> bool:
        """The server stops: ask the handler, once, to end its answer. False if it cannot hear."""
        callback, self.on_deadline = self.on_deadline, None
        if callback is None:
            return False
        callback()
        return True

    def _end(self, *, reuse: bool) -> None:
        self.over = True
        self.on_gone = self.on_deadline = None
        self.body.wake()
        self.channel.answered(reuse=reuse)


def _second_answer() -> RuntimeError:
    return RuntimeError("the answer has already begun")
