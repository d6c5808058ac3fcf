"""Runs the matrix against the whole product."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.drills.matrix.calls import Report, run_matrix
from tests.drills.matrix.offer import SETTINGS, copies, models, prices
from tests.drills.matrix.tables import print_calls, print_matrix
from tests.drills.verdict import Surroundings, Verdict
from tests.product.books import spent
from tests.product.running import Product, running_product

from trunkline.kit.money import format_usd
from trunkline.simulator.server import Simulator


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """Print both forms; the problems of all calls are the verdict's."""
    async with product_for_matrix(surroundings.directory, surroundings.seed) as product:
        report = await run_matrix(product)
    print_calls(report.outcomes, surroundings.console)
    print_matrix(report.outcomes, surroundings.console)
    problems = [
        f"{outcome.cell.model}: {problem}"
        for outcome in report.outcomes
        for problem in outcome.problems
    ]
    return [Verdict("matrix", figures(report), (*problems, *report.problems))]


def figures(report: Report) -> str:
    """The matrix in one line."""
    rows = [row for outcome in report.outcomes for row in outcome.rows]
    endings = Counter(row["ending"] for row in rows)
    clean = sum(outcome.reading.clean for outcome in report.outcomes)
    told = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
    return (
        f"{len(report.outcomes)} calls, {clean} whole answers; {len(rows)} attempts: {told}; "
        f"${format_usd(spent(rows))} booked"
    )


@asynccontextmanager
async def product_for_matrix(directory: Path, seed: int) -> AsyncIterator[Product]:
    """A product with the models of the matrix, in this directory."""
    simulator = Simulator(seed=seed, speed=1e6)
    await simulator.start()
    try:
        async with running_product(
            directory / "data",
            simulator,
            models=models(),
            prices=prices(),
            copies=copies(),
            **SETTINGS,
        ) as product:
            yield product
    finally:
        await simulator.stop()
