"""A Redis that is dead, frozen or back again, and leases between processes."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from tests.services.process import free_port

from trunkline.cache.opening import open_store
from trunkline.cache.redis import LEASE_PREFIX, RedisStore, client_at
from trunkline.gateway.recall.store import Holding
from trunkline.kit.clock import Clock, FakeClock, SystemClock
from trunkline.settings import load_settings

PATIENCE = 20.0
"""Seconds that a server which is there may take on a machine that is busy with other things."""


def store_at(url: str, clock: Clock, **options: float) -> RedisStore:
    """A store that waits for as long as it takes."""
    return RedisStore(client_at(url, timeout=PATIENCE), clock, timeout=PATIENCE, **options)


@contextlib.asynccontextmanager
async def frozen() -> AsyncIterator[int]:
    """A server that accepts and says nothing; its port."""

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def nothing_is_found(store: RedisStore) -> None:
    assert await store.get("o/a/1") is None
    assert await store.get_many(["o/a/1", "o/a/2"]) == [None, None]
    assert await store.lease("o/a/1", 60)
    await store.set("o/a/1", b"x", 60)
    await store.set_many({"o/a/1": b"x"}, 60)
    await store.delete("o/a/1")
    await store.release("o/a/1")


async def test_a_dead_server_is_an_empty_store() -> None:
    store = RedisStore(client_at(f"redis://127.0.0.1:{free_port()}/0"), SystemClock())
    await nothing_is_found(store)
    assert await store.delete_prefix("o/") == 0
    assert await store.holding("o/") == Holding(0, 0)
    assert store.stats().failures == 3
    await store.close()


async def test_a_frozen_server_costs_three_calls_and_then_nothing() -> None:
    async with frozen() as port:
        store = RedisStore(client_at(f"redis://127.0.0.1:{port}/0"), SystemClock())
        async with asyncio.timeout(PATIENCE):
            for _ in range(3):
                assert await store.get("o/a/1") is None
            await nothing_is_found(store)
        assert store.stats().failures == 3
        await store.close()


@contextlib.asynccontextmanager
async def stopped(url: str) -> AsyncIterator[None]:
    """The server stands still in the block, and then does what it was told meanwhile."""
    async with Redis.from_url(url) as admin:
        process: int = (await admin.info("server"))["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


async def test_a_server_that_is_back_is_asked_again_after_a_rest(redis_server: str) -> None:
    clock = FakeClock()
    other = store_at(redis_server, clock)
    await other.set("o/a/1", b"x", 60)
    store = RedisStore(client_at(redis_server), clock)
    async with stopped(redis_server):
        for _ in range(3):
            assert await store.get("o/a/1") is None
    for _ in range(10):
        assert await store.get("o/a/1") is None
    assert store.stats().failures == 3
    async with asyncio.timeout(PATIENCE):
        # A busy machine may take longer for an answer than the store waits.
        while await store.get("o/a/1") is None:
            clock.advance(2.1)
    await store.close()
    await other.close()


async def test_many_calls_at_once_of_a_server_that_stands_still_are_short(
    redis_server: str,
) -> None:
    store = RedisStore(client_at(redis_server), SystemClock())
    await asyncio.gather(*(store.get(f"o/a/{number}") for number in range(30)))
    async with stopped(redis_server):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(store.get(f"o/a/{number}") for number in range(200)))
    await store.close()


async def test_what_is_forgotten_while_the_server_stands_still_is_not_given(
    redis_server: str,
) -> None:
    clock = FakeClock()
    store, other = RedisStore(client_at(redis_server), clock), store_at(redis_server, clock)
    for key in ("o/still/1", "o/still/2", "o/moving/1"):
        await other.set(key, b"x", 60)
    async with stopped(redis_server):
        for _ in range(3):
            assert await store.get("o/still/1") is None
        assert await store.delete_prefix("o/still/") == 0
    async with asyncio.timeout(PATIENCE):
        while (found := await store.get_many(["o/still/1", "o/moving/1"]))[1] is None:
            clock.advance(2.1)
    assert found == [None, b"x"]
    await _until_missing(other, "o/still/2")
    await other.set("o/still/2", b"new", 60)
    async with asyncio.timeout(PATIENCE):
        while (new := await store.get("o/still/2")) is None:
            clock.advance(2.1)
    assert new == b"new"
    await store.close()
    await other.close()


async def test_a_lease_taken_while_the_server_stood_still_holds_nobody_up(
    redis_server: str,
) -> None:
    clock = FakeClock()
    store, other = RedisStore(client_at(redis_server), clock), store_at(redis_server, clock)
    assert await store.get("o/lease/2") is None
    async with stopped(redis_server):
        assert await store.lease("o/lease/2", 60)
        await store.release("o/lease/2")
    async with asyncio.timeout(PATIENCE):
        while not await other.lease("o/lease/2", 60):
            await store.get("o/lease/2")
            clock.advance(0.1)
            await asyncio.sleep(0.01)
    await other.release("o/lease/2")
    await store.close()
    await other.close()


async def test_a_process_may_take_its_own_lease_again(redis_server: str) -> None:
    one, other = (store_at(redis_server, SystemClock()) for _ in range(2))
    assert await one.lease("o/lease/3", 0.05)
    assert await one.lease("o/lease/3", 60)
    await asyncio.sleep(0.1)
    assert not await other.lease("o/lease/3", 60)
    await one.close()
    await other.close()


async def _until_missing(store: RedisStore, key: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while await store.get(key) is not None:  # noqa: ASYNC110 - A server tells of nothing.
            await asyncio.sleep(0.01)


async def taken(store: RedisStore, key: str) -> None:
    """Wait until a store gets a lease, each time that the server looks."""
    async with asyncio.timeout(PATIENCE):
        while not await store.lease(key, 60):
            await store.get(key)


async def test_a_lease_is_renewed_as_long_as_its_process_lives(redis_server: str) -> None:
    async with Redis.from_url(redis_server) as server:
        one = store_at(redis_server, SystemClock(), lease_seconds=6.0)
        other = store_at(redis_server, SystemClock())
        assert await one.lease("o/renewed/1", 60)
        name = LEASE_PREFIX + "o/renewed/1"
        left = await server.pttl(name)
        async with asyncio.timeout(PATIENCE):
            while (now := await server.pttl(name)) <= left:
                left = now
                await asyncio.sleep(0.05)
        assert not await other.lease("o/renewed/1", 60)
        # As after its end by force: nobody gives the lease back, and it runs out.
        await one.close()
        await server.pexpire(name, 100)
        await taken(other, "o/renewed/1")
        await other.release("o/renewed/1")
        await other.close()


async def test_a_lease_is_not_renewed_for_longer_than_was_asked(redis_server: str) -> None:
    one = store_at(redis_server, SystemClock(), lease_seconds=0.1)
    other = store_at(redis_server, SystemClock())
    assert await one.lease("o/renewed/2", 0.3)
    await taken(other, "o/renewed/2")
    await other.release("o/renewed/2")
    for store in (one, other):
        await store.close()


async def test_a_lease_that_another_process_has_taken_is_not_taken_back(redis_server: str) -> None:
    async with Redis.from_url(redis_server) as server:
        one = store_at(redis_server, SystemClock(), lease_seconds=0.1)
        assert await one.lease("o/renewed/3", 60)
        name = LEASE_PREFIX + "o/renewed/3"
        await server.set(name, "another")
        await asyncio.sleep(0.3)
        assert await server.get(name) == b"another"
        await server.delete(name)
        await asyncio.sleep(0.3)
        assert not await server.exists(name)
        await one.close()


async def test_only_one_process_makes_an_answer(redis_server: str) -> None:
    one = store_at(redis_server, SystemClock())
    other = store_at(redis_server, SystemClock())
    assert await one.lease("o/lease/1", 60)
    assert not await other.lease("o/lease/1", 60)
    await other.release("o/lease/1")
    assert not await other.lease("o/lease/1", 60)
    await one.release("o/lease/1")
    assert await other.lease("o/lease/1", 0.05)
    await asyncio.sleep(0.1)
    assert await one.lease("o/lease/1", 60)
    await one.close()
    await other.close()


@pytest.mark.parametrize("named", ["url", "host"])
async def test_the_settings_say_where_answers_are_kept(redis_server: str, named: str) -> None:
    port = int(redis_server.rpartition(":")[2].partition("/")[0])
    where: dict[str, object] = {"redis_url": redis_server, "redis_timeout": 5.0}
    if named == "host":
        where = {"redis_host": "127.0.0.1", "redis_port": port, "redis_timeout": 5.0}
    store = open_store(load_settings(None, **where), SystemClock())
    assert isinstance(store, RedisStore)
    await store.set("o/settings/1", b"x", 60)
    assert await store.get("o/settings/1") == b"x"
    await store.close()


async def test_a_password_is_told(redis_server: str) -> None:
    port = int(redis_server.rpartition(":")[2].partition("/")[0])
    admin = Redis.from_url(redis_server)
    await admin.config_set("requirepass", "right")
    try:
        failures = []
        for password in ("right", "wrong"):
            settings = load_settings(
                None,
                redis_host="127.0.0.1",
                redis_port=port,
                redis_password=password,
                redis_timeout=5.0,
            )
            store = open_store(settings, SystemClock())
            await store.set("o/settings/2", b"x", 60)
            failures.append(store.stats().failures)
            await store.close()
    finally:
        await admin.config_set("requirepass", "")
        await admin.aclose()
    assert failures == [0, 1]


async def test_without_redis_answers_are_kept_in_memory() -> None:
    store = open_store(load_settings(None, cache_max_bytes=1 << 20), SystemClock())
    await store.set("o/a/1", b"x", 60)
    assert store.stats().entries == 1
