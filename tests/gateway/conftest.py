from collections.abc import AsyncIterator

import pytest_asyncio

from trunkline.simulator.server import Simulator


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator that answers as fast as it can, unless a fault says otherwise."""
    running = Simulator(seed=3, speed=1e6)
    await running.start()
    yield running
    await running.stop()
