"""Many calls at once against a daily quota and against a budget, before and after a restart."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.drills.kill import spent_by_budget
from tests.drills.load import Call, make_calls
from tests.drills.verdict import Surroundings, Verdict
from tests.product.answers import Reading
from tests.product.books import disagreements, spent
from tests.product.process import Installation, installation
from tests.product.running import CHAT, MESSAGES

from trunkline.kit.money import format_usd, parse_usd
from trunkline.simulator.server import Simulator

CALLS = 1000
QUOTA = 500
BUDGET = "0.02"
AT_ONCE = 100


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """The quota and the budget of the issue."""
    quota, budget = surroundings.directory / "quota", surroundings.directory / "budget"
    quota.mkdir()
    budget.mkdir()
    return [
        await quota_once(quota, surroundings.seed, CALLS, QUOTA),
        await budget_once(budget, surroundings.seed, CALLS, BUDGET),
    ]


async def quota_once(directory: Path, seed: int, calls: int, allowed: int) -> Verdict:
    """So many calls at once: exactly the allowed ones pass, and none after a restart."""
    simulator = Simulator(seed=seed, speed=1e6)
    await simulator.start()
    tier = {"name": "drill", "requests_per_day": allowed, "upgrade_hint": "Ask for more."}
    section = {
        "slug": "acme", "keys": [{"name": "app"}], "tiers": [tier], "tier": "drill",
        "time_zone": zone_far_from_midnight(time.time()),
    }  # fmt: skip
    try:
        async with installation(directory) as made:
            await made.configure(simulator.base_url, [section])
            await made.start()
            first = await make_calls(made.base_url, made.key, _mixed(calls))
            await made.stop()
            await made.start()
            second = await make_calls(made.base_url, made.key, _mixed(20))
            await made.stop()
            rows = await made.rows()
    finally:
        await simulator.stop()
    problems = disagreements(rows, simulator.ledger)
    for readings, passing in ((first, allowed), (second, 0)):
        told = _answers(readings)
        wanted = Counter({"passed": passing, "429 quota_exceeded": len(readings) - passing})
        if told != +wanted:
            problems.append(f"{dict(told)} instead of {dict(wanted)}")
    figures = f"{len(rows)} of {calls} calls passed; after a restart none of {len(second)}"
    return Verdict(f"quota of {allowed} a day", figures, tuple(problems))


async def budget_once(directory: Path, seed: int, calls: int, amount: str) -> Verdict:
    """Calls at once until the money is gone, across a restart: never above it."""
    simulator = Simulator(seed=seed, speed=1e6)
    await simulator.start()
    budget = {"name": "drill", "amount": amount, "window": "total"}
    section: dict[str, Any] = {"slug": "acme", "keys": [{"name": "app"}], "budgets": [budget]}
    readings: list[Reading] = []
    try:
        async with installation(directory) as made:
            await made.configure(simulator.base_url, [section])
            for share in (calls // 2, calls - calls // 2):
                await made.start()
                for begin in range(0, share, AT_ONCE):
                    batch = _mixed(min(AT_ONCE, share - begin))
                    readings += await make_calls(made.base_url, made.key, batch)
                await made.stop()
            await made.start()
            readings += await _until_exhausted(made)
            await made.stop()
            await made.start()
            last = (await make_calls(made.base_url, made.key, _mixed(1)))[0]
            told = spent_by_budget(last.text)
            await made.stop()
            rows = await made.rows()
    finally:
        await simulator.stop()
    problems = disagreements(rows, simulator.ledger)
    most, billed = parse_usd(amount), sum(attempt.bill_nano for attempt in simulator.ledger)
    if max(spent(rows), billed) > most:
        problems.append(f"{spent(rows)} were spent and {billed} billed of {most}")
    if told != spent(rows):
        problems.append(f"the budget says {told} and the rows {spent(rows)}")
    answers = _answers(readings)
    if answers.keys() - {"passed", "402 budget_exhausted", "429 budget_held"}:
        problems.append(f"unexpected answers: {dict(answers)}")
    if last.status != 402:
        problems.append(f"after a restart the exhausted budget answers {last.summary}")
    figures = f"${format_usd(spent(rows))} of ${amount} spent; {dict(answers)}"
    return Verdict(f"budget of ${amount}", figures, tuple(problems))


def zone_far_from_midnight(now: float) -> str:
    """A time zone in which it is about noon, so that the day does not turn under a test."""
    ahead = 12 - int(now // 3600) % 24
    # The signs of these names are those of POSIX: Etc/GMT-5 is five hours ahead of UTC.
    return "Etc/GMT" if ahead == 0 else f"Etc/GMT{-ahead:+d}"


async def _until_exhausted(made: Installation) -> list[Reading]:
    """One call after the other until one is refused for good."""
    readings: list[Reading] = []
    while not readings or readings[-1].clean:
        readings += await make_calls(made.base_url, made.key, _mixed(1))
    return readings


def _mixed(count: int) -> list[Call]:
    kinds = [
        Call(path, model, stream=stream, max_tokens=100)
        for path, model in ((CHAT, "sim-fast"), (MESSAGES, "claude-sim-fast"))
        for stream in (False, True)
    ]
    return [kinds[number % len(kinds)] for number in range(count)]


def _answers(readings: list[Reading]) -> Counter[str]:
    return Counter(
        "passed" if reading.clean else f"{reading.status} {reading.error}" for reading in readings
    )
