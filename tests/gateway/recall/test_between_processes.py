"""Two fronts on one Redis, and fronts whose store is slow, broken or of another version."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from tests.gateway.http import CHAT, RawClient, chat, post
from tests.gateway.recall.stage import HEAD, ended, said, stage, whole
from tests.gateway.recall.test_given_again import text_of
from tests.gateway.rig import running
from tests.gateway.transport.hostile import until
from tests.services.process import free_port
from typing_extensions import override

from trunkline.cache.memory import MemoryStore
from trunkline.cache.redis import RedisStore, client_at
from trunkline.gateway.recall.place import beginning_of
from trunkline.gateway.recall.store import AnswerStore
from trunkline.kit.clock import FakeClock, SystemClock
from trunkline.simulator.server import Simulator


@pytest.fixture
async def stores(redis_server: str) -> AsyncIterator[tuple[AnswerStore, AnswerStore]]:
    """The stores of two processes on the same empty Redis."""
    async with Redis.from_url(redis_server) as client:
        await client.flushall()
    both = tuple(
        # A busy machine may take longer than a request is to wait.
        RedisStore(client_at(redis_server, timeout=20.0), SystemClock(), timeout=20.0)
        for _ in range(2)
    )
    yield both[0], both[1]
    for store in both:
        await store.close()


async def test_an_answer_of_one_front_is_given_by_another(
    simulator: Simulator, stores: tuple[AnswerStore, AnswerStore]
) -> None:
    async with stage(HEAD + said("Hello.") + ended()) as provider:
        alias = provider.alias(simulator)
        async with (
            running(simulator, extra=[alias], store=stores[0]) as one,
            running(simulator, extra=[alias], store=stores[1]) as other,
        ):
            first = await post(one, CHAT, chat("m", stream=True))
            again = await post(other, CHAT, chat("m", stream=True))
            assert await other.recall.forget("org-1", "m", alias=True) == 1
            assert (await one.recall.holding("org-1")).entries == 0
    assert (again.content, again.headers["x-trunkline-cache"]) == (first.content, "hit")


async def test_a_front_waits_for_the_answer_that_another_one_makes(
    simulator: Simulator, stores: tuple[AnswerStore, AnswerStore]
) -> None:
    async with stage() as provider:
        alias = provider.alias(simulator)
        async with (
            running(simulator, extra=[alias], store=stores[0]) as one,
            running(simulator, extra=[alias], store=stores[1]) as other,
        ):
            first = asyncio.create_task(post(one, CHAT, chat("m")))
            peer = await provider.next()
            others = [asyncio.create_task(post(other, CHAT, chat("m"))) for _ in range(3)]
            await until(lambda: other.recall.stats().followers == 2)
            await peer.say(whole())
            answers = [await first, *[await task for task in others]]
    assert [text_of(answer) for answer in answers] == ["Hello."] * 4
    uses = [answer.headers["x-trunkline-cache"] for answer in answers]
    assert uses == ["miss", "hit", "hit", "hit"]
    assert provider.asked == 1


async def test_a_front_makes_the_answer_when_the_other_one_failed(
    simulator: Simulator, stores: tuple[AnswerStore, AnswerStore]
) -> None:
    async with stage() as provider:
        alias = provider.alias(simulator)
        async with (
            running(simulator, extra=[alias], store=stores[0]) as one,
            running(simulator, extra=[alias], store=stores[1]) as other,
        ):
            leaver = await RawClient.send(one, CHAT, chat("m"))
            await provider.next()
            waiting = asyncio.create_task(post(other, CHAT, chat("m")))
            await until(lambda: other.recall.stats().flights == 1)
            await leaver.leave()
            peer = await provider.next()
            await peer.say(whole())
            answer = await waiting
    assert answer.headers["x-trunkline-cache"] == "miss"
    assert provider.asked == 2


async def test_a_dead_redis_fails_no_request(simulator: Simulator) -> None:
    store = RedisStore(client_at(f"redis://127.0.0.1:{free_port()}/0"), SystemClock())
    async with (
        stage(whole("one"), whole("two")) as provider,
        running(simulator, extra=[provider.alias(simulator)], store=store) as rig,
    ):
        answers = [await post(rig, CHAT, chat("m")) for _ in range(2)]
    await store.close()
    assert [text_of(answer) for answer in answers] == ["one", "two"]


class Slow(MemoryStore):
    """Waits before each look until the test lets it go on."""

    shared = True

    def __init__(self) -> None:
        super().__init__(1 << 20, FakeClock())
        self.looks = 0
        self.free = asyncio.Event()

    @override
    def at_hand(self, key: str) -> bytes | None:
        return None

    @override
    async def get(self, key: str) -> bytes | None:
        self.looks += 1
        await self.free.wait()
        return super().at_hand(key)


async def test_one_look_serves_all_who_ask_the_same(simulator: Simulator) -> None:
    store = Slow()
    store.free.set()
    async with (
        stage(whole()) as provider,
        running(simulator, extra=[provider.alias(simulator)], store=store) as rig,
    ):
        await post(rig, CHAT, chat("m"))
        store.free.clear()
        looks = store.looks
        asked = [asyncio.create_task(post(rig, CHAT, chat("m"))) for _ in range(5)]
        await until(lambda: rig.recall.stats().followers == 4)
        store.free.set()
        answers = [await task for task in asked]
    assert {answer.headers["x-trunkline-cache"] for answer in answers} == {"hit"}
    assert store.looks == looks + 1


async def test_whoever_leaves_while_looking_lets_the_next_one_look(simulator: Simulator) -> None:
    store = Slow()
    async with (
        stage(whole()) as provider,
        running(simulator, extra=[provider.alias(simulator)], store=store) as rig,
    ):
        leaver = await RawClient.send(rig, CHAT, chat("m"))
        await until(lambda: store.looks == 1)
        asked = [asyncio.create_task(post(rig, CHAT, chat("m"))) for _ in range(2)]
        await until(lambda: rig.recall.stats().followers == 2)
        await leaver.leave()
        await until(lambda: store.looks == 2)
        store.free.set()
        answers = [await task for task in asked]
    assert sorted(answer.headers["x-trunkline-cache"] for answer in answers) == ["follow", "miss"]
    assert provider.asked == 1


async def test_the_last_one_who_leaves_while_looking_leaves_nothing(simulator: Simulator) -> None:
    store = Slow()
    async with running(simulator, cached=True, store=store) as rig:
        leaver = await RawClient.send(rig, CHAT, chat())
        await until(lambda: store.looks == 1)
        await leaver.leave()
        await rig.observed.wait_for(1)
        assert rig.recall.stats().flights == 0


async def test_who_wants_a_younger_answer_than_was_found_for_others_makes_its_own(
    simulator: Simulator,
) -> None:
    store, clock = Slow(), FakeClock()
    store.free.set()
    async with (
        stage(whole("old"), whole("new")) as provider,
        running(simulator, extra=[provider.alias(simulator)], store=store, clock=clock) as rig,
    ):
        await post(rig, CHAT, chat("m"))
        clock.advance(60)
        store.free.clear()
        any_age = asyncio.create_task(post(rig, CHAT, chat("m")))
        await until(lambda: store.looks == 2)
        young = asyncio.create_task(post(rig, CHAT, chat("m"), x_trunkline_cache="max-age=5"))
        await until(lambda: rig.recall.stats().followers == 1)
        store.free.set()
        texts = [text_of(await any_age), text_of(await young)]
    assert texts == ["old", "new"]


class Lagging(MemoryStore):
    """Takes a while to keep something, like a server that is asked over a network."""

    def __init__(self) -> None:
        super().__init__(1 << 20, FakeClock())
        self.writes = asyncio.Event()
        self.free = asyncio.Event()

    @override
    async def set(self, key: str, value: bytes, ttl: float) -> None:
        self.writes.set()
        await self.free.wait()
        await super().set(key, value, ttl)


async def test_what_is_forgotten_while_it_is_written_is_not_kept(simulator: Simulator) -> None:
    store = Lagging()
    async with running(simulator, cached=True, store=store) as rig:
        client = await RawClient.send(rig, CHAT, chat(), connection="close")
        await store.writes.wait()
        assert await rig.recall.forget("org-1") == 0
        store.free.set()
        await client.rest()
        await rig.observed.wait_for(1)
        await until(lambda: rig.recall.stats().flights == 0)
        assert (await rig.recall.holding("org-1")).entries == 0


async def test_what_another_version_has_kept_is_no_answer(simulator: Simulator) -> None:
    class Strange(MemoryStore):
        @override
        def at_hand(self, key: str) -> bytes | None:
            assert key.startswith(beginning_of("org-1"))
            return b"\xc1 of another version"

    store = Strange(1 << 20, FakeClock())
    async with running(simulator, cached=True, store=store) as rig:
        answer = await post(rig, CHAT, chat())
    assert (answer.status_code, answer.headers["x-trunkline-cache"]) == (200, "miss")
