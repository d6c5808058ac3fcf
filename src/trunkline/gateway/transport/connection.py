"""One connection to a provider: the asyncio protocol that carries requests one after the other.

What is certain about a lost connection decides whether a request may be sent again:

- Lost before ``send`` wrote: no byte left, ``send`` says so and the pool takes another connection.
- Lost after ``send`` wrote, before any byte of a response: the provider may have closed an idle
  connection at the moment the request was on its way, or may have died after it began to
  generate. From here the two look the same, so the error says ``sent=True``.

To make the first case the likely one, a connection that has been idle is asked of the kernel, just
before use, whether an end or unexpected bytes have come in that the event loop has not yet seen.
That is a system call for each request, also right after an answer: a provider that closes after so
many requests, without a word, does it then, and what is sent after that counts as a failed attempt
that may cost money.
"""

import asyncio
import select
from enum import Enum
from typing import Protocol, cast

from typing_extensions import override

from trunkline.gateway.transport.errors import (
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    TotalTimeout,
    TransportError,
)
from trunkline.gateway.transport.models import Timeouts
from trunkline.gateway.transport.parser import ResponseParser
from trunkline.gateway.transport.response import UpstreamResponse
from trunkline.gateway.transport.timer import LazyTimer

# Unread body bytes beyond which we stop reading, so that a slow client slows its provider.
HIGH_WATER = 65_536
# Bytes of a request body handed to the socket at a time; small bodies leave in one write.
WRITE_STEP = 131_072
# Timers of uvloop have a resolution of one millisecond.
_TICK = 0.001


class Owner(Protocol):
    """The pool's side of a connection. Both are called on the event loop and must not raise."""

    def released(self, connection: "UpstreamConnection") -> None:
        """The connection is free for another request."""
        ...

    def lost(self, connection: "UpstreamConnection") -> None:
        """The connection is closed; called exactly once."""
        ...


class Phase(Enum):
    """What a connection is doing."""

    IDLE = "idle"
    BUSY = "busy"
    CLOSED = "closed"


