"""Frozen parts: what clients see while the provider, the worker or PostgreSQL stands still."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import psutil
from tests.drills.load import Call, make_calls, slow_streams
from tests.drills.outside import outside_simulator
from tests.drills.verdict import Surroundings, Verdict
from tests.product.answers import Reading
from tests.product.books import disagreements, spent
from tests.product.process import Installation, installation
from tests.product.running import CHAT, MESSAGES
from tests.services.postgresql import INSTALLED, serving_postgresql

from trunkline.kit.money import format_usd
from trunkline.ledger.rows import Row
from trunkline.simulator.server import Simulator

STREAMS = 60
CALLS = 100
FROZEN_SECONDS = 4.0
CATCHING_UP = 20.0


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """Each part in turn."""
    verdicts = []
    for name, part in (("provider", _provider), ("worker", _worker), ("postgresql", _postgresql)):
        if part is _postgresql and not INSTALLED:
            surroundings.console.print("PostgreSQL is not installed, so it is not frozen.")
            continue
        directory = surroundings.directory / name
        directory.mkdir()
        verdicts.append(await part(directory, surroundings.seed))
    return verdicts


async def _provider(directory: Path, seed: int) -> Verdict:
    """Streams of a provider that stands still end with an error event, and later calls pass."""
    async with (
        outside_simulator(directory, seed) as outside,
        installation(
            directory, TRUNKLINE_IDLE_TIMEOUT="1.5", TRUNKLINE_FIRST_BYTE_TIMEOUT="1.5"
        ) as made,
    ):
        await made.configure(outside.base_url)
        await made.start()
        calls = slow_streams(random.Random(seed), STREAMS)
        running = asyncio.create_task(make_calls(made.base_url, made.key, calls))
        await asyncio.sleep(1.0)
        async with _frozen([outside.pid]):
            during = await make_calls(made.base_url, made.key, _quick(20))
        streams = await running
        after = await make_calls(made.base_url, made.key, _quick(20))
        await made.stop()
        problems = disagreements(await made.rows(), await outside.seen())
    problems += _unexpected("a stream", streams, {"passed", "200 upstream_timeout"} | _TIMED_OUT)
    problems += _unexpected("a call during the freeze", during, _TIMED_OUT)
    problems += _unexpected("a call after it", after, {"passed"})
    told = f"streams {dict(_answers(streams))}, during {dict(_answers(during))}"
    return Verdict("frozen provider", told, tuple(problems))


async def _worker(directory: Path, seed: int) -> Verdict:
    """Nothing of a frozen worker is felt; the ledger catches up when it goes on."""
    simulator = Simulator(seed=seed, speed=1e6)
    await simulator.start()
    try:
        async with installation(directory) as made:
            await made.configure(simulator.base_url)
            await made.start()
            children = psutil.Process(made.pid).children()
            async with _frozen([child.pid for child in children]):
                during = await make_calls(made.base_url, made.key, _quick(CALLS))
                behind = CALLS - len(await made.rows())
            rows = await _caught_up(made, CALLS)
            await made.stop()
    finally:
        await simulator.stop()
    problems = disagreements(rows, simulator.ledger)
    problems += _unexpected("a call during the freeze", during, {"passed"})
    told = f"{CALLS} calls passed, {behind} rows behind, {len(rows)} after it"
    return Verdict("frozen worker", told, tuple(problems))


async def _postgresql(directory: Path, seed: int) -> Verdict:
    """Known keys are served from memory while the database stands still, and nothing is lost."""
    simulator = Simulator(seed=seed, speed=1e6)
    await simulator.start()
    try:
        with ExitStack() as servers:
            server = await asyncio.to_thread(servers.enter_context, serving_postgresql())
            name = await asyncio.to_thread(server.create_database)
            async with installation(directory, TRUNKLINE_DATABASE_URL=server.url(name)) as made:
                await made.configure(simulator.base_url)
                await made.start()
                before = await make_calls(made.base_url, made.key, _quick(CALLS))
                async with _frozen(_processes_behind(server.port)):
                    during = await make_calls(made.base_url, made.key, _quick(CALLS))
                after = await make_calls(made.base_url, made.key, _quick(CALLS))
                rows = await _caught_up(made, 3 * CALLS)
                await made.stop()
    finally:
        await simulator.stop()
    problems = disagreements(rows, simulator.ledger)
    for when, readings in (("before", before), ("during", during), ("after", after)):
        problems += _unexpected(f"a call {when} the freeze", readings, {"passed"})
    told = f"3 x {CALLS} calls passed, {len(rows)} rows, ${format_usd(spent(rows))}"
    return Verdict("frozen PostgreSQL", told, tuple(problems))


_TIMED_OUT = {"504 upstream_timeout"}


@asynccontextmanager
async def _frozen(pids: Sequence[int]) -> AsyncIterator[None]:
    """Stop processes for the block, and for some seconds at least."""
    for pid in pids:
        psutil.Process(pid).send_signal(signal.SIGSTOP)
    began = asyncio.get_running_loop().time()
    try:
        yield
        await asyncio.sleep(began + FROZEN_SECONDS - asyncio.get_running_loop().time())
    finally:
        for pid in pids:
            psutil.Process(pid).send_signal(signal.SIGCONT)


def _processes_behind(port: int) -> list[int]:
    """The server that listens there, and its children."""
    for connection in psutil.net_connections("tcp4"):
        address = connection.laddr
        if connection.status == psutil.CONN_LISTEN and getattr(address, "port", None) == port:
            parent = psutil.Process(connection.pid)
            return [parent.pid, *(child.pid for child in parent.children(recursive=True))]
    raise RuntimeError(f"nobody listens on {port}")


async def _caught_up(made: Installation, wanted: int) -> list[Row]:
    """The ledger when it has so many rows."""
    async with asyncio.timeout(CATCHING_UP):
        while len(rows := await made.rows()) < wanted:  # noqa: ASYNC110 - another process ships
            await asyncio.sleep(0.2)
    return rows


def _quick(count: int) -> list[Call]:
    kinds = (Call(CHAT, "sim-fast"), Call(MESSAGES, "claude-sim-fast", stream=False))
    return [kinds[number % 2] for number in range(count)]


def _answers(readings: Sequence[Reading]) -> Counter[str]:
    return Counter(
        "passed" if reading.clean else f"{reading.status} {reading.error}" for reading in readings
    )


def _unexpected(who: str, readings: Sequence[Reading], allowed: set[str]) -> list[str]:
    return [
        f"{who} was answered {answer} {count} times"
        for answer, count in _answers(readings).items()
        if answer not in allowed
    ]
