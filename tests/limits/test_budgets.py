"""Money: what is held, refused, booked, given back and corrected."""

import itertools
import random
from typing import Any

import pytest
from tests.limits.world import ORG, World, ask, caller, outcome

from trunkline.errors import BudgetExhausted, LimitExceeded
from trunkline.ledger.corrections import CostChange
from trunkline.limits.lease import InProcessLease
from trunkline.limits.rules import BudgetRule, OrgRules, Scope

DAY = 86_400


def budget(amount: int = 100, **fields: Any) -> BudgetRule:
    values: dict[str, Any] = {"id": "budget", "scope": "org", "window": "day"}
    return BudgetRule(org_id=ORG, amount_nano=amount, **(values | fields))


def world_of(*budgets: BudgetRule, time_zone: str = "UTC") -> World:
    return World(OrgRules(budgets=budgets), time_zone=time_zone)


async def spend(world: World, hold: int, cost: int, **fields: Any) -> None:
    """One whole request."""
    lease = await world.admission.admit(ask(hold=hold, **fields))
    await world.admission.cover(lease, "attempt", hold)
    world.admission.settle(lease, "attempt", outcome(cost))
    world.admission.release(lease)


async def test_a_cost_replaces_its_hold_at_every_level() -> None:
    scopes = ("org", "team", "user", "key", "alias")
    world = world_of(*(budget(id=scope, scope=scope) for scope in scopes))
    lease = await world.admission.admit(ask(hold=40))
    assert set(world.spent().values()) == {(0, 40)}
    await world.admission.cover(lease, "attempt", 40)
    world.admission.settle(lease, "attempt", outcome(25))
    world.admission.settle(lease, "attempt", outcome(25))
    world.admission.release(lease)
    assert world.spent() == {
        ("org", ORG): (25, 0),
        ("team", "team-1"): (25, 0),
        ("user", "user-1"): (25, 0),
        ("key", "key-1"): (25, 0),
        ("alias", "gpt"): (25, 0),
    }


async def test_the_last_nano_dollar_may_be_spent_and_not_one_more() -> None:
    world = world_of(budget(100))
    await spend(world, 60, 60)
    with pytest.raises(BudgetExhausted) as caught:
        await world.admission.admit(ask(hold=41))
    assert caught.value.code == "budget_exhausted"
    await spend(world, 40, 40)
    with pytest.raises(BudgetExhausted):
        await world.admission.admit(ask(hold=1))
    assert world.spent() == {("budget", ORG): (100, 0)}


async def test_holds_of_others_are_a_reason_to_wait_and_not_to_pay() -> None:
    world = world_of(budget(100, name="marketing"))
    running = await world.admission.admit(ask(hold=60))
    with pytest.raises(LimitExceeded) as caught:
        await world.admission.admit(ask(hold=60))
    assert (caught.value.code, caught.value.retry_after) == ("budget_held", 1.0)
    assert "'marketing'" in caught.value.message
    world.admission.release(running)
    await world.admission.admit(ask(hold=60))


async def test_a_spent_budget_is_named_before_one_that_is_only_held() -> None:
    world = world_of(budget(50, id="org"), budget(30, id="key", scope="key"))
    await spend(world, 30, 30)
    await world.admission.admit(ask(caller("key-2"), hold=20))
    with pytest.raises(BudgetExhausted, match="key key-1"):
        await world.admission.admit(ask(hold=1))


async def test_a_refused_request_holds_nothing_anywhere() -> None:
    world = world_of(budget(100, id="wide"), budget(10, id="narrow", scope="key"))
    with pytest.raises(BudgetExhausted):
        await world.admission.admit(ask(hold=11))
    assert world.spent() == {("wide", ORG): (0, 0), ("narrow", "key-1"): (0, 0)}


async def test_a_request_above_the_whole_budget_is_told_so() -> None:
    world = world_of(budget(100))
    with pytest.raises(BudgetExhausted) as caught:
        await world.admission.admit(ask(hold=101))
    assert caught.value.hint is not None
    assert "alone" in caught.value.hint


