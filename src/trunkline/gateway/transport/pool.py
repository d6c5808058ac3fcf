"""The door of the transport: requests in, responses out, connections kept for the next ones."""

import asyncio
from functools import partial
from pathlib import Path

from typing_extensions import override

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport.connection import WRITE_STEP, UpstreamConnection
from trunkline.gateway.transport.connector import Connector
from trunkline.gateway.transport.errors import (
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    PoolTimeout,
    TotalTimeout,
    TransportError,
)
from trunkline.gateway.transport.guard import AddressGuard
from trunkline.gateway.transport.head import encode_head
from trunkline.gateway.transport.models import PoolStats, Timeouts, UpstreamRequest
from trunkline.gateway.transport.origin_pool import OriginPool
from trunkline.gateway.transport.proxies import Proxies
from trunkline.gateway.transport.resolver import Resolver
from trunkline.gateway.transport.response import UpstreamResponse

# Organisations come and go with origins of their own; beyond this many the unused are forgotten.
MAX_ORIGINS = 1024
# Seconds to wait for sockets to be closed by the event loop.
_CLOSE_SECONDS = 2.0


class UpstreamPool:
    """Connections to all providers.

    Its state is one ``OriginPool`` for each origin, apart for private and public requests, since a
    connection that was opened for one must never carry the other. Built and closed by the
    composition root, used on one event loop; the resolver belongs to whoever built it.

    Args:
        timeouts: used where a request brings none of its own.
        per_host: most connections to one origin; further requests queue.
        address_guard: decides which addresses may be dialled.
        max_head_bytes: most bytes of a response head.
        idle_keep: seconds for which a connection is kept without use.
    """

    def __init__(
        self,
        *,
        timeouts: Timeouts,
        per_host: int,
        address_guard: AddressGuard,
        proxies: Proxies,
        ca_file: Path | None,
        resolver: Resolver,
        max_head_bytes: int = 65_536,
        idle_keep: float = 30.0,
    ) -> None:
        self._timeouts = timeouts
        self._per_host = per_host
        self._max_head = max_head_bytes
        self._idle_keep = idle_keep
        self._connector = Connector(
            guard=address_guard, proxies=proxies, resolver=resolver, ca_file=ca_file
        )
        self._public: dict[Origin, OriginPool] = {}
        self._private: dict[Origin, OriginPool] = {}
        self._is_closed = False

    @override
    def __repr__(self) -> str:
        stats = self.stats()
        return (
            f"<UpstreamPool {len(stats.origins)} origins: {stats.idle} idle, {stats.busy} busy, "
            f"{stats.waiting} waiting>"
        )

    async def open(
        self, request: UpstreamRequest, *, timeouts: Timeouts | None = None
    ) -> UpstreamResponse:
        """Send a request and return when the head of its response is complete.

        A connection that turns out to be closed before a byte was written is replaced silently.
        Nothing else is ever sent twice. If cancelled, the socket is closed.

        Raises:
            TransportError: there is no response; ``sent`` says whether there may have been a
                request.
            ValueError: the request cannot be written as HTTP/1.1.
        """
        limits = timeouts or self._timeouts
        total_at = asyncio.get_running_loop().time() + limits.total
        pools = self._private if request.private else self._public
        origin = pools.get(request.origin) or self._new_origin_pool(request, pools)
        head = encode_head(request, origin.route.target_prefix, origin.route.fixed)
        is_head = request.method == b"HEAD"
        while True:
            connection = origin.take() or await self._obtain(origin, limits, total_at)
            response = connection.send(
                head, request.body, limits=limits, total_at=total_at, head_only=is_head
            )
            if response is not None:
                break
            if not connection.requests:
                raise ConnectionLost(f"{origin.origin} closes connections as they open")
        if response.reused:
            origin.reused += 1
        if len(request.body) > WRITE_STEP:
            await connection.send_rest(request.body, response)
        while not response.head_complete:
            await response.wait_for_progress()
        if response.content_encoding:
            response.prepare_decoding()
        return response

    def stats(self) -> PoolStats:
        """The figures of this moment, for metrics and for tests of leaks."""
        pools = (*self._public.values(), *self._private.values())
        return PoolStats(tuple(pool.stats() for pool in pools))

    async def close(self) -> None:
        """Close every connection and refuse every request, those in the queue included."""
        self._is_closed = True
        gone = [
            connection.gone
            for pool in (*self._public.values(), *self._private.values())
            for connection in pool.close(ConnectFailed("the pool was closed"))
        ]
        if gone:
            await asyncio.wait(gone, timeout=_CLOSE_SECONDS)

    def _new_origin_pool(
        self, request: UpstreamRequest, pools: dict[Origin, OriginPool]
    ) -> OriginPool:
        if len(pools) >= MAX_ORIGINS:
            _forget_unused(pools)
        route = self._connector.route(request.origin)
        pool = OriginPool(request.origin, route, private=request.private, size=self._per_host)
        pools[request.origin] = pool
        return pool

    async def _obtain(
        self, origin: OriginPool, limits: Timeouts, total_at: float
    ) -> UpstreamConnection:
        """A connection that is not free yet: dialled, or waited for."""
        if not origin.reserve():
            left = total_at - asyncio.get_running_loop().time()
            too_late: TransportError = PoolTimeout(f"no connection to {origin.origin} became free")
            if left < limits.pool:
                too_late = TotalTimeout("the request took too long in the queue")
            granted = await origin.wait(min(limits.pool, left), too_late)
            if granted is not None:
                return granted
        return await self._dial(origin, limits, total_at)

    async def _dial(
        self, origin: OriginPool, limits: Timeouts, total_at: float
    ) -> UpstreamConnection:
        """Open a connection in the place that was reserved for it."""
        loop = asyncio.get_running_loop()
        connect_at = loop.time() + limits.connect
        make = partial(
            UpstreamConnection,
            origin,
            str(origin.origin),
            loop=loop,
            max_head_bytes=self._max_head,
            idle_keep=self._idle_keep,
        )
        try:
            self._refuse_when_closed()
            async with asyncio.timeout_at(min(connect_at, total_at)):
                connection = await self._connector.dial(
                    origin.route, private=origin.private, make=make
                )
        except TimeoutError:
            origin.dial_failed()
            if total_at < connect_at:
                raise TotalTimeout("the request took too long in all") from None
            raise ConnectTimeout(f"no connection to {origin.origin} in time") from None
        except BaseException:
            origin.dial_failed()
            raise
        origin.dialled(connection)
        if self._is_closed:
            connection.drop()
        self._refuse_when_closed()
        return connection

    def _refuse_when_closed(self) -> None:
        if self._is_closed:
            raise ConnectFailed("the pool was closed")


def _forget_unused(pools: dict[Origin, OriginPool]) -> None:
    for origin in [origin for origin, pool in pools.items() if pool.is_empty]:
        del pools[origin]
