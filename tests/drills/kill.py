"""kill -9 of the front while streams run, and a start on the same data directory."""

import asyncio
import random
import re
from pathlib import Path

from tests.drills.load import Call, make_call, make_calls, slow_streams
from tests.drills.verdict import Surroundings, Verdict
from tests.product.answers import Reading
from tests.product.books import disagreements, spent
from tests.product.process import Installation, installation
from tests.product.running import CHAT

from trunkline.kit.money import format_usd, parse_usd
from trunkline.ledger.rows import Row
from trunkline.simulator.server import Simulator

STREAMS = 300
ROUNDS = 4
_SPENT = re.compile(r"\$([0-9.]+) of \$[0-9.]+ are spent")


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """Several kills, each at another moment."""
    verdicts = []
    for number in range(ROUNDS):
        seed = surroundings.seed + number
        directory = surroundings.directory / str(number)
        directory.mkdir()
        verdicts.append(await kill_once(directory, seed, STREAMS))
    return verdicts


async def kill_once(directory: Path, seed: int, streams: int, *, longest: float = 2.5) -> Verdict:
    """Kill the front while so many streams run, start it again, and compare all books."""
    rng = random.Random(seed)
    moment = rng.uniform(0.3, longest)
    simulator = Simulator(seed=seed)
    await simulator.start()
    try:
        async with installation(directory) as made:
            await made.configure(simulator.base_url)
            await made.start()
            calls = slow_streams(rng, streams)
            running = asyncio.create_task(make_calls(made.base_url, made.key, calls))
            await under_way(simulator, streams, moment)
            await made.kill()
            readings = await running
            await made.start()
            problems = await _compare(made, simulator, readings)
            rows = await made.rows()
            figures = _figures(rows, simulator, moment)
            if code := await made.stop():
                problems.append(f"the second front ended with {code}")
    finally:
        await simulator.stop()
    return Verdict(f"kill -9, seed {seed}, {streams} streams", figures, tuple(problems))


async def under_way(simulator: Simulator, streams: int, moment: float) -> None:
    """Wait until every stream has reached the provider, and then some time more."""
    async with asyncio.timeout(30):
        while len(simulator.ledger) < streams:  # noqa: ASYNC110 - the ledger tells nobody
            await asyncio.sleep(0.01)
    await asyncio.sleep(moment)


async def _compare(made: Installation, simulator: Simulator, readings: list[Reading]) -> list[str]:
    while any(attempt.ended is None for attempt in simulator.ledger):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)
    seen = simulator.ledger
    rows = await made.rows()
    problems = disagreements(rows, seen)
    whole = sum(attempt.complete for attempt in seen)
    clean = sum(reading.clean for reading in readings)
    if clean > whole:
        problems.append(f"{clean} clients saw a clean end and {whole} answers were whole")
    problems += await _budget_problems(made, rows)
    metrics = await made.metrics()
    if metrics["trunkline_leases"]:
        problems.append(f"{metrics['trunkline_leases']:g} leases outlived their process")
    return problems


async def _budget_problems(made: Installation, rows: list[Row]) -> list[str]:
    """The budget says what it has spent when a request does not fit into it."""
    told = spent_by_budget(await refusal_of_a_greedy_request(made))
    if told == spent(rows):
        return []
    return [f"the budget has spent {told} and the rows cost {spent(rows)}"]


async def refusal_of_a_greedy_request(made: Installation) -> str:
    """The sentence of a refusal: nobody can pay for so many tokens."""
    greedy = Call(CHAT, "gpt-4o", stream=False, max_tokens=10**9)
    reading = await make_call(made.base_url, made.key, greedy)
    return reading.text


def spent_by_budget(sentence: str) -> int | None:
    """Nano-dollars that a refusal names as spent."""
    found = _SPENT.search(sentence)
    return None if found is None else parse_usd(found.group(1))


def _figures(rows: list[Row], simulator: Simulator, moment: float) -> str:
    lost = sum(row["ending"] == "lost" for row in rows)
    exact = sum(row["cost_state"] == "exact" for row in rows)
    bill = sum(attempt.bill_nano for attempt in simulator.ledger)
    return (
        f"{moment:.2f} s after the last stream began: {len(rows)} rows, {exact} exact, "
        f"{lost} lost, ${format_usd(spent(rows))} booked, ${format_usd(bill)} billed"
    )