async def test_the_refusal_names_the_budget_and_when_it_is_renewed() -> None:
    world = world_of(budget(2 * 10**9, name="marketing", window="month"), time_zone="Europe/Berlin")
    await spend(world, 2 * 10**9, 1_500_000_000)
    with pytest.raises(BudgetExhausted) as caught:
        await world.admission.admit(ask(hold=10**9))
    assert (caught.value.message, caught.value.hint) == (
        (
            "The month budget 'marketing' of the organisation has too little left: $1.50 of $2.00 "
            "are spent, and this request may cost $1.00."
        ),
        ("The budget has room again at 2025-07-01T00:00:00+02:00; until then, have it raised."),
    )


async def test_a_budget_for_all_time_is_never_renewed() -> None:
    world = world_of(budget(10, window="total"))
    await spend(world, 10, 10)
    world.clock.advance(3650 * DAY)
    with pytest.raises(BudgetExhausted) as caught:
        await world.admission.admit(ask(hold=1))
    assert caught.value.hint == "The budget is for all time: have it raised."


async def test_what_is_free_passes_a_spent_budget() -> None:
    world = world_of(budget(10))
    await spend(world, 10, 10)
    await spend(world, 0, 0)


async def test_a_model_without_a_price_is_refused_under_a_hard_budget_only() -> None:
    hard = world_of(budget(scope="key"))
    with pytest.raises(BudgetExhausted) as caught:
        await hard.admission.admit(ask(hold=None))
    assert caught.value.code == "model_without_price"
    soft = world_of(budget(id="soft", hard=False), budget(id="shadow", shadow=True))
    lease = await soft.admission.admit(ask(hold=None))
    await soft.admission.cover(lease, "attempt", None)
    soft.admission.settle(lease, "attempt", outcome(None))
    soft.admission.release(lease)
    assert soft.spent() == {("soft", ORG): (0, 0), ("shadow", ORG): (0, 0)}
    assert soft.admission.stats().unpriced == 1


async def test_a_cost_that_nobody_knows_is_charged_as_it_was_held() -> None:
    world = world_of(budget())
    lease = await world.admission.admit(ask(hold=50))
    await world.admission.cover(lease, "attempt", 50)
    world.admission.settle(lease, "attempt", outcome(None))
    world.admission.release(lease)
    assert world.spent() == {("budget", ORG): (50, 0)}
    assert world.admission.stats().unpriced == 1


async def test_an_attempt_at_a_target_without_a_price_is_refused_too() -> None:
    world = world_of(budget())
    lease = await world.admission.admit(ask(hold=50))
    with pytest.raises(BudgetExhausted) as caught:
        await world.admission.cover(lease, "attempt", None)
    assert caught.value.code == "model_without_price"
    world.admission.release(lease)
    assert world.spent() == {("budget", ORG): (0, 0)}


@pytest.mark.parametrize("fields", [{"hard": False}, {"shadow": True}])
async def test_a_budget_that_refuses_nothing_counts_what_went_beyond_it(
    fields: dict[str, bool],
) -> None:
    world = world_of(budget(10, **fields), budget(10, id="expected", reserve="expected", **fields))
    for _ in range(3):
        await spend(world, 8, 8)
    assert set(world.spent().values()) == {(24, 0)}
    assert [stats.would_refuse for stats in world.admission.stats().rules] == [2, 2]


async def test_a_further_attempt_reserves_again() -> None:
    world = world_of(budget(100))
    lease = await world.admission.admit(ask(hold=60))
    await world.admission.cover(lease, "first", 60)
    with pytest.raises(LimitExceeded):
        await world.admission.cover(lease, "second", 60)
    world.admission.settle(lease, "first", outcome(0, ending="refused"))
    await world.admission.cover(lease, "third", 60)
    world.admission.release(lease)
    assert world.spent() == {("budget", ORG): (0, 60)}
    world.admission.settle(lease, "third", outcome(7))
    assert world.spent() == {("budget", ORG): (7, 0)}
    assert world.admission.stats().leases == 0


