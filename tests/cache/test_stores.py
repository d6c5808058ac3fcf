"""What every store of answers does, on each of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
from redis.asyncio import Redis

from trunkline.cache.memory import MemoryStore
from trunkline.cache.redis import RedisStore, client_at
from trunkline.gateway.recall.store import AnswerStore, Holding
from trunkline.kit.clock import FakeClock, SystemClock

Wait = Callable[[float], Awaitable[None]]


class Kept(msgspec.Struct):
    """A store, and how time passes for it."""

    store: AnswerStore
    wait: Wait


@pytest.fixture(params=["memory", "redis"])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    if request.param == "memory":
        clock = FakeClock()

        async def advance(seconds: float) -> None:
            clock.advance(seconds)

        store: AnswerStore = MemoryStore(1 << 20, clock)
        yield Kept(store, advance)
    else:
        url = request.getfixturevalue("redis_server")
        async with Redis.from_url(url) as client:
            await client.flushall()
        store = RedisStore(client_at(url, timeout=20.0), SystemClock(), timeout=20.0)
        yield Kept(store, asyncio.sleep)
    await store.close()


async def test_what_was_kept_is_found_and_what_was_not_is_not(kept: Kept) -> None:
    await kept.store.set("o/a/1", b"one", 60)
    assert await kept.store.get("o/a/1") == b"one"
    assert await kept.store.get("o/a/2") is None


async def test_the_newest_value_counts(kept: Kept) -> None:
    await kept.store.set("o/a/1", b"one", 60)
    await kept.store.set("o/a/1", b"two", 60)
    assert await kept.store.get("o/a/1") == b"two"
    assert (await kept.store.holding("o/")).entries == 1


async def test_a_value_lives_as_long_as_was_said(kept: Kept) -> None:
    await kept.store.set("o/a/1", b"one", 0.1)
    await kept.store.set("o/a/2", b"two", 60)
    await kept.store.set("o/a/3", b"three", 0)
    await kept.wait(0.15)
    assert await kept.store.get_many(["o/a/1", "o/a/2", "o/a/3"]) == [None, b"two", None]


async def test_many_are_kept_and_forgotten_at_once(kept: Kept) -> None:
    keys = ["o/a/1", "o/a/2", "o/b/1"]
    await kept.store.set_many(dict(zip(keys, (b"1", b"2", b"3"), strict=True)), 60)
    assert await kept.store.get_many([*keys, "o/c/1"]) == [b"1", b"2", b"3", None]
    await kept.store.delete_many(keys[:2])
    assert await kept.store.get_many(keys) == [None, None, b"3"]
    await kept.store.delete("o/b/1")
    assert await kept.store.get("o/b/1") is None


async def test_nothing_of_many_is_nothing(kept: Kept) -> None:
    await kept.store.set_many({}, 60)
    await kept.store.set_many({"o/a/1": b"1"}, 0)
    await kept.store.delete_many([])
    assert await kept.store.get_many([]) == []
    assert await kept.store.holding("") == Holding(0, 0)


@pytest.mark.parametrize(
    ("prefix", "left"),
    [
        ("o/a/", ["o/ab/1", "o/[a-z]*/1", "p/a/1"]),
        ("o/a", ["o/[a-z]*/1", "p/a/1"]),
        ("o/a/1", ["o/a/2", "o/ab/1", "o/[a-z]*/1", "p/a/1"]),
        ("o/[a-z]*/", ["o/a/1", "o/a/12", "o/a/2", "o/ab/1", "p/a/1"]),
        ("o/", ["p/a/1"]),
        ("q/", ["o/a/1", "o/a/12", "o/a/2", "o/ab/1", "o/[a-z]*/1", "p/a/1"]),
    ],
)
async def test_a_prefix_is_forgotten_and_nothing_else(
    kept: Kept, prefix: str, left: list[str]
) -> None:
    keys = ["o/a/1", "o/a/12", "o/a/2", "o/ab/1", "o/[a-z]*/1", "p/a/1"]
    await kept.store.set_many(dict.fromkeys(keys, b"x"), 60)
    counted = (await kept.store.holding(prefix)).entries
    assert await kept.store.delete_prefix(prefix) == counted == len(keys) - len(left)
    found = await kept.store.get_many(keys)
    assert [key for key, value in zip(keys, found, strict=True) if value] == left


async def test_more_than_a_page_is_counted_and_forgotten(kept: Kept) -> None:
    await kept.store.set_many({f"o/a/{number}": b"x" * 10 for number in range(1_500)}, 60)
    held = await kept.store.holding("o/")
    assert held.entries == 1_500
    assert held.bytes > 15_000
    assert await kept.store.delete_prefix("o/") == 1_500
    assert (await kept.store.holding("o/")).entries == 0


async def test_whoever_has_a_lease_may_give_it_back(kept: Kept) -> None:
    assert await kept.store.lease("o/a/1", 60)
    await kept.store.release("o/a/1")
    assert await kept.store.lease("o/a/1", 60)
