"""Vectors through a run of our own choosing: what is slow, refused or broken is no vector."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from trunkline.gateway.arrival import Arrival
from trunkline.gateway.caller import Caller
from trunkline.gateway.inward_call import InwardCalls
from trunkline.gateway.recall.near_embedding import REST, Embedder
from trunkline.gateway.recall.near_index import Vector
from trunkline.gateway.sink import Sink
from trunkline.gateway.wire.contract import Wire
from trunkline.kit.clock import FakeClock

CALLER = Caller(org_id="org-1", key_id="key-1")
Answerer = Callable[[int], Awaitable[tuple[int, bytes]]]


class Provider:
    """Answers the embeddings of a process; ``asked`` keeps who asked for what."""

    def __init__(self, answer: Answerer) -> None:
        self.asked: list[tuple[Caller | None, str, str, object]] = []
        self.ended = asyncio.Event()
        self._answer = answer
        self._more = asyncio.Condition()

    async def run(self, arrival: Arrival, wire: Wire, operation: str, sink: Sink) -> None:
        body = msgspec.json.decode(await arrival.read_body())
        async with self._more:
            self.asked.append((arrival.caller, wire.name, operation, body))
            self._more.notify_all()
        status, answer = await self._answer(len(self.asked))
        sink.respond(status, [], answer)
        self.ended.set()

    async def reached(self, count: int) -> None:
        """Wait until so many embeddings were asked for."""
        async with asyncio.timeout(20), self._more:
            await self._more.wait_for(lambda: len(self.asked) >= count)


def said(*numbers: float) -> bytes:
    return msgspec.json.encode({"data": [{"embedding": numbers}], "model": "e-1"})


async def always(_: int) -> tuple[int, bytes]:
    return 200, said(3.0, 4.0)


def embedder(provider: Provider, clock: FakeClock | None = None, within: float = 5.0) -> Embedder:
    calls = InwardCalls()
    calls.serve(provider.run)
    return Embedder(calls, clock or FakeClock(), within=within)


async def test_a_text_is_embedded_once_in_the_name_of_its_caller() -> None:
    provider = Provider(always)
    made = embedder(provider)
    first = await made.vector(CALLER, "embed", "Hello")
    assert await made.vector(CALLER, "embed", "Hello") is first
    assert isinstance(first, Vector)
    assert first.model == "e-1"
    assert list(first.numbers) == pytest.approx([0.6, 0.8])
    body = {"model": "embed", "input": "Hello"}
    assert provider.asked == [(CALLER, "openai_embeddings", "embedding", body)]


async def test_other_texts_aliases_and_organisations_have_vectors_of_their_own() -> None:
    provider = Provider(always)
    made = embedder(provider)
    other = Caller(org_id="org-2", key_id="key-2")
    for caller, alias, text in [
        (CALLER, "a", "x"),
        (CALLER, "a", "y"),
        (CALLER, "b", "x"),
        (other, "a", "x"),
    ]:
        assert await made.vector(caller, alias, text) is not None
    assert len(provider.asked) == 4


async def test_those_who_ask_at_once_share_one_embedding() -> None:
    let_go = asyncio.Event()

    async def wait(_: int) -> tuple[int, bytes]:
        await let_go.wait()
        return 200, said(1.0)

    provider = Provider(wait)
    made = embedder(provider)
    asking = [asyncio.create_task(made.vector(CALLER, "embed", "Hello")) for _ in range(5)]
    await provider.reached(1)
    let_go.set()
    vectors = await asyncio.gather(*asking)
    assert len(provider.asked) == 1
    assert all(vector is vectors[0] is not None for vector in vectors)


async def test_what_comes_late_is_no_vector_now_and_one_later() -> None:
    let_go = asyncio.Event()

    async def wait(_: int) -> tuple[int, bytes]:
        await let_go.wait()
        return 200, said(1.0)

    provider = Provider(wait)
    made = embedder(provider, within=0.05)
    assert await made.vector(CALLER, "embed", "Hello") is None
    let_go.set()
    await provider.ended.wait()
    assert await made.vector(CALLER, "embed", "Hello") is not None
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"{}"), (200, b"{"), (200, b'{"data": []}'), (200, said(0.0, 0.0)), (404, b"{}")],
)
async def test_an_alias_that_keeps_failing_rests(status: int, body: bytes) -> None:
    async def fail(number: int) -> tuple[int, bytes]:
        return (status, body) if number <= 3 else (200, said(1.0))

    clock, provider = FakeClock(), Provider(fail)
    made = embedder(provider, clock)
    for number in range(5):
        assert await made.vector(CALLER, "embed", f"text {number}") is None
    assert len(provider.asked) == 3
    clock.advance(REST - 0.1)
    assert await made.vector(CALLER, "embed", "Hello") is None
    clock.advance(0.2)
    assert await made.vector(CALLER, "embed", "Hello") is not None
    assert len(provider.asked) == 4


@pytest.mark.parametrize("status", [402, 403, 429])
async def test_what_is_refused_to_a_caller_says_nothing_about_the_alias(status: int) -> None:
    async def refuse(number: int) -> tuple[int, bytes]:
        return (status, b"{}") if number <= 4 else (200, said(1.0))

    provider = Provider(refuse)
    made = embedder(provider)
    found = [await made.vector(CALLER, "embed", "Hello") for _ in range(5)]
    assert [vector is not None for vector in found] == [False] * 4 + [True]


async def test_a_key_that_may_not_use_the_alias_asks_for_nothing() -> None:
    provider = Provider(always)
    narrow = Caller(org_id="org-1", key_id="key-1", aliases=frozenset({"chat"}))
    assert await embedder(provider).vector(narrow, "embed", "Hello") is None
    assert provider.asked == []


async def test_only_so_many_embeddings_are_under_way_and_closing_ends_them() -> None:
    async def never(_: int) -> tuple[int, bytes]:
        await asyncio.Event().wait()
        return 200, b""

    provider = Provider(never)
    made = embedder(provider)
    asking = [asyncio.create_task(made.vector(CALLER, "e", f"text {n}")) for n in range(64)]
    await provider.reached(64)
    assert await made.vector(CALLER, "e", "one more") is None
    await made.close()
    assert await asyncio.gather(*asking) == [None] * 64


async def test_only_the_vectors_of_recent_texts_are_kept() -> None:
    provider = Provider(always)
    made = embedder(provider)
    for number in range(257):
        await made.vector(CALLER, "e", f"text {number}")
    await made.vector(CALLER, "e", "text 256")
    assert len(provider.asked) == 257
    await made.vector(CALLER, "e", "text 0")
    assert len(provider.asked) == 258


async def test_before_the_data_path_has_started_there_is_no_vector() -> None:
    assert await Embedder(InwardCalls(), FakeClock()).vector(CALLER, "e", "Hello") is None