async def test_a_first_attempt_at_a_cheaper_target_holds_only_its_own_worst_case() -> None:
    world = world_of(budget(100))
    lease = await world.admission.admit(ask(hold=60))
    await world.admission.cover(lease, "attempt", 20)
    assert world.spent() == {("budget", ORG): (0, 20)}
    world.admission.release(lease)
    assert world.spent() == {("budget", ORG): (0, 20)}


async def test_a_lease_that_is_never_used_gives_everything_back() -> None:
    world = world_of(budget(100))
    lease = await world.admission.admit(ask(hold=60))
    world.admission.release(lease)
    world.admission.release(lease)
    assert world.spent() == {("budget", ORG): (0, 0)}


async def test_an_expired_hold_is_charged_and_a_late_cost_corrects_it() -> None:
    world = world_of(budget(100))
    covered = await world.admission.admit(ask(hold=40))
    await world.admission.cover(covered, "attempt", 40)
    await world.admission.admit(ask(hold=30))
    released = await world.admission.admit(ask(hold=10))
    await world.admission.cover(released, "attempt", 10)
    world.admission.release(released)
    world.clock.advance(1201)
    assert world.admission.sweep() == 3
    assert world.spent() == {("budget", ORG): (50, 0)}
    world.admission.settle(covered, "attempt", outcome(15))
    world.admission.settle(covered, "attempt", outcome(15))
    world.admission.settle(covered, "unheard of", outcome(15))
    world.admission.release(covered)
    assert world.spent() == {("budget", ORG): (25, 0)}
    assert world.admission.stats().leases == 0


async def test_an_attempt_is_a_sign_of_life() -> None:
    world = world_of(budget(100))
    lease = await world.admission.admit(ask(hold=40))
    world.clock.advance(1000)
    await world.admission.cover(lease, "attempt", 40)
    world.clock.advance(1000)
    assert world.admission.sweep() == 0


async def test_a_correction_moves_the_window_that_the_attempt_was_opened_in() -> None:
    world = world_of(budget(100, id="day"), budget(100, id="key", scope="key", window="month"))
    await spend(world, 50, 50)
    opened = world.wall_ms
    scopes: dict[Scope, str] = {"org": ORG, "key": "key-1", "alias": "gpt"}
    world.admission.correct(CostChange(1, "attempt", ORG, scopes, opened, 50, 30))
    assert world.spent() == {("day", ORG): (30, 0), ("key", "key-1"): (30, 0)}
    world.clock.advance(DAY)
    world.admission.standings(ORG)
    world.admission.correct(CostChange(2, "attempt", ORG, scopes, opened, 30, 35))
    assert world.spent() == {("day", ORG): (0, 0), ("key", "key-1"): (35, 0)}


async def test_a_cost_belongs_to_the_window_in_which_it_was_held() -> None:
    world = world_of(budget(100))
    old = await world.admission.admit(ask(hold=60))
    await world.admission.cover(old, "attempt", 60)
    world.clock.advance(DAY)
    await spend(world, 100, 100)
    world.admission.settle(old, "attempt", outcome(60))
    assert world.spent() == {("budget", ORG): (100, 0)}


async def test_a_hold_that_crosses_midnight_before_its_attempt_moves_to_the_new_day() -> None:
    world = world_of(budget(100))
    lease = await world.admission.admit(ask(hold=60))
    world.clock.advance(DAY)
    await world.admission.cover(lease, "attempt", 60)
    assert world.spent() == {("budget", ORG): (0, 60)}
    world.admission.settle(lease, "attempt", outcome(50))
    assert world.spent() == {("budget", ORG): (50, 0)}


