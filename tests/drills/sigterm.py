"""SIGTERM while streams run: they finish, or end with an error event, by the deadline."""

import asyncio
import random
import signal
import time
from pathlib import Path

from tests.drills.kill import under_way
from tests.drills.load import Call, make_call, make_calls
from tests.drills.verdict import Surroundings, Verdict
from tests.product.answers import Reading
from tests.product.books import disagreements
from tests.product.process import Installation, installation
from tests.product.running import CHAT, MESSAGES

from trunkline.simulator.server import Simulator

STREAMS = 100
DEADLINE = 5.0
# After the deadline handlers write their last words and the worker ships what is left.
CLEARING = 8.0


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """One stop with the issue's number of streams."""
    return [await stop_once(surroundings.directory, surroundings.seed, STREAMS, DEADLINE)]


async def stop_once(directory: Path, seed: int, streams: int, deadline: float) -> Verdict:
    """Stop the front while so many streams run; some of them are too long for the deadline."""
    rng = random.Random(seed)
    simulator = Simulator(seed=seed)
    await simulator.start()
    try:
        async with installation(directory, TRUNKLINE_SHUTDOWN_DEADLINE=str(deadline)) as made:
            await made.configure(simulator.base_url)
            await made.start()
            calls = _short_and_long(rng, streams)
            running = asyncio.create_task(make_calls(made.base_url, made.key, calls))
            await under_way(simulator, streams, 0.3)
            began = time.monotonic()
            made.send(signal.SIGTERM)
            late = await _refused_afterwards(made)
            readings = await running
            streams_took = time.monotonic() - began
            code = await made.ended()
            took = time.monotonic() - began
            problems = [*late, *_broken(readings)]
            if code:
                problems.append(f"the front ended with {code}")
            if took > deadline + CLEARING:
                problems.append(f"it took {took:.1f} s to end")
            problems += disagreements(await made.rows(), simulator.ledger)
    finally:
        await simulator.stop()
    clean = sum(reading.clean for reading in readings)
    figures = (
        f"{clean} streams finished, {streams - clean} ended with an error event, the last after "
        f"{streams_took:.1f} s; exit code {code} after {took:.1f} s"
    )
    return Verdict(f"SIGTERM, seed {seed}, {streams} streams", figures, tuple(problems))


def _short_and_long(rng: random.Random, count: int) -> list[Call]:
    """Half of them end by themselves in about a second, the others take ten."""
    short = (Call(CHAT, "sim-chat"), Call(MESSAGES, "claude-sim-chat"))
    long = (
        Call(CHAT, "sim-long", max_tokens=4000),
        Call(MESSAGES, "claude-sim-long", max_tokens=4000),
    )
    return [rng.choice(short if number % 2 else long) for number in range(count)]


async def _refused_afterwards(made: Installation) -> list[str]:
    """Who comes after the signal is not served."""
    await asyncio.sleep(0.5)
    reading = await make_call(made.base_url, made.key, Call(CHAT, "sim-fast"))
    return ["a request after SIGTERM was served"] if reading.clean else []


def _broken(readings: list[Reading]) -> list[str]:
    return [
        f"a stream ended with neither its end nor an error event: {reading.summary}"
        for reading in readings
        if not reading.clean and reading.error != "shutting_down"
    ]
