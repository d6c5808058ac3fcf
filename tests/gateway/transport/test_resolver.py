"""Names to addresses: own threads, cache, shared look-ups, failures."""

import asyncio
import socket
import threading
from typing import Any

import pytest
from tests.gateway.transport.hostile import PATIENCE, until

from trunkline.gateway.transport import NameNotResolved, Resolver
from trunkline.gateway.transport import resolver as resolver_module
from trunkline.gateway.transport.resolver import ResolvedAddress
from trunkline.kit.clock import FakeClock

V4, V6 = socket.AF_INET, socket.AF_INET6


def entry(ip: str, scope: int = 0) -> tuple[Any, ...]:
    family = V6 if ":" in ip else V4
    endpoint = (ip, 0, 0, scope) if family == V6 else (ip, 0)
    return (family, socket.SOCK_STREAM, 6, "", endpoint)


class Names:
    """A name server in memory that counts what it was asked."""

    def __init__(self, **answers: list[tuple[Any, ...]] | Exception) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.threads: set[str] = set()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def look_up(self, host: str) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        self.threads.add(threading.current_thread().name)
        assert self.may_answer.wait(PATIENCE)
        answer = self.answers[host]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_families_take_turns_and_doubles_are_dropped() -> None:
    names = Names(
        a=[entry("::1"), entry("::2"), entry("::3"), entry("127.0.0.1"), entry("127.0.0.1")]
    )
    resolver = Resolver(look_up=names.look_up)
    addresses = await resolver.resolve("a")
    assert [address.ip for address in addresses] == ["::1", "127.0.0.1", "::2", "::3"]
    assert all(name.startswith("resolver") for name in names.threads)
    resolver.close()


async def test_other_families_are_ignored() -> None:
    odd = (socket.AF_UNIX, socket.SOCK_STREAM, 0, "", "path")
    resolver = Resolver(look_up=Names(a=[odd, entry("10.0.0.1")]).look_up)
    assert await resolver.resolve("a") == (ResolvedAddress(V4, "10.0.0.1"),)
    resolver.close()


def test_an_address_with_a_port_is_what_sockets_want() -> None:
    assert ResolvedAddress(V4, "10.0.0.1").endpoint(80) == ("10.0.0.1", 80)
    assert ResolvedAddress(V6, "fe80::1", 3).endpoint(80) == ("fe80::1", 80, 0, 3)


async def test_an_answer_is_used_until_it_is_old() -> None:
    names, clock = Names(a=[entry("10.0.0.1")]), FakeClock()
    resolver = Resolver(ttl=30, look_up=names.look_up, clock=clock)
    await resolver.resolve("a")
    clock.advance(29.9)
    await resolver.resolve("a")
    assert names.asked == ["a"]
    clock.advance(0.2)
    await resolver.resolve("a")
    assert names.asked == ["a", "a"]
    resolver.close()


async def test_requests_for_one_name_share_one_look_up() -> None:
    names = Names(a=[entry("10.0.0.1")])
    names.may_answer.clear()
    resolver = Resolver(look_up=names.look_up)
    tasks = [asyncio.create_task(resolver.resolve("a")) for _ in range(5)]
    await asyncio.sleep(0)
    assert repr(resolver) == "<Resolver 0 known, 1 running>"
    tasks[0].cancel()
    names.may_answer.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [(ResolvedAddress(V4, "10.0.0.1"),)] * 4
    assert names.asked == ["a"]
    assert repr(resolver) == "<Resolver 1 known, 0 running>"
    resolver.close()


async def test_a_failing_look_up_that_nobody_waits_for_any_more_troubles_nobody() -> None:
    names = Names(a=socket.gaierror(-2, "unknown"))
    names.may_answer.clear()
    resolver = Resolver(look_up=names.look_up)
    task = asyncio.create_task(resolver.resolve("a"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    names.may_answer.set()
    with pytest.raises(NameNotResolved):
        await resolver.resolve("a")
    resolver.close()


@pytest.mark.parametrize(
    "answer",
    [socket.gaierror(-2, "unknown"), OSError("down"), UnicodeError("label too long"), []],
    ids=["unknown", "down", "not a name", "empty"],
)
async def test_a_name_without_an_address_is_refused_and_asked_for_again(
    answer: list[tuple[Any, ...]] | Exception,
) -> None:
    names = Names(a=answer)
    resolver = Resolver(look_up=names.look_up)
    for _ in range(2):
        with pytest.raises(NameNotResolved) as caught:
            await resolver.resolve("a")
        assert caught.value.sent is False
    assert names.asked == ["a", "a"]
    resolver.close()


async def test_closing_the_resolver_fails_the_look_ups_under_way_and_those_not_begun() -> None:
    names = Names(a=[entry("10.0.0.1")], b=[entry("10.0.0.2")])
    names.may_answer.clear()
    resolver = Resolver(look_up=names.look_up, threads=1)
    first, second = (asyncio.create_task(resolver.resolve(name)) for name in "ab")
    await until(lambda: names.asked == ["a"])
    resolver.close()
    for task in (first, second):
        with pytest.raises(NameNotResolved, match="closing"):
            await task
    names.may_answer.set()


async def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver_module, "MAX_NAMES", 2)
    answers: dict[str, list[tuple[Any, ...]] | Exception] = {
        name: [entry("10.0.0.1")] for name in "abcd"
    }
    resolver = Resolver(look_up=Names(**answers).look_up)
    for name in "abcd":
        await resolver.resolve(name)
    assert repr(resolver) == "<Resolver 2 known, 0 running>"
    resolver.close()


async def test_the_operating_system_knows_this_machine() -> None:
    resolver = Resolver()
    addresses = await resolver.resolve("localhost")
    assert {address.ip for address in addresses} <= {"127.0.0.1", "::1"}
    resolver.close()
