"""From a correction in the ledger to the budgets of a front, through the log of changes."""

import pytest
from sqlalchemy import delete
from tests.ledger.examples import KEY, ORG, START_MS, attempt, estimated, outcome
from typing_extensions import override

from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.metering.price import Price, Rates
from trunkline.gateway.ports import Ask
from trunkline.kit.clock import FakeClock
from trunkline.ledger.booking import book
from trunkline.ledger.corrections import CostChange
from trunkline.ledger.records import Close
from trunkline.ledger.repricing import Prices
from trunkline.ledger.service import Ledger
from trunkline.limits.adapter import InProcessAdmission
from trunkline.limits.corrections import CorrectionsFeed
from trunkline.limits.rules import BudgetRule, OrgRules
from trunkline.storage.changes import Change, append_change, changes_after
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import attempt as attempt_table

RULES = OrgRules(budgets=(BudgetRule("budget", ORG, "org", amount_nano=1_000_000, window="total"),))


class Front:
    """An admission over the ledger of a database, and its feed."""

    def __init__(self, database: Database) -> None:
        clock = FakeClock(START_MS / 1000)
        self.database = database
        self.ledger = Ledger(database, clock)
        self.admission = InProcessAdmission(clock, self.ledger)
        self.admission.load(ORG, RULES)
        self.feed = CorrectionsFeed(self.ledger, self.admission)

    @property
    def spent(self) -> tuple[int, int]:
        (standing,) = self.admission.standings(ORG)
        return standing.spent_nano, standing.held_nano

    async def changes(self) -> list[Change]:
        async with self.database.read(None) as conn:
            return await changes_after(conn, 0)

    async def told(self) -> list[CostChange]:
        return await self.ledger.cost_changes(await self.changes())

    async def follow(self) -> None:
        """Take everything in the log, as if it were handed on from the beginning."""
        swap = await self.feed.prepare(await self.changes())
        if swap is not None:
            swap()

    async def run(self, made: Attempt, estimate: Outcome) -> None:
        """One request of this front."""
        ask = Ask("request", Caller(ORG, KEY), "fast", made.hold_nano, 1, 1)
        lease = await self.admission.admit(ask)
        await self.admission.cover(lease, made.id, made.hold_nano)
        self.admission.settle(lease, made.id, estimate, provisional=True)
        self.admission.release(lease)


class OnePrice(Prices):
    """Knows one price, whatever it is asked about."""

    def __init__(self, price: Price) -> None:
        self._price = price

    @override
    async def price_at(
        self, org_id: str, connection_id: str, provider: str, model: str, at_ms: int
    ) -> Price | None:
        return self._price


async def add(database: Database, made: Attempt, ended: Outcome) -> None:
    async with database.write(None) as conn:
        await book(conn, [Close(made, ended)], START_MS)


@pytest.fixture
def front(database: Database) -> Front:
    return Front(database)


async def test_a_correction_takes_the_place_of_what_was_held(front: Front) -> None:
    made = attempt()
    await front.run(made, estimated(cost_nano=100))
    await add(front.database, made, estimated(cost_nano=100))
    await front.follow()
    assert front.spent == (0, made.hold_nano)
    await add(front.database, made, outcome(cost_nano=3_000))
    await front.follow()
    await front.follow()
    assert front.spent == (3_000, 0)
    assert await front.ledger.spent(ORG, "org", ORG, 0) == 3_000


async def test_a_budget_that_began_with_the_estimate_moves_by_the_difference_once(
    front: Front,
) -> None:
    made = attempt()
    await add(front.database, made, estimated(cost_nano=100))
    await front.admission.rebuild()
    assert front.spent == (100, 0)
    await add(front.database, made, outcome(cost_nano=3_000))
    await front.follow()
    await front.follow()
    assert front.spent == (3_000, 0)


async def test_a_budget_that_began_with_the_correction_does_not_move(front: Front) -> None:
    made = attempt()
    await add(front.database, made, estimated(cost_nano=100))
    await add(front.database, made, outcome(cost_nano=3_000))
    await front.admission.rebuild()
    await front.follow()
    assert front.spent == (3_000, 0)


async def test_each_of_two_corrections_moves_by_its_own_difference(front: Front) -> None:
    made = attempt()
    await add(front.database, made, estimated(cost_nano=100))
    await add(front.database, made, outcome(cost_nano=3_000))
    await front.admission.rebuild()
    other = Price("other@1", Rates(input=100_000_000, cache_read=0, output=0))
    await front.ledger.reprice(0, START_MS + 1, OnePrice(other), org_id=ORG)
    now = await front.ledger.spent(ORG, "org", ORG, 0)
    assert now not in {100, 3_000}
    first, second = [(c.before_nano, c.after_nano) for c in await front.told()]
    assert (first, second) == ((100, 3_000), (3_000, now))
    await front.follow()
    assert front.spent == (now, 0)


async def test_only_estimates_that_nobody_has_corrected_are_inherited(front: Front) -> None:
    waiting, corrected, exact = (attempt(id=name) for name in ("waiting", "corrected", "exact"))
    for made in (waiting, corrected):
        await add(front.database, made, estimated(cost_nano=100))
    for made in (corrected, exact):
        await add(front.database, made, outcome(cost_nano=3_000))
    hold = waiting.hold_nano
    assert hold is not None
    await front.feed.inherit(dict.fromkeys(("waiting", "corrected", "exact", "unknown"), hold))
    await front.admission.rebuild()
    assert front.spent == (6_100, hold - 100)
    await front.follow()
    assert front.spent == (6_100, hold - 100)
    await add(front.database, waiting, outcome(cost_nano=3_000))
    await front.follow()
    assert front.spent == (9_000, 0)


async def test_what_is_about_other_things_or_removed_attempts_moves_nothing(front: Front) -> None:
    made = attempt()
    await add(front.database, made, estimated(cost_nano=100))
    await front.admission.rebuild()
    await add(front.database, made, outcome(cost_nano=3_000))
    async with front.database.write(None) as conn:
        await conn.execute(delete(attempt_table))
        await append_change(conn, ORG, "team", "id")
    await front.follow()
    assert front.spent == (100, 0)
