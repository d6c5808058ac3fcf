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


class UpstreamResponse:
    """The answer to one request. One task reads it, with ``read`` or with ``chunk``.

    Whoever got it from ``UpstreamPool.open`` must read it to its end or call ``abort``. If the task
    is cancelled while it waits here, the socket is closed.

    Its state: what has arrived (shared with the parser), the connection until the message is
    complete or given up, the one future that its reader waits on or the listener that stands for
    it, and the error that ended it.

    Attributes:
        status: final status; interim responses were skipped.
        headers: names in lower case. Where the body is decoded here, ``content-encoding`` and
            ``content-length`` are gone, as they no longer describe what ``read`` gives.
        reused: whether the connection had carried a request before.
    """

    __slots__ = (
        "_carrier",
        "_decoder",
        "_error",
        "_has_ended",
        "_incoming",
        "_listener",
        "_loop",
        "_waiter",
        "headers",
        "reused",
        "status",
    )

    def __init__(
        self,
        incoming: IncomingResponse,
        carrier: Carrier,
        loop: asyncio.AbstractEventLoop,
        *,
        reused: bool,
    ) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.reused = reused
        self._incoming = incoming
        self._carrier: Carrier | None = carrier
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self._listener: Callable[[], None] | None = None
        self._error: TransportError | None = None
        self._decoder: BodyDecoder | None = None
        self._has_ended = False

    @override
    def __repr__(self) -> str:
        incoming = self._incoming
        if self._error is not None:
            state = f"failed: {self._error.code}"
        elif incoming.complete:
            state = "complete"
        else:
            state = "body" if incoming.head_complete else "head"
        return f"<UpstreamResponse {incoming.status} {state}, {incoming.buffered} bytes unread>"

    async def read(self, limit: int) -> bytes:
        """The whole body, decoded. The connection is free again as soon as the body has arrived.

        Args:
            limit: the most bytes that the body may have, decoded.

        Raises:
            BodyTooLarge: it has more; the connection is closed.
            TransportError: as ``chunk``.
        """
        incoming = self._incoming
        if incoming.complete and self._decoder is None and self._error is None:
            # The usual case: all of a short answer came together with its head.
            if incoming.buffered > limit:
                raise self._too_large(limit)
            whole = self._take()
            self._end()
            return whole
        if (incoming.content_length or 0) > limit:
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
            if self._error is not None:
                raise self._error
            if self._incoming.complete:
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
        incoming = self._incoming
        return bool(incoming.buffered) or incoming.complete or self._error is not None

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
            if not self._incoming.complete:
                self._error = ConnectionLost("the response was given up by us", sent=True)
                self.wake()

    @property
    def promised(self) -> int | None:
        """Bytes of the whole body as its head announced them; None where it did not."""
        return self._incoming.content_length

    @property
    def has_ended(self) -> bool:
        """Whether the end of the body has been given out, so that nothing is left to read."""
        return self._has_ended

    # For the connection and the pool.

    @property
    def is_awaited(self) -> bool:
        """Whether the reader waits for the provider right now."""
        return self._waiter is not None or self._listener is not None

    @property
    def incoming(self) -> IncomingResponse:
        """What has arrived."""
        return self._incoming

    @property
    def is_settled(self) -> bool:
        """Whether there is a head to deliver or an error to raise."""
        return self._incoming.head_complete or self._error is not None

    def wake(self) -> None:
        """Something has arrived, or the request's bytes have left."""
        if self._listener is not None:
            self._listener()
            return
        waiter = self._waiter
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
        """Wait until ``wake``; if cancelled meanwhile, close the socket."""
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._waiter = None

    def settle_head(self) -> None:
        """Show status and headers, once ``is_settled``.

        Raises:
            TransportError: they will not come, or the body cannot be decoded.
        """
        incoming = self._incoming
        if not incoming.head_complete:
            assert self._error is not None  # noqa: S101 - what is_settled means; told to the type checker
            raise self._error
        self.status = incoming.status
        self.headers = incoming.headers
        if incoming.content_encoding:
            self._prepare_decoding()

    def _prepare_decoding(self) -> None:
        incoming = self._incoming
        if incoming.complete and not incoming.buffered:
            return
        try:
            self._decoder = decoder_for(incoming.content_encoding)
        except TransportError:
            self.abort()
            raise
        if self._decoder is not None:
            incoming.content_length = None
            self.headers = [pair for pair in self.headers if pair[0] not in _SPEAK_OF_PACKED_BODY]

    def _take(self) -> bytes:
        if self._decoder is None:
            return self._drain() if self._incoming.buffered else b""
        try:
            while not (data := self._decoder.take()) and self._incoming.buffered:
                self._decoder.feed(self._drain())
        except TransportError as error:
            raise self._broken(error) from None
        return data

    def _drain(self) -> bytes:
        """All body bytes as they were sent, in one piece."""
        incoming = self._incoming
        parts = incoming.parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        incoming.buffered = 0
        if self._carrier is not None:
            self._carrier.resume()
        return data

    def _end(self) -> bytes:
        if self._has_ended:
            raise RuntimeError("the body has come to its end already")
        if self._decoder is not None:
            try:
                self._decoder.finish()
            except TransportError as error:
                raise self._broken(error) from None
        self._has_ended = True
        return b""

    def _too_large(self, limit: int) -> TransportError:
        return self._broken(BodyTooLarge(f"the body is longer than {limit} bytes", sent=True))

    def _broken(self, error: TransportError) -> TransportError:
        """Keep an error of ours, so that the reader gets it again, and close the socket."""
        self.abort()
        self._error = error
        self._incoming.parts.clear()
        self._incoming.buffered = 0
        self._decoder = None
        return error


_SPEAK_OF_PACKED_BODY = frozenset({b"content-encoding", b"content-length"})