class UpstreamConnection(asyncio.Protocol):
    """A socket to a provider, its parser, its timer, and the response that is being received.

    The state changes only on the event loop: ``phase``; the response while one is under way; the
    timer; and whether reading or writing is paused. It is owned by the origin's pool; it closes
    itself when anything comes in while it is idle.

    Args:
        idle_keep: seconds for which it may stay idle.

    Attributes:
        phase: idle, busy (also while it is reserved for a request), or closed.
        requests: how many it has carried, the present one included.
        gone: done when the operating system's socket is closed.
    """

    def __init__(
        self,
        owner: Owner,
        name: str,
        *,
        loop: asyncio.AbstractEventLoop,
        max_head_bytes: int,
        idle_keep: float,
    ) -> None:
        self.phase = Phase.BUSY
        self.requests = 0
        self.gone: asyncio.Future[None] = loop.create_future()
        self._owner = owner
        self._name = name
        self._loop = loop
        self._idle_keep = idle_keep
        self._parser = ResponseParser(max_head_bytes)
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._response: UpstreamResponse | None = None
        self._is_sending = False
        self._is_write_paused = False
        self._is_read_paused = False
        self._limits = Timeouts()
        self._total_at = 0.0
        self._last = 0.0
        self._idle_until = 0.0
        self._timer = LazyTimer(loop, self._check_deadline)

    @override
    def __repr__(self) -> str:
        doing = "" if self._response is None else f" {self._response!r}"
        return f"<UpstreamConnection {self._name} {self.phase.value}, {self.requests} sent{doing}>"

    # For the pool.

    def is_alive(self) -> bool:
        """Whether neither the loop nor the kernel knows of an end, or of bytes nobody asked for."""
        transport = self._transport
        if self.phase is Phase.CLOSED or transport is None or transport.is_closing():
            return False
        return not self._poll.poll(0)

    def send(
        self, head: bytes, body: bytes, *, limits: Timeouts, total_at: float, head_only: bool
    ) -> UpstreamResponse | None:
        """Send a request, of a large body only the first step; ``send_rest`` follows then.

        Returns:
            The response to wait for; None if the connection turned out to be closed, in which case
            certainly nothing was sent.
        """
        transport = self._transport
        if self.phase is Phase.CLOSED or transport is None or transport.is_closing():
            return None
        response = UpstreamResponse(reused=self.requests > 0, _carrier=self, _loop=self._loop)
        self._parser.begin(response, head_only=head_only)
        self.requests += 1
        self.phase = Phase.BUSY
        self._response = response
        self._limits = limits
        self._total_at = total_at
        self._last = self._loop.time()
        self._is_sending = len(body) > WRITE_STEP
        transport.write(head + (body[:WRITE_STEP] if self._is_sending else body))
        silent_until = self._last + limits.first_byte
        self._timer.fire_by(silent_until)
        if total_at < silent_until:
            self._timer.fire_by(total_at)
        return response

    async def send_rest(self, body: bytes, response: UpstreamResponse) -> None:
        """Send what ``send`` left, as fast as the provider takes it.

        An answer that comes before all has left ends the sending. What remains is never sent, so
        the connection is closed when that answer is complete.
        """
        view = memoryview(body)
        for start in range(WRITE_STEP, len(body), WRITE_STEP):
            while self._is_write_paused and not response.is_settled:
                await response.wait_for_progress()
            if response.is_settled or self._transport is None:
                return
            self._last = self._loop.time()
            self._transport.write(view[start : start + WRITE_STEP])
        self._is_sending = False

    def drop(self) -> None:
        """Close the socket because the pool is closing; whoever waits for a response is told."""
        self._fail(ConnectionLost("the pool was closed", sent=True))

    def close(self) -> None:
        """Close the socket now, without a farewell. Idempotent."""
        if self.phase is Phase.CLOSED:
            return
        self.phase = Phase.CLOSED
        self._response = None
        self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._owner.lost(self)

    # For the response.

    def watch(self) -> None:
        """Count silence from now on."""
        self._last = self._loop.time()
        self._timer.fire_by(min(self._last + self._limits.idle, self._total_at))

    def resume(self) -> None:
        """Read on after back-pressure."""
        transport = self._transport
        if self._is_read_paused and transport is not None and not transport.is_closing():
            self._is_read_paused = False
            transport.resume_reading()

    # Called by the transport.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    @override
    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            # Idle: nobody asked for these bytes, so the two sides no longer agree on anything.
            self.close()
            return
        try:
            self._parser.feed(data)
        except TransportError as error:
            self._fail(error)
            return
        if response.complete:
            self._finish(response)
            return
        if response.head_complete:
            # Before that only sending counts as progress, or a head could be dripped for ever.
            self._last = self._loop.time()
            if response.buffered > HIGH_WATER and not self._is_read_paused:
                self._is_read_paused = True
                cast("asyncio.Transport", self._transport).pause_reading()
        response.wake()

    @override
    def eof_received(self) -> None:
        response = self._response
        if response is None:
            self.close()
            return
        try:
            self._parser.end()
        except TransportError as error:
            self._fail(error)
        else:
            self._finish(response)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set_result(None)
        reason = "was reset" if exc is not None else "ended"
        self._fail(ConnectionLost(f"the connection {reason} before its response did", sent=True))

    @override
    def pause_writing(self) -> None:
        self._is_write_paused = True

    @override
    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._last = self._loop.time()
        if self._response is not None:
            self._response.wake()

    # Ours.

    def _finish(self, response: UpstreamResponse) -> None:
        """The message is complete: give the connection back, or close it."""
        self._response = None
        transport = cast("asyncio.Transport", self._transport)
        keep = self._idle_keep
        if response.keep_alive_seconds is not None:
            # One second less than promised, so that the request does not cross with the close.
            keep = min(keep, response.keep_alive_seconds - 1.0)
        is_free = response.reusable and not self._is_sending
        if keep <= 0 or not is_free or transport.get_write_buffer_size():
            self.close()
        else:
            if self._is_read_paused:
                self.resume()
            self.phase = Phase.IDLE
            self._idle_until = self._loop.time() + keep
            self._timer.fire_by(self._idle_until)
            self._owner.released(self)
        response.detach()

    def _fail(self, error: TransportError) -> None:
        response = self._response
        self.close()
        if response is not None:
            response.fail(error)

    def _check_deadline(self) -> None:
        due, error = self._next_deadline()
        if self._loop.time() + _TICK < due:
            self._timer.fire_by(due)
        elif error is None:
            self.close()
        else:
            self._fail(error)

    def _next_deadline(self) -> tuple[float, TransportError | None]:
        """When the present stage is over, and the error for it; an idle connection just closes."""
        response = self._response
        if response is None:
            return self._idle_until, None
        error: TransportError = TotalTimeout("the request took too long in all", sent=True)
        due = self._total_at
        if not response.head_complete:
            silent_until = self._last + self._limits.first_byte
            if silent_until < due:
                due = silent_until
                error = FirstByteTimeout("the provider did not begin to answer", sent=True)
        elif response.is_awaited and self._last + self._limits.idle < due:
            due = self._last + self._limits.idle
            error = IdleTimeout("the provider fell silent inside its answer", sent=True)
        return due, error
