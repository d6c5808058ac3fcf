"""Every fault of a provider, told to a caller of another wire, streamed and not.

Each pair of wires keeps the promises of the byte pass: an error in the caller's own words, never a
clean end after a cut, one outcome for each attempt, and money that agrees with the provider's bill.
"""

import asyncio

import pytest
from tests.conformance.client_wires import CLIENTS
from tests.conformance.translated_calls import PAIRS, Pair, leftovers
from tests.conformance.translated_faults import EXPECTED, OTHERWISE, expected
from tests.gateway.rig import running

from trunkline.gateway.transport import Timeouts
from trunkline.gateway.wire.registry import WIRES
from trunkline.simulator.fault_table import FAULTS
from trunkline.simulator.server import Simulator

IMPATIENT = Timeouts(first_byte=0.25, idle=0.25)


@pytest.mark.parametrize(("client", "provider"), PAIRS, ids=["-to-".join(pair) for pair in PAIRS])
async def test_every_fault_ends_honestly_after_translation_too(client: str, provider: str) -> None:
    simulator = Simulator(seed=3, speed=1e6)
    await simulator.start()
    tasks = len(asyncio.all_tasks())
    async with running(simulator, timeouts=IMPATIENT) as rig:
        table = await Pair(rig, client, provider).table()
        left = leftovers(rig)
    assert len(asyncio.all_tasks()) == tasks
    await simulator.stop()
    problems = {key: call.problems for key, call in table.items() if call.problems}
    assert problems == {}
    assert left == []
    assert {key: call.seen for key, call in table.items()} == expected(provider)
    assert len({table["none", stream].text for stream in (False, True)}) == 1


def test_the_pairs_cover_every_fault_and_every_wire_that_speaks() -> None:
    assert set(EXPECTED) == {"none", *(fault.name for fault in FAULTS)}
    assert {client for client, _ in PAIRS} == set(CLIENTS)
    assert {provider for _, provider in PAIRS} == set(OTHERWISE)
    assert set(OTHERWISE) == {
        name for name, wire in WIRES.items() if wire.codec is not None and wire.events is not None
    }
