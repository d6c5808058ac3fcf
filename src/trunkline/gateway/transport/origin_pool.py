"""The connections of one origin: which request gets which, and when.

All decisions are made here and none of them does I/O: the pool that owns this dials and sends.
"""

import asyncio
from collections import OrderedDict

from typing_extensions import override

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport.connection import Owner, Phase, UpstreamConnection
from trunkline.gateway.transport.connector import Route
from trunkline.gateway.transport.errors import TransportError
from trunkline.gateway.transport.models import OriginStats

# What a waiter in the queue is given: a free connection, or None for the right to dial one.
Grant = UpstreamConnection | None


class OriginPool(Owner):
    """At most ``size`` connections to an origin, and a queue of those who wait for one.

    This is all of its state, changed on the event loop only:

    - ``_idle``: free connections, the last used at the end; reuse takes that one, so that the
      others grow old and close.
    - ``_busy``: connections that carry a request or are reserved for one.
    - ``_dialling``: places that are taken by connections being opened.
    - ``_queue``: waiters, first come first served. It is empty unless every place is taken: what
      becomes free goes to the first waiter directly, so a newcomer cannot overtake.
    """

    def __init__(self, origin: Origin, route: Route, *, private: bool, size: int) -> None:
        self.origin = origin
        self.route = route
        self.private = private
        self.opened = 0
        self.reused = 0
        self._size = size
        self._idle: dict[UpstreamConnection, None] = {}
        self._busy: set[UpstreamConnection] = set()
        self._dialling = 0
        self._queue: OrderedDict[asyncio.Future[Grant], None] = OrderedDict()

    @override
    def __repr__(self) -> str:
        return (
            f"<OriginPool {self.origin}: {len(self._idle)} idle, {len(self._busy)} busy, "
            f"{self._dialling} dialling, {len(self._queue)} waiting, size {self._size}>"
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is open, being opened or waited for."""
        return not (self._idle or self._busy or self._dialling or self._queue)

    def stats(self) -> OriginStats:
        """The figures of this moment."""
        return OriginStats(
            origin=self.origin,
            private=self.private,
            idle=len(self._idle),
            busy=len(self._busy) + self._dialling,
            waiting=len(self._queue),
            opened=self.opened,
            reused=self.reused,
        )

    def take(self) -> UpstreamConnection | None:
        """Reserve the free connection that was used last; those found dead are closed."""
        while self._idle:
            connection, _ = self._idle.popitem()
            self._busy.add(connection)
            if connection.is_alive():
                return connection
            connection.close()
        return None

    def reserve(self) -> bool:
        """Take a place for a connection to dial, if there is one and nobody waits for it."""
        if len(self._idle) + len(self._busy) + self._dialling >= self._size:
            return False
        self._dialling += 1
        return True

    def dialled(self, connection: UpstreamConnection) -> None:
        """The reserved place has its connection, which is busy from the start."""
        self.opened += 1
        if connection.phase is Phase.CLOSED:
            self.dial_failed()
        else:
            self._dialling -= 1
            self._busy.add(connection)

    def dial_failed(self) -> None:
        """The reserved place is free again."""
        self._dialling -= 1
        self._grant_place()

    async def wait(self, seconds: float, too_late: TransportError) -> Grant:
        """Queue for a connection, or for the right to dial one (None).

        Raises:
            TransportError: ``too_late`` after that many seconds.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Grant] = loop.create_future()
        self._queue[waiter] = None
        timer = loop.call_later(seconds, self._expire, waiter, too_late)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # It was granted in the same turn of the loop; the next in the queue gets it.
                self._give_back(waiter.result())
            raise
        finally:
            timer.cancel()
            self._queue.pop(waiter, None)

    def close(self, error: TransportError) -> list[UpstreamConnection]:
        """Close all connections and refuse all waiters.

        Returns:
            The connections, whose sockets are closed in the loop's next turns.
        """
        waiters, self._queue = self._queue, OrderedDict()
        for waiter in waiters:
            self._expire(waiter, error)
        connections = [*self._idle, *self._busy]
        for connection in connections:
            connection.drop()
        return connections

    @override
    def released(self, connection: UpstreamConnection) -> None:
        if not (self._queue and self._grant(connection)):
            self._busy.discard(connection)
            self._idle[connection] = None

    @override
    def lost(self, connection: UpstreamConnection) -> None:
        if connection in self._busy:
            self._busy.remove(connection)
        elif connection in self._idle:
            del self._idle[connection]
        else:
            # Lost while it was being dialled: its place is given back by who dials.
            return
        self._grant_place()

    def _grant(self, grant: Grant) -> bool:
        while self._queue:
            waiter, _ = self._queue.popitem(last=False)
            if not waiter.done():
                waiter.set_result(grant)
                return True
        return False

    def _grant_place(self) -> None:
        if self._grant(None):
            self._dialling += 1

    def _give_back(self, grant: Grant) -> None:
        if grant is None:
            self.dial_failed()
        elif grant in self._busy:
            self.released(grant)

    @staticmethod
    def _expire(waiter: "asyncio.Future[Grant]", error: TransportError) -> None:
        if not waiter.done():
            waiter.set_exception(error)