async def test_a_window_does_not_go_back_with_the_clock() -> None:
    world = world_of(budget(100))
    await spend(world, 100, 100)
    world.clock.step(DAY)
    await spend(world, 70, 70)
    world.clock.step(-2 * DAY)
    assert world.spent() == {("budget", ORG): (70, 0)}
    with pytest.raises(BudgetExhausted):
        await world.admission.admit(ask(hold=31))
    lease = await world.admission.admit(ask(hold=30))
    await world.admission.cover(lease, "attempt", 30)
    world.admission.settle(lease, "attempt", outcome(30))
    assert world.spent() == {("budget", ORG): (100, 0)}


async def test_money_leaves_a_rolling_window_after_its_length_and_one_slice_at_most() -> None:
    world = world_of(budget(100, window="rolling", rolling_seconds=24 * 3600))
    world.clock.advance(3600 - world.clock.now() % 3600)
    await spend(world, 60, 60)
    world.clock.advance(12 * 3600)
    await spend(world, 40, 40)
    world.clock.advance(12 * 3600 - 1)
    with pytest.raises(BudgetExhausted) as caught:
        await world.admission.admit(ask(hold=1))
    assert caught.value.hint is not None
    assert "room again at" in caught.value.hint
    world.clock.advance(3601)
    await spend(world, 60, 60)
    assert world.spent() == {("budget", ORG): (100, 0)}


async def test_a_budget_on_expected_costs_lets_more_run_and_states_how_wrong_it_can_be() -> None:
    world = world_of(budget(10_000, reserve="expected", overshoot_nano=2_000))
    for _ in range(25):
        await spend(world, 400, 20)
    spent = world.spent()["budget", ORG][0]
    assert spent == 500
    # As many worst cases as the amount and the stated overshoot have room for.
    fitting = (10_000 + 2_000 - 500) // 400
    running = [await world.admission.admit(ask(hold=400)) for _ in range(fitting)]
    with pytest.raises(LimitExceeded) as caught:
        await world.admission.admit(ask(hold=400))
    assert caught.value.code == "budget_held"
    for number, lease in enumerate(running):
        await world.admission.cover(lease, f"attempt-{number}", 400)
        world.admission.settle(lease, f"attempt-{number}", outcome(400))
        world.admission.release(lease)
    assert world.spent() == {("budget", ORG): (500 + 28 * 400, 0)}
    with pytest.raises(BudgetExhausted):
        await world.admission.admit(ask(hold=400))


async def test_an_expected_budget_without_learning_holds_the_worst_case() -> None:
    world = world_of(budget(100, reserve="expected", overshoot_nano=1000))
    await world.admission.admit(ask(hold=60))
    with pytest.raises(LimitExceeded):
        await world.admission.admit(ask(hold=60))


@pytest.mark.parametrize("seed", range(5))
async def test_in_whatever_order_attempts_settle_the_amount_is_never_passed(seed: int) -> None:
    chance = random.Random(seed)
    world = world_of(budget(1_000), budget(400, id="key", scope="key"))
    running: list[tuple[InProcessLease, str, int]] = []
    total = 0
    for number in itertools.count():
        if number < 300 and (not running or chance.random() < 0.6):
            hold = chance.randrange(1, 60)
            try:
                lease = await world.admission.admit(
                    ask(caller(f"key-{chance.randrange(3)}"), hold=hold)
                )
            except (LimitExceeded, BudgetExhausted):
                continue
            await world.admission.cover(lease, str(number), hold)
            running.append((lease, str(number), hold))
        elif running:
            lease, attempt, hold = running.pop(chance.randrange(len(running)))
            cost = chance.randrange(hold + 1)
            total += cost
            release_first = chance.random() < 0.5
            if release_first:
                world.admission.release(lease)
            world.admission.settle(lease, attempt, outcome(cost))
            if not release_first:
                world.admission.release(lease)
        else:
            break
        for (rule, _), (spent, held) in world.spent().items():
            assert spent + held <= {"budget": 1_000, "key": 400}[rule]
    assert world.spent()["budget", ORG] == (total, 0)
    assert world.admission.stats().leases == 0
