"""Which leases are renewed, and until when."""

import asyncio
from collections.abc import Mapping

from trunkline.cache.leases import Leases
from trunkline.kit.clock import FakeClock


class Server:
    """Hears what is renewed; ``lost`` are of others now. A renewal waits for ``free``."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[dict[str, float]] = asyncio.Queue()
        self.free = asyncio.Event()
        self.free.set()
        self.lost: list[str] = []

    async def renew(self, asked: Mapping[str, float]) -> list[str]:
        self.asked.put_nowait(dict(asked))
        await self.free.wait()
        return self.lost


async def test_a_lease_is_renewed_for_as_long_as_is_left() -> None:
    server, clock = Server(), FakeClock(0.0)
    leases = Leases(server.renew, clock, 0.03)
    assert [leases.granted(seconds) for seconds in (60, 0.01)] == [0.03, 0.01]
    leases.hold("a", 60)
    leases.hold("b", 0.01)
    assert await server.asked.get() == {"a": 0.03, "b": 0.01}
    clock.advance(0.02)
    while "b" in (asked := await server.asked.get()):
        pass
    assert asked == {"a": 0.03}
    await leases.close()


async def test_a_lost_lease_and_one_that_was_let_go_are_not_renewed() -> None:
    server = Server()
    leases = Leases(server.renew, FakeClock(), 0.03)
    for key in ("a", "b", "c"):
        leases.hold(key, 60)
    server.lost = ["a"]
    leases.let_go("b")
    assert set(await server.asked.get()) == {"a", "c"}
    assert set(await server.asked.get()) == {"c"}
    await leases.close()


async def test_a_lease_that_was_taken_again_during_its_renewal_is_renewed() -> None:
    server, clock = Server(), FakeClock()
    leases = Leases(server.renew, clock, 0.03)
    leases.hold("a", 60)
    server.free.clear()
    await server.asked.get()
    leases.let_go("a")
    clock.advance(1)
    leases.hold("a", 60)
    server.lost = ["a"]
    server.free.set()
    assert set(await server.asked.get()) == {"a"}
    await leases.close()


async def test_what_is_closed_renews_nothing() -> None:
    server = Server()
    leases = Leases(server.renew, FakeClock(), 0.03)
    await leases.close()
    leases.hold("a", 60)
    await leases.close()
    assert server.asked.empty()
