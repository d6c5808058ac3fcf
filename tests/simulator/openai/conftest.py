from collections.abc import AsyncIterator

import pytest
from tests.simulator.conftest import TRANSCRIPTS

from trunkline.simulator import Simulator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """The simulator without the waits of its slower models."""
    running = Simulator(seed=7, speed=1000, transcripts=TRANSCRIPTS)
    await running.start()
    yield running
    await running.stop()
