"""Runs the load against one budget: at once, killed in the middle, and with a cheaper way out."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.drills.budgets.books import Samples, overspent, sampled, told_of_money
from tests.drills.budgets.offer import PACED, QUICK, calls, copies, faults, models, prices
from tests.drills.faults import leftovers
from tests.drills.kill import refusal_of_a_greedy_request, spent_by_budget
from tests.drills.load import Call, make_call, make_calls
from tests.drills.verdict import Surroundings, Verdict
from tests.product.answers import Reading
from tests.product.books import spent
from tests.product.offer import configuration
from tests.product.process import Installation, installation
from tests.product.recounting import recounting
from tests.product.running import CHAT, PATIENCE, Product, running_product

from trunkline.kit.money import format_usd, parse_usd
from trunkline.ledger.rows import Row
from trunkline.simulator.server import Simulator

CALLS = 1500
AMOUNT = "0.15"
AT_ONCE = 60
MOST_TOKENS = 200
KILLED_STREAMS = 200
KILLED_AMOUNT = "0.12"
ROUNDS = 3
THRIFT_AMOUNT = "0.02"
LATE_ROUNDS = 5
MOST_LAST_CALLS = 3000
HELD_PAUSE = 0.02
LAST = "sim-gemini"
"""Harmed by nothing, and quick everywhere."""
SETTINGS: dict[str, Any] = {"first_byte_timeout": 2.0, "idle_timeout": 2.0}
OF_MONEY = {"budget_exhausted", "budget_held"}


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """All three, the kill at several moments."""
    crowd = surroundings.directory / "crowd"
    crowd.mkdir()
    verdicts = [await crowd_once(crowd, surroundings.seed, CALLS, AMOUNT)]
    thrift = surroundings.directory / "thrift"
    thrift.mkdir()
    verdicts.append(await thrift_once(thrift, surroundings.seed))
    for number in range(ROUNDS):
        directory, seed = surroundings.directory / str(number), surroundings.seed + number
        directory.mkdir()
        verdicts.append(await kill_once(directory, seed, KILLED_STREAMS, KILLED_AMOUNT))
    return verdicts


async def crowd_once(directory: Path, seed: int, count: int, amount: str) -> Verdict:
    """So many calls, some of them at once, until the money is gone."""
    async with _product(directory, seed, amount) as product:
        async with sampled(product) as samples, recounting(product):
            readings = await _crowd(product, calls(random.Random(seed), count, MOST_TOKENS))
            readings += await _until_exhausted(product.base_url, product.key)
        await product.idle()
        rows, seen = await product.rows(), product.simulator.ledger
        problems = overspent(rows, seen, parse_usd(amount))
        problems += await _standing_problems(product, samples, rows) + leftovers(product)
    figures = (
        f"{len(readings)} calls, {len(rows)} attempts ({_reasons(rows)}); "
        f"{told_of_money(rows, seen, amount)}, at most ${format_usd(samples.most)} spent and held "
        f"in {samples.count} looks; {_told(readings)}"
    )
    return Verdict(f"budget of ${amount} in a crowd", figures, tuple(problems))


async def _standing_problems(product: Product, samples: Samples, rows: list[Row]) -> list[str]:
    standing = await product.standing()
    problems = []
    if samples.most > standing.amount_nano:
        problems.append(f"{samples.most} were spent and held of {standing.amount_nano}")
    if standing.spent_nano != spent(rows):
        problems.append(f"the budget says {standing.spent_nano} and the rows {spent(rows)}")
    if standing.held_nano:
        problems.append(f"{standing.held_nano} are still held")
    return problems


async def _crowd(product: Product, wanted: Sequence[Call]) -> list[Reading]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(call: Call) -> Reading:
        async with places:
            return await make_call(product.base_url, product.key, call)

    return list(await asyncio.gather(*(one(call) for call in wanted)))


async def thrift_once(directory: Path, seed: int) -> Verdict:
    """A model whose budget no longer covers it is served by a cheaper one, until that is dear."""
    async with _product(directory, seed, THRIFT_AMOUNT) as product:
        readings: list[Reading] = []
        async with sampled(product) as samples, recounting(product):
            for _ in range(MOST_LAST_CALLS):
                crowd = [Call(CHAT, "thrifty", stream=False, max_tokens=100)] * 4
                readings += await make_calls(product.base_url, product.key, crowd)
                if any(reading.error == "budget_exhausted" for reading in readings):
                    break
        await product.idle()
        rows, seen = await product.rows(), product.simulator.ledger
        problems = overspent(rows, seen, parse_usd(THRIFT_AMOUNT))
        problems += await _standing_problems(product, samples, rows) + leftovers(product)
    served = Counter(row["alias"] for row in rows if row["ending"] == "completed")
    if not served["thrifty"] or not served["cheap"]:
        problems.append(f"answers came from {dict(served)}")
    late = readings[-4 * LATE_ROUNDS :]
    if any(reading.error not in {None, *OF_MONEY} for reading in late):
        problems.append(f"clients saw {_told(late)}")
    figures = (
        f"{len(readings)} calls, answers from {dict(served)}; "
        f"{told_of_money(rows, seen, THRIFT_AMOUNT)}; {_told(readings)}"
    )
    return Verdict(f"budget of ${THRIFT_AMOUNT} and a cheaper model", figures, tuple(problems))


async def kill_once(directory: Path, seed: int, streams: int, amount: str) -> Verdict:
    """Kill the front in the middle, start it again, and use up what is left."""
    rng = random.Random(seed)
    moment = rng.uniform(0.2, 2.5)
    async with _simulator(seed, PACED, speed=None) as simulator:
        options = {"TRUNKLINE_FIRST_BYTE_TIMEOUT": "4", "TRUNKLINE_IDLE_TIMEOUT": "4"}
        async with installation(directory, **options) as made:
            section = _section(amount)
            content = configuration(
                simulator.base_url,
                made.chain,
                [section],
                models(PACED),
                prices(PACED),
                copies=copies(),
            )
            await made.apply(content)
            await made.start()
            wanted = calls(rng, streams, MOST_TOKENS)
            running = asyncio.create_task(make_calls(made.base_url, made.key, wanted))
            await asyncio.sleep(moment)
            await made.kill()
            readings = await running
            await made.start()
            problems = await _told_after_restart(made, simulator)
            lost = sum(row["ending"] == "lost" for row in await made.rows())
            more = await make_calls(made.base_url, made.key, calls(rng, streams, MOST_TOKENS))
            readings += more + await _until_exhausted(made.base_url, made.key)
            await made.stop()
            rows = await made.rows()
            problems += overspent(rows, simulator.ledger, parse_usd(amount))
    figures = (
        f"killed after {moment:.2f} s with {lost} attempts under way; {len(rows)} attempts "
        f"({_reasons(rows)}); {told_of_money(rows, simulator.ledger, amount)}; {_told(readings)}"
    )
    return Verdict(f"budget of ${amount} and kill -9, seed {seed}", figures, tuple(problems))


async def _told_after_restart(made: Installation, simulator: Simulator) -> list[str]:
    while any(attempt.ended is None for attempt in simulator.ledger):  # noqa: ASYNC110 - the ledger tells nobody
        await asyncio.sleep(0.01)
    told, booked = None, -1
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            # A count that ends meanwhile moves the row first and the budget when it hears of it.
            while told != booked:
                booked = spent(await made.rows())
                told = spent_by_budget(await refusal_of_a_greedy_request(made))
    return [] if told == booked else [f"the budget has spent {told}, the rows {booked}"]


async def _until_exhausted(base_url: str, key: str) -> list[Reading]:
    """One small call after the other until one is refused for good."""
    readings: list[Reading] = []
    while len(readings) < MOST_LAST_CALLS:
        call = Call(CHAT, LAST, stream=len(readings) % 2 == 0, max_tokens=100)
        readings.append(await make_call(base_url, key, call))
        if readings[-1].error == "budget_exhausted":
            break
        if readings[-1].error == "budget_held":
            # Until tokens are counted there is nothing to be had.
            await asyncio.sleep(HELD_PAUSE)
    return readings


@asynccontextmanager
async def _product(directory: Path, seed: int, amount: str) -> AsyncIterator[Product]:
    async with (
        _simulator(seed, QUICK, speed=1e6) as simulator,
        running_product(
            directory / "data",
            simulator,
            organisations=[_section(amount)],
            models=models(QUICK),
            prices=prices(QUICK),
            copies=copies(),
            **SETTINGS,
        ) as product,
    ):
        yield product


@asynccontextmanager
async def _simulator(
    seed: int, targets: Sequence[str], *, speed: float | None
) -> AsyncIterator[Simulator]:
    simulator = Simulator(seed=seed, speed=speed)
    for rule in faults(targets):
        simulator.faults.add(rule)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


def _section(amount: str) -> dict[str, Any]:
    budget = {"name": "drill", "amount": amount, "window": "total"}
    return {"slug": "acme", "keys": [{"name": "app"}], "budgets": [budget]}


def _reasons(rows: Sequence[Row]) -> str:
    counts = Counter(row["reason"] for row in rows)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def _told(readings: Sequence[Reading]) -> dict[str, int]:
    """How often clients saw what; what is about money by its code."""
    seen = Counter(
        reading.error if reading.error in OF_MONEY else reading.summary for reading in readings
    )
    return {str(what): count for what, count in seen.most_common()}
