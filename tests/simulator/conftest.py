import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anthropic
import openai
import pytest
from tests.simulator.raw import BOUND

from trunkline.simulator import SeenAttempt, Simulator

TRANSCRIPTS = Path(
    os.environ.get(  # noqa: TID251 - where fixtures lie is no setting of the product
        "TRUNKLINE_FIXTURES", Path(__file__).parents[2] / ".." / "shared" / "fixtures"
    )
).resolve()


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    running = Simulator(seed=7, transcripts=TRANSCRIPTS, ledger_file=tmp_path / "seen.jsonl")
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def swift() -> AsyncIterator[Simulator]:
    """A simulator whose models answer without their delays."""
    running = Simulator(seed=7, speed=10_000)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def openai_client(simulator: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{simulator.base_url}/v1", api_key="key", max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def anthropic_client(simulator: Simulator) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=simulator.base_url, api_key="key", max_retries=0
    ) as client:
        yield client


@pytest.fixture
def ended(simulator: Simulator) -> Callable[[], "asyncio.Future[SeenAttempt]"]:
    """Waits until no attempt runs and gives the newest."""

    async def wait() -> SeenAttempt:
        async with asyncio.timeout(BOUND):
            while _running(simulator):  # noqa: ASYNC110 - the ledger tells nobody when it changes
                await asyncio.sleep(0.001)
        return simulator.ledger[-1]

    return lambda: asyncio.ensure_future(wait())


def _running(simulator: Simulator) -> bool:
    return any(attempt.ended is None for attempt in simulator.ledger)
