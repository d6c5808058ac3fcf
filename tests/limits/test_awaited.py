"""Costs that become known after their attempts: what is held until then, and what moves."""

import asyncio
from zoneinfo import ZoneInfo

import pytest
from tests.limits.test_budgets import DAY, budget, world_of
from tests.limits.world import ORG, World, ask, outcome

from trunkline.errors import LimitExceeded
from trunkline.ledger.corrections import CostChange
from trunkline.limits.awaited import AWAITED_MS, Awaited
from trunkline.limits.counters.budget import Budget, Turns
from trunkline.limits.counters.counter import Tally
from trunkline.limits.counters.hold import Hold
from trunkline.limits.rules import Scope


async def end_provisionally(world: World, attempt_id: str, hold: int, estimate: int) -> None:
    """One whole request whose tokens are counted afterwards."""
    lease = await world.admission.admit(ask(hold=hold))
    await world.admission.cover(lease, attempt_id, hold)
    world.admission.settle(lease, attempt_id, outcome(estimate), provisional=True)
    world.admission.settle(lease, attempt_id, outcome(estimate), provisional=True)
    world.admission.release(lease)


def corrected(world: World, attempt_id: str, before: int, after: int | None, seq: int) -> None:
    scopes: dict[Scope, str] = {"org": ORG, "key": "key-1", "alias": "gpt"}
    opened = world.wall_ms
    world.admission.correct(CostChange(seq, attempt_id, ORG, scopes, opened, before, after))


async def test_an_attempt_that_is_still_to_be_counted_keeps_its_hold() -> None:
    world = world_of(budget(100))
    await end_provisionally(world, "attempt", 60, 10)
    assert world.admission.stats().leases == 0
    assert world.spent() == {("budget", ORG): (0, 60)}
    with pytest.raises(LimitExceeded) as caught:
        await world.admission.admit(ask(hold=41))
    assert caught.value.code == "budget_held"
    corrected(world, "attempt", 10, 55, 1)
    assert world.spent() == {("budget", ORG): (55, 0)}
    corrected(world, "attempt", 55, 50, 2)
    assert world.spent() == {("budget", ORG): (50, 0)}


@pytest.mark.parametrize("reserve", ["worst", "expected"])
async def test_a_count_that_never_comes_is_charged_as_held(reserve: str) -> None:
    world = world_of(budget(100, reserve=reserve, window="total"))
    await end_provisionally(world, "attempt", 60, 10)
    world.clock.advance(AWAITED_MS / 1000 - 1)
    world.admission.sweep()
    assert world.spent() == {("budget", ORG): (0, 60)}
    world.clock.advance(1)
    await end_provisionally(world, "young", 20, 10)
    world.admission.sweep()
    assert world.spent() == {("budget", ORG): (60, 20)}
    corrected(world, "young", 10, None, 1)
    assert world.spent() == {("budget", ORG): (80, 0)}


def test_no_more_holds_wait_than_may() -> None:
    rule = budget(100)
    counter = Budget(rule, ORG, ZoneInfo("UTC"), Tally(), Turns(), 0)
    awaited = Awaited(2)
    for name in ("a", "b", "c"):
        hold = Hold(10, 10, 0)
        assert counter.take(hold)
        awaited.keep(name, (counter,), hold, 0)
    assert (len(awaited), counter.spent, counter.held) == (2, 10, 20)
    assert awaited.settle("a", 1) == ()
    assert awaited.settle("b", 1) == (counter,)
    assert (counter.spent, counter.held) == (11, 10)


async def test_a_hold_that_waits_stays_behind_with_its_window() -> None:
    world = world_of(budget(100))
    await end_provisionally(world, "attempt", 60, 10)
    world.clock.advance(DAY)
    assert world.spent() == {("budget", ORG): (0, 0)}
    scopes: dict[Scope, str] = {"org": ORG}
    opened = world.wall_ms - DAY * 1000
    world.admission.correct(CostChange(1, "attempt", ORG, scopes, opened, 10, 50))
    assert world.spent() == {("budget", ORG): (0, 0)}


async def test_what_the_ledgers_sums_have_in_them_is_not_corrected_again() -> None:
    world = world_of(budget(100))
    world.ledger.add("org", ORG, world.wall_ms, 30)
    world.ledger.seq = 7
    world.ledger.gate.clear()
    asking = asyncio.create_task(world.admission.admit(ask(hold=1)))
    while not world.ledger.questions:  # noqa: ASYNC110 - the ledger tells nobody that it was asked
        await asyncio.sleep(0)
    # The ledger has answered, and the answer is under way.
    corrected(world, "old", 10, 20, 7)
    corrected(world, "new", 10, 15, 8)
    world.ledger.gate.set()
    await asking
    assert world.spent() == {("budget", ORG): (35, 1)}
    corrected(world, "newer", 15, 10, 9)
    assert world.spent() == {("budget", ORG): (30, 1)}


async def test_a_late_cost_of_an_expired_lease_waits_for_the_count() -> None:
    world = world_of(budget(100))
    lease = await world.admission.admit(ask(hold=60))
    await world.admission.cover(lease, "attempt", 60)
    world.clock.advance(2000)
    assert world.admission.sweep() == 1
    world.admission.settle(lease, "attempt", outcome(10), provisional=True)
    assert world.spent() == {("budget", ORG): (60, 0)}
