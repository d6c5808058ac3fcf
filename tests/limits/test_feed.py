"""The admission's rules follow the database."""

import pytest

from trunkline.errors import LimitExceeded, Unavailable
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import Ask
from trunkline.identity.service.organisations import create_organisation
from trunkline.kit.clock import FakeClock
from trunkline.ledger.service import Ledger
from trunkline.limits import service
from trunkline.limits.adapter import InProcessAdmission
from trunkline.limits.feed import RulesFeed
from trunkline.limits.left import budgets_left
from trunkline.limits.schemas import BudgetSpec, LimitSpec, TierSpec
from trunkline.storage.changes import changes_after
from trunkline.storage.engine import Database

CLOCK = FakeClock()


class World:
    """An organisation, its admission, and the feed between the database and it."""

    def __init__(self, database: Database, org_id: str) -> None:
        self.database = database
        self.admission = InProcessAdmission(CLOCK, Ledger(database, CLOCK))
        self.feed = RulesFeed(database, self.admission)
        self.caller = Caller(org_id=org_id, key_id="key", tier="tiny")
        self.seen = 0

    async def follow(self) -> None:
        """Apply what has changed since the last time."""
        async with self.database.read(None) as conn:
            changes = await changes_after(conn, self.seen)
        await self.feed.apply(changes)
        self.seen = changes[-1].seq if changes else self.seen

    async def ask(self) -> None:
        """One request, admitted and over."""
        ask = Ask("request", self.caller, "model", 0, 1, 1)
        self.admission.release(await self.admission.admit(ask))


@pytest.fixture
async def world(sqlite_database: Database) -> World:
    async with sqlite_database.write(None) as conn:
        org = await create_organisation(conn, name="Acme", clock=CLOCK)
    made = World(sqlite_database, org.id)
    await made.feed.load()
    return made


async def test_an_organisation_made_later_is_admitted_once_the_feed_has_seen_it(
    sqlite_database: Database,
) -> None:
    early = World(sqlite_database, "nobody")
    await early.feed.load()
    async with sqlite_database.write(None) as conn:
        org = await create_organisation(conn, name="Late", clock=CLOCK)
    late = Caller(org_id=org.id, key_id="key")
    ask = Ask("request", late, "model", 0, 1, 1)
    with pytest.raises(Unavailable):
        await early.admission.admit(ask)
    await early.follow()
    early.admission.release(await early.admission.admit(ask))
    with pytest.raises(Unavailable):
        await early.ask()


async def test_a_limit_counts_from_when_the_feed_has_seen_it(world: World) -> None:
    async with world.database.write(None) as conn:
        await service.ensure_limit(
            conn,
            world.caller.org_id,
            LimitSpec(counts="requests", amount=1, per_seconds=3600),
            clock=CLOCK,
        )
    await world.ask()
    await world.ask()
    await world.follow()
    await world.ask()
    with pytest.raises(LimitExceeded):
        await world.ask()


async def test_prepared_rules_count_from_when_they_are_taken_into_use(world: World) -> None:
    async with world.database.write(None) as conn:
        spec = LimitSpec(counts="requests", amount=1, per_seconds=3600)
        await service.ensure_limit(conn, world.caller.org_id, spec, clock=CLOCK)
    async with world.database.read(None) as conn:
        changes = await changes_after(conn, 0)
    swap = await world.feed.prepare(changes)
    await world.ask()
    await world.ask()
    swap()
    await world.ask()
    with pytest.raises(LimitExceeded):
        await world.ask()


async def test_a_shared_tier_reaches_every_organisation(world: World) -> None:
    async with world.database.write(None) as conn:
        await service.ensure_tier(
            conn, None, TierSpec(name="tiny", requests_per_day=1), clock=CLOCK
        )
    await world.follow()
    await world.ask()
    with pytest.raises(LimitExceeded, match="day"):
        await world.ask()


async def test_a_caller_sees_what_is_left_of_its_own_budgets(world: World) -> None:
    async with world.database.write(None) as conn:
        spec = BudgetSpec.model_validate({"amount": "2.00", "window": "month"})
        budget = await service.ensure_budget(conn, world.caller.org_id, spec, clock=CLOCK)
    await world.follow()
    ask = Ask("request", world.caller, "model", 500_000_000, 1, 1)
    lease = await world.admission.admit(ask)
    [left] = budgets_left(world.admission, world.caller)
    assert left | {"resets_ms": 0} == {
        "budget": budget.id,
        "scope": "org",
        "amount": "2.00",
        "spent": "0.00",
        "held": "0.50",
        "left": "1.50",
        "resets_ms": 0,
    }
    world.admission.release(lease)
    await world.admission.close()
