"""Answers in Redis or Valkey, shared by all processes.

A server that is dead, slow or frozen is a store in which nothing is found: each call has a short
time, and after a few that failed none is made for a moment. What was to be forgotten meanwhile is
not given, and is removed as soon as the server answers again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from typing_extensions import override

from trunkline.cache import leases
from trunkline.cache.debts import Debts
from trunkline.gateway.recall.store import AnswerStore, Holding, StoreStats
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id

PREFIX: Final = "trunkline:answer:1:"
LEASE_PREFIX: Final = "trunkline:lease:1:"

TIMEOUT: Final = 0.05
"""Seconds for one call on the path of a request, where nobody says otherwise."""
LONG_TIMEOUT: Final = 30.0
"""Seconds for walking over all keys, which only administrators ask for."""

_FAILURES: Final = 3
_REST: Final = 2.0
_PAGE: Final = 1_000
_CONNECTIONS: Final = 64

# Only whoever holds a lease gives it back.
_RELEASE: Final = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)

# A lease that this process holds already, perhaps without having heard of it, is taken once more.
_LEASE: Final = (
    "if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end "
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
    "redis.call('PEXPIRE', KEYS[1], ARGV[2]) return 1"
)

# One that was given back meanwhile is not taken again.
_RENEW: Final = (
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
    "redis.call('PEXPIRE', KEYS[1], ARGV[2]) return 1"
)

Answer = TypeVar("Answer")
Default = TypeVar("Default")


def client_at(url: str, password: str | None = None, *, timeout: float = TIMEOUT) -> "Redis":
    """A client whose connections are few, and which tries nothing twice: a miss is cheaper.

    Its own limits are as short as a call's, since it may lose a cancellation while it connects.

    Args:
        url: with ``redis://``, ``rediss://`` or ``unix://``.
        password: where the URL has none.
        timeout: seconds for one call.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        **({} if password is None else {"password": password}),
    )
    return Redis.from_pool(pool)


