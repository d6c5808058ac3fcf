"""A response as its reader sees it: status, headers, and a body that ends properly or raises."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from typing_extensions import override

from trunkline.gateway.transport.decoding import BodyDecoder, decoder_for
from trunkline.gateway.transport.errors import BodyTooLarge, ConnectionLost, TransportError
from trunkline.gateway.transport.parser import IncomingResponse


class Carrier(Protocol):
    """The connection that a response comes from, as far as the response needs it."""

    def watch(self) -> None:
        """Somebody waits for more from now on: silence counts."""
        ...

    def resume(self) -> None:
        """Everything that had arrived was taken: read on."""
        ...

    def close(self) -> None:
        """Close the socket now."""
        ...


class UpstreamResponse(IncomingResponse, eq=False, kw_only=True):
    """The answer to one request. One task reads it, with ``read`` or with ``chunk``.

    Whoever got it from ``UpstreamPool.open`` must read it to its end or call ``abort``. If the task
    is cancelled while it waits here, the socket is closed.

    Its state: what has arrived, which is the parser's to write; the connection until the message is
    complete or given up; the one future that its reader waits on or the listener that stands for
    it; and the error that ended it. Where the body is decoded here, the headers
    ``content-encoding`` and ``content-length`` are gone, and nothing is ``promised``, as they no
    longer describe what ``read`` gives.

    Attributes:
        reused: whether the connection had carried a request before.
        has_ended: whether the end of the body has been given out, so that nothing is left to read.
    """

    reused: bool
    _carrier: Carrier | None
    _loop: asyncio.AbstractEventLoop
    has_ended: bool = False
    _waiter: asyncio.Future[None] | None = None
    _listener: Callable[[], None] | None = None
    _error: TransportError | None = None
    _decoder: BodyDecoder | None = None

    @override
    def __repr__(self) -> str:
        if self._error is not None:
            state = f"failed: {self._error.code}"
        elif self.complete:
            state = "complete"
        else:
            state = "body" if self.head_complete else "head"
        return f"<UpstreamResponse {self.status} {state}, {self.buffered} bytes unread>"

    async def read(self, limit: int) -> bytes:
        """The whole body, decoded. The connection is free again as soon as the body has arrived.

        Args:
            limit: the most bytes that the body may have, decoded.

        Raises:
            BodyTooLarge: it has more; the connection is closed.
            TransportError: as ``chunk``.
        """
        if self.complete and self._decoder is None and self._error is None and not self.has_ended:
            # The usual case: all of a short answer came together with its head.
            if self.buffered > limit:
                raise self._too_large(limit)
            self.has_ended = True
            return self._drain()
        if (self.promised or 0) > limit:
            raise self._too_large(limit)
        parts = []
        size = 0
        while part := self._take() or await self.chunk():
            size += len(part)
            if size > limit:
                raise self._too_large(limit)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunk(self) -> bytes:
        """All bytes that have arrived, or the next to arrive; empty once at the proper end.

        Raises:
            TransportError: the body was cut, broke the protocol, or a time ran out. What came
                before is given out first, and every further call raises the same again.
            RuntimeError: the end has been given out already.
        """
        while True:
            if part := self._take():
                return part
            if self.complete and self._error is None:
                return self._end()
            if self._carrier is not None:
                self._carrier.watch()
            await self.wait_for_progress()

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call this whenever something has happened, instead of waking a task; None ends it.

        The listener takes what has come with ``take``. When that gives nothing, the body is over
        or has failed, and ``chunk`` tells which.
        """
        self._listener = listener
        if listener is not None and self._carrier is not None:
            self._carrier.watch()

    @property
    def has_news(self) -> bool:
        """Whether bytes have arrived that nobody has taken, or none will come any more."""
        return bool(self.buffered) or self.complete or self._error is not None

    def take(self) -> bytes:
        """All bytes that have arrived, or none.

        Raises:
            TransportError: they cannot be decoded.
        """
        return self._take()

    def abort(self) -> None:
        """Close the socket now, unless the response is complete. Idempotent, safe after the end."""
        carrier, self._carrier = self._carrier, None
        if carrier is not None:
            carrier.close()
            if not self.complete:
                self._error = ConnectionLost("the response was given up by us", sent=True)
                self.wake()

    # For the connection and the pool.

    @property
    def is_awaited(self) -> bool:
        """Whether the reader waits for the provider right now."""
        return self._waiter is not None or self._listener is not None

    @property
    def is_settled(self) -> bool:
        """Whether there is a head to deliver or an error to raise."""
        return self.head_complete or self._error is not None

    def wake(self) -> None:
        """Something has arrived, or the request's bytes have left."""
        if self._listener is not None:
            self._listener()
            return
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def detach(self) -> None:
        """The connection is no longer ours: the message is complete."""
        self._carrier = None
        self.wake()

    def fail(self, error: TransportError) -> None:
        """The response ends here; the connection is already closing."""
        if self._error is None:
            self._error = error
        self._carrier = None
        self.wake()

    async def wait_for_progress(self) -> None:
        """Wait until ``wake``; if cancelled meanwhile, close the socket.

        Raises:
            TransportError: nothing more will come.
        """
        if self._error is not None:
            raise self._error
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        except BaseException:
            self.abort()
            raise

    def prepare_decoding(self) -> None:
        """Decode the body for its reader; asked once its head, which says how, is complete.

        Raises:
            TransportError: it cannot be decoded.
        """
        if self.complete and not self.buffered:
            return
        try:
            self._decoder = decoder_for(self.content_encoding)
        except TransportError:
            self.abort()
            raise
        if self._decoder is not None:
            self.promised = None
            self.headers = [pair for pair in self.headers if pair[0] not in _SPEAK_OF_PACKED_BODY]

    def _take(self) -> bytes:
        if self._decoder is None:
            return self._drain() if self.buffered else b""
        try:
            while not (data := self._decoder.take()) and self.buffered:
                self._decoder.feed(self._drain())
        except TransportError as error:
            raise self._broken(error) from None
        return data

    def _drain(self) -> bytes:
        """All body bytes as they were sent, in one piece."""
        parts = self.parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self.buffered = 0
        if self._carrier is not None:
            self._carrier.resume()
        return data

    def _end(self) -> bytes:
        if self.has_ended:
            raise RuntimeError("the body has come to its end already")
        if self._decoder is not None:
            try:
                self._decoder.finish()
            except TransportError as error:
                raise self._broken(error) from None
        self.has_ended = True
        return b""

    def _too_large(self, limit: int) -> TransportError:
        return self._broken(BodyTooLarge(f"the body is longer than {limit} bytes", sent=True))

    def _broken(self, error: TransportError) -> TransportError:
        """Keep an error of ours, so that the reader gets it again, and close the socket."""
        self.abort()
        self._error = error
        self.parts.clear()
        self.buffered = 0
        self._decoder = None
        return error


_SPEAK_OF_PACKED_BODY = frozenset({b"content-encoding", b"content-length"})
