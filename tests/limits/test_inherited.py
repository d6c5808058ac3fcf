"""What an earlier process left to be counted: what is held for it, and what moves when it is."""

import pytest
from tests.limits.test_budgets import DAY, budget, spend, world_of
from tests.limits.world import ORG, World, ask

from trunkline.errors import BudgetExhausted, LimitExceeded
from trunkline.ledger.corrections import CostChange, Estimated
from trunkline.limits.awaited import AWAITED_MS
from trunkline.limits.rules import OrgRules, Scope

SCOPES: dict[Scope, str] = {"org": ORG, "team": "team-1", "key": "key-1", "alias": "gpt"}


def left(world: World, name: str, estimate: int, *, ago: int = 0) -> Estimated:
    """One attempt as the ledger has it."""
    opened = world.wall_ms - 1_000 * ago
    for scope, scope_id in SCOPES.items():
        world.ledger.add(scope, scope_id, opened, estimate)
    return Estimated(name, ORG, SCOPES, opened, estimate)


async def restarted(world: World, *attempts: Estimated, hold: int) -> None:
    world.admission.expect({attempt.attempt_id: hold for attempt in attempts})
    world.admission.inherit(attempts)
    await world.admission.rebuild()


def counted(world: World, attempt: Estimated, after: int | None, seq: int) -> None:
    """The worker's count arrives."""
    change = CostChange(
        seq, attempt.attempt_id, ORG, SCOPES, attempt.opened_ms, attempt.cost_nano, after
    )
    world.admission.correct(change)


@pytest.mark.parametrize("reserve", ["worst", "expected"])
@pytest.mark.parametrize("window", ["day", "rolling", "total"])
async def test_the_rest_of_what_was_held_is_kept_back_until_the_count_comes(
    reserve: str, window: str
) -> None:
    rolling = DAY if window == "rolling" else None
    scope = "team"
    world = world_of(
        budget(100, scope=scope, reserve=reserve, window=window, rolling_seconds=rolling)
    )
    attempt = left(world, "attempt", 10)
    await restarted(world, attempt, hold=60)
    await spend(world, 5, 5)
    assert world.spent() == {("budget", "team-1"): (15, 50)}
    with pytest.raises(LimitExceeded) as caught:
        await world.admission.admit(ask(hold=36))
    assert caught.value.code == "budget_held"
    counted(world, attempt, 55, 1)
    assert world.spent() == {("budget", "team-1"): (60, 0)}
    counted(world, Estimated("attempt", ORG, SCOPES, attempt.opened_ms, 55), 50, 2)
    assert world.spent() == {("budget", "team-1"): (55, 0)}
    with pytest.raises(BudgetExhausted):
        await world.admission.admit(ask(hold=46))


async def test_an_estimate_that_stands_gives_back_what_was_held_beyond_it() -> None:
    world = world_of(budget(100, scope_id=ORG))
    attempt = left(world, "attempt", 10)
    await restarted(world, attempt, hold=60)
    counted(world, attempt, 10, 1)
    assert world.spent() == {("budget", ORG): (10, 0)}


async def test_a_count_that_the_first_sum_had_in_it_moves_nothing_and_frees_the_hold() -> None:
    world = world_of(budget(100, scope_id=ORG))
    attempt = left(world, "attempt", 10)
    world.ledger.add("org", ORG, attempt.opened_ms, 45)
    world.ledger.seq = 7
    await restarted(world, attempt, hold=60)
    assert world.spent() == {("budget", ORG): (55, 50)}
    counted(world, attempt, 55, 7)
    assert world.spent() == {("budget", ORG): (55, 0)}


async def test_a_count_that_comes_before_the_ledger_has_named_the_attempt_leaves_no_hold() -> None:
    world = world_of(budget(100, scope_id=ORG))
    attempt = left(world, "attempt", 10)
    world.admission.expect({"attempt": 60})
    world.ledger.add("org", ORG, attempt.opened_ms, 45)
    world.ledger.seq = 3
    counted(world, attempt, 55, 3)
    world.admission.inherit([attempt])
    await world.admission.rebuild()
    assert world.spent() == {("budget", ORG): (55, 0)}


async def test_a_budget_that_was_made_meanwhile_keeps_it_back_as_well() -> None:
    world = world_of(budget(100, scope_id=ORG))
    attempt = left(world, "attempt", 10)
    await restarted(world, attempt, hold=60)
    rules = (budget(100, scope_id=ORG), budget(200, id="new", scope_id=ORG, window="total"))
    world.admission.load(ORG, OrgRules(budgets=rules))
    await world.admission.rebuild()
    assert world.spent() == {("budget", ORG): (10, 50), ("new", ORG): (10, 50)}
    counted(world, attempt, 20, 1)
    assert world.spent() == {("budget", ORG): (20, 0), ("new", ORG): (20, 0)}


async def test_what_belongs_to_a_window_that_has_passed_is_held_by_nobody() -> None:
    world = world_of(
        budget(100, id="day", scope_id=ORG),
        budget(100, id="rolling", scope_id=ORG, window="rolling", rolling_seconds=DAY),
        budget(100, id="total", scope_id=ORG, window="total"),
    )
    attempt = left(world, "attempt", 10, ago=3 * DAY)
    await restarted(world, attempt, hold=60)
    nothing = {("day", ORG): (0, 0), ("rolling", ORG): (0, 0)}
    assert world.spent() == {**nothing, ("total", ORG): (10, 50)}
    counted(world, attempt, 40, 1)
    assert world.spent() == {**nothing, ("total", ORG): (40, 0)}


async def test_a_hold_stays_behind_with_its_window() -> None:
    world = world_of(budget(100, scope_id=ORG))
    attempt = left(world, "attempt", 10)
    await restarted(world, attempt, hold=60)
    world.clock.advance(DAY)
    await spend(world, 20, 20)
    counted(world, attempt, 55, 1)
    assert world.spent() == {("budget", ORG): (20, 0)}


async def test_what_waits_for_too_long_is_charged_as_it_was_held() -> None:
    world = world_of(budget(100, scope_id=ORG, window="total"))
    attempt = left(world, "attempt", 10)
    await restarted(world, attempt, hold=60)
    world.clock.advance(AWAITED_MS / 1000 - 1)
    world.admission.sweep()
    assert world.spent() == {("budget", ORG): (10, 50)}
    world.clock.advance(1)
    world.admission.sweep()
    assert world.spent() == {("budget", ORG): (60, 0)}


async def test_an_estimate_above_its_hold_holds_nothing_more() -> None:
    world = world_of(budget(100, scope_id=ORG))
    await restarted(world, left(world, "attempt", 60), hold=60)
    assert world.spent() == {("budget", ORG): (60, 0)}
