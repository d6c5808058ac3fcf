"""Targets that leave while they serve: a stream that is under way comes to its own end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace
from tests.gateway.http import CHAT, RawClient, chat, post
from tests.gateway.rig import connection, price_of, running

from trunkline.gateway.snapshot import Alias, Target
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator


@pytest_asyncio.fixture
async def paced() -> AsyncIterator[Simulator]:
    """A simulator that takes its time, so that a stream is still under way after its begin."""
    simulator = Simulator(seed=3, speed=20.0)
    await simulator.start()
    yield simulator
    await simulator.stop()


def served_by(simulator: Simulator, *models: tuple[str, dict[str, Any]]) -> Alias:
    """An alias whose targets are models at connections of their own."""
    price = price_of("sim-slow", PRICES["sim-slow"])
    return Alias(
        name="pair",
        targets=tuple(
            Target(connection(simulator, "openai_chat", id=f"at-{name}"), "sim-slow", price, **more)
            for name, more in models
        ),
    )


LEAVING = {
    "draining": (("first", {"state": "draining"}), ("second", {})),
    "disabled": (("first", {"state": "disabled"}), ("second", {})),
    "removed": (("second", {}),),
}


@pytest.mark.parametrize("how", LEAVING)
async def test_a_stream_at_a_target_that_leaves_ends_well_and_new_requests_go_elsewhere(
    paced: Simulator, how: str
) -> None:
    pair = served_by(paced, ("first", {}), ("second", {}))
    async with running(paced, extra=[pair]) as rig:
        client = await RawClient.send(rig, CHAT, chat("pair", stream=True), connection="close")
        begin = await client.until(b'"content"')
        rig.routes.publish(served_by(paced, *LEAVING[how]))
        assert (rig.observed.running, rig.observed.events) == (1, [])

        later = await post(rig, CHAT, chat("pair", max_tokens=3))
        assert later.status_code == 200

        assert (begin + await client.rest()).rstrip(b"\r\n0").endswith(b"data: [DONE]")
        await rig.observed.wait_for(2)
    served = [(attempt.connection_id, outcome.ending) for attempt, outcome in rig.recorded.outcomes]
    assert sorted(served) == [("at-first", "completed"), ("at-second", "completed")]


async def test_without_any_target_in_service_requests_are_refused(simulator: Simulator) -> None:
    off = served_by(simulator, ("first", {"state": "disabled"}))
    async with running(simulator, extra=[off]) as rig:
        refused = await post(rig, CHAT, chat("pair"))
        assert refused.status_code == 503
        rig.routes.publish(replace(off, targets=(replace(off.targets[0], state="draining"),)))
        assert (await post(rig, CHAT, chat("pair"))).status_code == 200