class RedisStore(AnswerStore):
    """Keeps answers under the store's prefix; Redis itself forgets them when their time has come.

    Its state is the client, which it closes, how many calls in a row have failed, until when none
    is made, the leases it holds, and what the server is still to be told. How much is kept is the
    server's matter: ``maxmemory`` with ``allkeys-lru``.
    """

    shared = True

    def __init__(
        self,
        client: "Redis",
        clock: Clock,
        *,
        timeout: float = TIMEOUT,
        lease_seconds: float = leases.SECONDS,
    ) -> None:
        """Connect with the first call.

        Args:
            client: becomes the store's.
            clock: tells how long a server that fails is left alone.
            timeout: seconds for one call; that of the client.
            lease_seconds: after this time nobody waits any more for a process that was killed.
        """
        self._client = client
        self._timeout = timeout
        self._leases = leases.Leases(self._renew, clock, lease_seconds)
        self._now = clock.monotonic
        self._owner = new_id()
        self._failing = 0
        self._rests_until = 0.0
        self._failures = 0
        self._debts = Debts()
        self._paying: asyncio.Task[None] | None = None

    @override
    def at_hand(self, key: str) -> bytes | None:
        return None

    @override
    async def get(self, key: str) -> bytes | None:
        found = await self._ask(self._client.get(PREFIX + key), None)
        return None if self._debts.covers(key) else cast("bytes | None", found)

    @override
    async def set(self, key: str, value: bytes, ttl: float) -> None:
        if (milliseconds := int(ttl * 1000)) > 0:
            await self._ask(self._client.set(PREFIX + key, value, px=milliseconds), None)

    @override
    async def delete(self, key: str) -> None:
        await self.delete_many((key,))

    @override
    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        nothing: list[bytes | str | None] = [None] * len(keys)
        if not keys:
            return []
        found = await self._ask(self._client.mget([PREFIX + key for key in keys]), nothing)
        return [
            None if self._debts.covers(key) else cast("bytes | None", value)
            for key, value in zip(keys, found, strict=True)
        ]

    @override
    async def set_many(self, values: Mapping[str, bytes], ttl: float) -> None:
        if (milliseconds := int(ttl * 1000)) <= 0 or not values:
            return
        pipeline = self._client.pipeline(transaction=False)
        for key, value in values.items():
            pipeline.set(PREFIX + key, value, px=milliseconds)
        await self._ask(pipeline.execute(), None)

    @override
    async def delete_many(self, keys: Sequence[str]) -> None:
        if keys:
            unlinked = self._client.unlink(*(PREFIX + key for key in keys))
            if await self._ask(unlinked, None) is None:
                for key in keys:
                    self._debts.remove(key)

    @override
    async def delete_prefix(self, prefix: str) -> int:
        removed = await self._ask(self._delete_below(prefix), None, LONG_TIMEOUT)
        if removed is None:
            self._debts.remove(prefix)
        return removed or 0

    @override
    async def holding(self, prefix: str) -> Holding:
        return await self._ask(self._measure(prefix), Holding(0, 0), LONG_TIMEOUT)

    @override
    async def lease(self, key: str, seconds: float) -> bool:
        milliseconds = int(self._leases.granted(seconds) * 1000)
        asked = self._client.eval(_LEASE, 1, LEASE_PREFIX + key, self._owner, milliseconds)
        taken = await self._ask(asked, None)
        if taken is None:
            # Nobody can be asked, so that each process makes its own answer; but a server that was
            # frozen does what it was told before, and nobody would give the lease back.
            self._debts.release(key)
        elif taken:
            self._leases.hold(key, seconds)
        return taken != 0

    @override
    async def release(self, key: str) -> None:
        self._leases.let_go(key)
        if await self._ask(self._give_back(key), None) is None:
            self._debts.release(key)

    @override
    def stats(self) -> StoreStats:
        return StoreStats(None, None, failures=self._failures)

    @override
    async def close(self) -> None:
        if self._paying is not None:
            self._paying.cancel()
        await self._leases.close()
        with contextlib.suppress(RedisError, OSError):
            await self._client.aclose()

    async def _ask(
        self, call: Awaitable[Answer], otherwise: Default, within: float | None = None
    ) -> Answer | Default:
        """The server's answer, or what stands for it where there is none in time."""
        if self._rests_until > self._now():
            _never(call)
            return otherwise
        try:
            async with asyncio.timeout(within or self._timeout):
                answer = await call
        except (RedisError, OSError, TimeoutError):
            self._failed()
            return otherwise
        self._failing = 0
        if self._debts and (self._paying is None or self._paying.done()):
            self._paying = asyncio.create_task(self._pay())
        return answer

    async def _pay(self) -> None:
        """Tell the server what it could not be told; what fails again stays owed."""
        debts = self._debts
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            for beginning in tuple(debts.beginnings):
                await self._delete_below(beginning)
                debts.beginnings.discard(beginning)
            for key in tuple(debts.leases):
                await self._give_back(key)
                debts.leases.discard(key)

    async def _give_back(self, key: str) -> int:
        given = self._client.eval(_RELEASE, 1, LEASE_PREFIX + key, self._owner)
        return int(await cast("Awaitable[int]", given))

    async def _renew(self, asked: Mapping[str, float]) -> list[str]:
        """Hold leases for longer; which of them are ours no more."""
        pipeline = self._client.pipeline(transaction=False)
        for key, seconds in asked.items():
            pipeline.eval(_RENEW, 1, LEASE_PREFIX + key, self._owner, int(seconds * 1000))
        renewed = await self._ask(pipeline.execute(), [None] * len(asked))
        return [key for key, ours in zip(asked, renewed, strict=True) if ours == 0]

    def _failed(self) -> None:
        self._failures += 1
        self._failing += 1
        if self._failing >= _FAILURES:
            # The next call after the rest is the probe: one more failure and it rests again.
            self._rests_until = self._now() + _REST

    async def _delete_below(self, prefix: str) -> int:
        removed = 0
        page: list[bytes] = []
        async for key in self._client.scan_iter(match=_below(prefix), count=_PAGE):
            page.append(key)
            if len(page) == _PAGE:
                removed += await self._client.unlink(*page)
                page.clear()
        return removed + (await self._client.unlink(*page) if page else 0)

    async def _measure(self, prefix: str) -> Holding:
        entries = size = 0
        page: list[bytes] = []
        async for key in self._client.scan_iter(match=_below(prefix), count=_PAGE):
            page.append(key)
            entries += 1
            if len(page) == _PAGE:
                size += await self._sizes(page)
                page.clear()
        return Holding(entries, size + await self._sizes(page))

    async def _sizes(self, keys: list[bytes]) -> int:
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.strlen(key)
        lengths: list[int] = await pipeline.execute()
        return sum(lengths) + sum(len(key) for key in keys)


def _never(call: Awaitable[object]) -> None:
    """Let go of a call that is not made."""
    close = getattr(call, "close", None)
    if close is not None:
        close()


def _below(prefix: str) -> str:
    """The pattern of all keys that begin like this."""
    escaped = "".join(f"\\{c}" if c in "*?[]^\\" else c for c in prefix)
    return f"{PREFIX}{escaped}*"
