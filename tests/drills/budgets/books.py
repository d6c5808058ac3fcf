"""What must hold of the money: in the ledger, at the provider, and at every moment."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from tests.product.books import disagreements, spent
from tests.product.running import Product

from trunkline.kit.money import format_usd
from trunkline.ledger.rows import Row
from trunkline.limits.standing import BudgetStanding
from trunkline.simulator.ledger import SeenAttempt


class Samples:
    """The standing of a budget, looked at again and again while it is used.

    Attributes:
        count: how often it was looked at.
        most: nano-dollars that were spent and held at once.
    """

    def __init__(self) -> None:
        self.count = 0
        self.most = 0

    def look(self, standing: BudgetStanding) -> None:
        """Once."""
        self.count += 1
        self.most = max(self.most, standing.spent_nano + standing.held_nano)


@asynccontextmanager
async def sampled(product: Product) -> AsyncIterator[Samples]:
    """Look at the budget whenever the event loop comes round, until the block ends."""
    samples = Samples()
    org_id = await product.org_id()

    async def go_on() -> None:
        while True:
            (standing,) = product.front.known.admission.standings(org_id)
            samples.look(standing)
            await asyncio.sleep(0)

    looking = asyncio.create_task(go_on())
    try:
        yield samples
    finally:
        looking.cancel()
        await asyncio.wait([looking])


def overspent(rows: Sequence[Row], seen: Sequence[SeenAttempt], amount: int) -> list[str]:
    """Where the ledger passes a hard budget or contradicts itself; nothing when it never does.

    What a provider bills for an answer that broke off is estimated in the ledger.
    """
    problems = disagreements(rows, seen)
    for what, nano in (
        ("booked", spent(rows)),
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


def told_of_money(rows: Sequence[Row], seen: Sequence[SeenAttempt], amount: str) -> str:
    """What was booked and what the provider would charge, for people."""
    billed = sum(attempt.bill_nano for attempt in seen)
    estimated = [row for row in rows if row["cost_state"] != "exact"]
    return (
        f"${format_usd(spent(rows))} of ${amount} booked, ${format_usd(spent(estimated))} of it "
        f"estimated, ${format_usd(billed)} billed"
    )
