"""What must hold of the money: in the ledger, at the provider, and at every moment."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from tests.product.books import disagreements, spent
from tests.product.running import Product

from trunkline.ledger.rows import Row
from trunkline.simulator.ledger import SeenAttempt

SAMPLE_SECONDS = 0.001


class Samples:
    """The standing of a budget, looked at again and again while it is used.

    Attributes:
        count: how often it was looked at.
        most: nano-dollars that were spent and held at once.
        most_held: nano-dollars that were held at once.
    """

    def __init__(self) -> None:
        self.count = 0
        self.most = 0
        self.most_held = 0

    async def look(self, product: Product) -> None:
        """Once."""
        standing = await product.standing()
        self.count += 1
        self.most = max(self.most, standing.spent_nano + standing.held_nano)
        self.most_held = max(self.most_held, standing.held_nano)


@asynccontextmanager
async def sampled(product: Product) -> AsyncIterator[Samples]:
    """Look at the budget until the block ends."""
    samples = Samples()

    async def go_on() -> None:
        while True:
            await samples.look(product)
            await asyncio.sleep(SAMPLE_SECONDS)

    looking = asyncio.create_task(go_on())
    try:
        yield samples
    finally:
        looking.cancel()
        await asyncio.wait([looking])
        await samples.look(product)


def overspent(rows: Sequence[Row], seen: Sequence[SeenAttempt], amount: int) -> list[str]:
    """Where a hard budget was passed, by any of the books; nothing when it never was."""
    problems = disagreements(rows, seen)
    billed = sum(attempt.bill_nano for attempt in seen)
    for what, nano in (
        ("booked", spent(rows)),
        ("billed", billed),
        ("spent and held at once", most_committed(rows)),
    ):
        if nano > amount:
            problems.append(f"{nano} were {what} of {amount}")
    problems += _above_holds(rows)
    return problems


def most_committed(rows: Sequence[Row]) -> int:
    """Most nano-dollars that ended attempts had cost and running ones held at the same time."""
    moves: list[tuple[int, int, int]] = []
    for row in rows:
        hold, cost = row["hold_nano"] or 0, row["cost_nano"] or 0
        moves.append((row["opened_ms"], 1, hold))
        # In one millisecond what ends makes room for what begins.
        moves.append((row["closed_ms"], 0, cost - hold))
    committed = most = 0
    for _, _, nano in sorted(moves):
        committed += nano
        most = max(most, committed)
    return most


def _above_holds(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        cost, hold = row["cost_nano"], row["hold_nano"]
        if cost is None or hold is None or not 0 <= cost <= hold:
            yield f"{row['id']} ({row['ending']}) costs {cost} and {hold} were held"
