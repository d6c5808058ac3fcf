"""A counter that is missing is unknown, not zero; and rules may change while requests run."""

import asyncio
import itertools
from typing import Any

import pytest
from tests.limits.world import ORG, World, ask, caller, outcome

from trunkline.errors import BudgetExhausted, LimitExceeded, Unavailable
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import Ask
from trunkline.limits.rules import BudgetRule, LimitRule, OrgRules, Tier

HOUR_MS = 3_600_000


def budgets(*rules: dict[str, Any]) -> OrgRules:
    base: dict[str, Any] = {"org_id": ORG, "amount_nano": 100, "window": "day"}
    return OrgRules(budgets=tuple(BudgetRule(**(base | rule)) for rule in rules))


async def settled(world: World, cost: int, who: Caller | None = None) -> None:
    lease = await world.admission.admit(ask(who, hold=cost))
    await world.admission.cover(lease, "attempt", cost)
    world.admission.settle(lease, "attempt", outcome(cost))
    world.admission.release(lease)


async def test_budgets_that_name_their_instance_are_known_before_the_first_request() -> None:
    world = World(
        budgets(
            {"id": "org", "scope": "org"},
            {"id": "one", "scope": "key", "scope_id": "key-1"},
            {"id": "each", "scope": "key"},
        )
    )
    world.ledger.add("org", ORG, world.wall_ms, 70)
    world.ledger.add("key", "key-1", world.wall_ms, 30)
    world.ledger.add("key", "key-1", world.wall_ms - 48 * HOUR_MS, 5)
    await world.admission.rebuild()
    assert world.spent() == {("org", ORG): (70, 0), ("one", "key-1"): (30, 0)}
    asked = world.ledger.questions
    with pytest.raises(BudgetExhausted):
        await world.admission.admit(ask(hold=31))
    assert world.ledger.questions == asked + 1


async def test_the_first_request_of_an_instance_asks_once_for_all_who_wait() -> None:
    world = World(budgets({"id": "each", "scope": "key"}))
    world.ledger.add("key", "key-1", world.wall_ms, 60)
    world.ledger.gate.clear()
    waiting = [asyncio.create_task(world.admission.admit(ask(hold=20))) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    world.ledger.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    kinds = [type(answer).__name__ for answer in answers]
    assert kinds == ["CancelledError", *["InProcessLease"] * 2, *["LimitExceeded"] * 2]
    assert (world.ledger.questions, world.spent()) == (1, {("each", "key-1"): (60, 40)})


async def test_a_dead_ledger_closes_a_hard_budget_and_only_that() -> None:
    world = World(budgets({"id": "hard", "scope": "key", "scope_id": "key-1"}))
    world.ledger.dead = True
    await world.admission.rebuild()
    with pytest.raises(Unavailable) as caught:
        await world.admission.admit(ask(hold=1))
    assert (caught.value.code, caught.value.retry_after) == ("budget_unknown", 2.0)
    await world.admission.admit(ask(caller("key-2"), hold=1))
    world.ledger.dead = False
    world.clock.advance(2)
    await world.admission.admit(ask(hold=1))
    assert world.admission.stats().ledger_failures == 1


async def test_a_frozen_ledger_closes_a_hard_budget_within_the_timeout() -> None:
    world = World(budgets({"id": "hard", "scope": "org"}))
    world.ledger.gate.clear()
    with pytest.raises(Unavailable):
        await world.admission.admit(ask(hold=1))
    await world.admission.close()


async def test_closing_ends_a_question_that_still_runs() -> None:
    world = World(budgets({"id": "hard", "scope": "org"}))
    world.ledger.gate.clear()
    waiting = asyncio.create_task(world.admission.admit(ask(hold=1)))
    await asyncio.sleep(0)
    await world.admission.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_budget_that_refuses_nothing_goes_on_from_zero_until_the_ledger_answers() -> None:
    world = World(
        budgets(
            {"id": "soft", "scope": "org", "hard": False},
            {
                "id": "rolling",
                "scope": "org",
                "hard": False,
                "window": "rolling",
                "rolling_seconds": 86_400,
            },
        )
    )
    world.ledger.dead = True
    await settled(world, 30)
    assert world.spent() == {("soft", ORG): (30, 0), ("rolling", ORG): (30, 0)}
    world.ledger.dead = False
    world.ledger.add("org", ORG, world.wall_ms - HOUR_MS, 50)
    world.ledger.add("org", ORG, world.wall_ms, 30)
    world.clock.advance(2)
    await settled(world, 1)
    assert world.spent() == {("soft", ORG): (81, 0), ("rolling", ORG): (81, 0)}


async def test_a_rolling_budget_is_rebuilt_slice_by_slice() -> None:
    rule = {"id": "r", "scope": "org", "window": "rolling", "rolling_seconds": 86_400}
    world = World(budgets(rule))
    world.ledger.add("org", ORG, world.wall_ms - 20 * HOUR_MS, 60)
    world.ledger.add("org", ORG, world.wall_ms - 2 * HOUR_MS, 40)
    world.ledger.add("org", ORG, world.wall_ms - 30 * HOUR_MS, 500)
    await world.admission.rebuild()
    with pytest.raises(BudgetExhausted):
        await world.admission.admit(ask(hold=1))
    world.clock.advance(6 * 3600)
    await settled(world, 60)
    assert world.spent() == {("r", ORG): (100, 0)}


async def test_a_new_window_does_not_ask_the_ledger() -> None:
    world = World(budgets({"id": "day", "scope": "org"}))
    await settled(world, 100)
    asked = world.ledger.questions
    world.clock.advance(86_400)
    await settled(world, 100)
    assert world.ledger.questions == asked


async def test_requests_of_an_organisation_without_rules_are_refused() -> None:
    world = World(OrgRules())
    stranger = Ask("r", Caller("org-2", "key-9"), "gpt", 0, 0, 0)
    with pytest.raises(Unavailable) as caught:
        await world.admission.admit(stranger)
    assert caught.value.code == "limits_not_loaded"
    world.admission.load("org-2", OrgRules())
    await world.admission.admit(stranger)
    world.admission.unload("org-2")
    world.admission.unload("org-2")
    with pytest.raises(Unavailable):
        await world.admission.admit(stranger)


async def test_an_edited_rule_keeps_what_was_used() -> None:
    limits = (
        LimitRule("bucket", ORG, "key", "requests", 4, per_seconds=3600),
        LimitRule("window", ORG, "org", "requests", 90, algorithm="sliding_window"),
        LimitRule("places", ORG, "user", "concurrency", 90),
    )
    world = World(OrgRules(limits, budgets({"id": "b", "scope": "org"}).budgets))
    leases = [await world.admission.admit(ask(hold=10)) for _ in range(3)]
    edited = (
        LimitRule("bucket", ORG, "key", "requests", 6, per_seconds=3600),
        LimitRule("window", ORG, "org", "requests", 5, algorithm="sliding_window"),
        LimitRule("places", ORG, "user", "concurrency", 4),
    )
    raised = budgets({"id": "b", "scope": "org", "amount_nano": 40}).budgets
    world.admission.load(ORG, OrgRules(edited, raised))
    await world.admission.admit(ask(hold=10))
    with pytest.raises(LimitExceeded) as caught:
        await world.admission.admit(ask())
    assert caught.value.code == "concurrency_limit_exceeded"
    for lease in leases:
        world.admission.release(lease)
    await world.admission.admit(ask())
    with pytest.raises(LimitExceeded, match="per 60 s"):
        await world.admission.admit(ask())
    assert world.spent() == {("b", ORG): (0, 10)}


async def test_a_rule_of_another_shape_starts_anew_and_a_budget_asks_again() -> None:
    first = OrgRules(
        (LimitRule("l", ORG, "key", "requests", 1, per_seconds=60),),
        budgets({"id": "b", "scope": "org"}, {"id": "gone", "scope": "key"}).budgets,
    )
    world = World(first)
    await settled(world, 100)
    second = OrgRules(
        (LimitRule("l", ORG, "key", "requests", 1, per_seconds=30),),
        budgets({"id": "b", "scope": "org", "window": "month"}).budgets,
    )
    world.ledger.add("org", ORG, world.wall_ms, 90)
    world.admission.load(ORG, second)
    await settled(world, 10)
    assert world.spent() == {("b", ORG): (100, 0)}
    world.admission.load(ORG, OrgRules())
    assert (world.spent(), world.admission.stats().rules) == ({}, ())


async def test_another_time_zone_moves_the_days_and_asks_the_ledger_again() -> None:
    rules = OrgRules(
        budgets=budgets(
            {"id": "follows", "scope": "org"},
            {"id": "own", "scope": "org", "time_zone": "UTC"},
        ).budgets,
        tiers=(Tier("small", 3, ""),),
    )
    world = World(rules)
    who = caller(tier="small")
    await settled(world, 10, who)
    world.ledger.add("org", ORG, world.wall_ms, 10)
    asked = world.ledger.questions
    world.admission.load(ORG, rules, "Pacific/Kiritimati")
    await settled(world, 10, who)
    assert world.ledger.questions == asked + 2
    assert world.spent() == {("own", ORG): (20, 0), ("follows", ORG): (20, 0)}
    resets = {row.rule_id: row.resets_ms for row in world.admission.standings(ORG)}
    assert resets["follows"] != resets["own"]


async def test_rules_swapped_while_the_ledger_answers_are_the_ones_that_apply() -> None:
    world = World(budgets({"id": "old", "scope": "org"}))
    world.ledger.gate.clear()
    waiting = asyncio.create_task(world.admission.admit(ask(hold=50)))
    await asyncio.sleep(0)
    world.admission.load(ORG, budgets({"id": "new", "scope": "org", "amount_nano": 10}))
    world.ledger.gate.set()
    with pytest.raises(BudgetExhausted):
        await waiting
    assert world.spent() == {("new", ORG): (0, 0)}


async def test_a_lease_settles_under_the_rules_it_was_admitted_by() -> None:
    world = World(budgets({"id": "old", "scope": "org"}))
    lease = await world.admission.admit(ask(hold=50))
    world.admission.load(ORG, budgets({"id": "new", "scope": "org"}))
    await world.admission.cover(lease, "attempt", 50)
    world.admission.settle(lease, "attempt", outcome(50))
    world.admission.release(lease)
    await settled(world, 1)
    assert world.spent() == {("new", ORG): (1, 0)}


async def test_a_caller_who_moves_to_another_team_meets_its_limits() -> None:
    world = World(OrgRules((LimitRule("l", ORG, "team", "requests", 1),)))
    await world.admission.admit(ask(caller(team="team-1")))
    with pytest.raises(LimitExceeded):
        await world.admission.admit(ask(caller(team="team-1")))
    await world.admission.admit(ask(caller(team="team-2")))


async def test_counters_pushed_out_of_the_cache_keep_their_use_until_it_means_nothing() -> None:
    limits = tuple(
        LimitRule(f"{counts}-{algorithm}", ORG, "key", counts, 2, algorithm=algorithm)  # type: ignore[arg-type] # The literals are those of the rule.
        for counts, algorithm in itertools.product(
            ("requests", "tokens"), ("token_bucket", "sliding_window", "fixed_window")
        )
    )
    world = World(
        OrgRules(limits, budgets({"id": "b", "scope": "key"}).budgets, (Tier("t", 2, "", "key"),)),
        plans=2,
    )
    keys = [caller(f"key-{number}", tier="t") for number in range(6)]
    for key in keys:
        for _ in range(2):
            await settled(world, 10, key)
    assert world.admission.stats().plans == 2
    world.admission.sweep()
    for key in keys:
        with pytest.raises(LimitExceeded):
            await world.admission.admit(ask(key, hold=10))
    asked = world.ledger.questions
    world.clock.advance(61)
    world.admission.sweep()
    # The ledger remembers the money, so that a forgotten counter comes back as it was.
    for key in keys[:4]:
        world.ledger.add("key", key.key_id, world.wall_ms, 20)
    assert set(world.spent()) == {("b", key.key_id) for key in keys[4:]}
    with pytest.raises(LimitExceeded):
        await world.admission.admit(ask(keys[0], hold=10))
    assert world.ledger.questions == asked + 1
    assert world.spent()["b", "key-0"] == (20, 0)


async def test_the_sweep_runs_for_ever_until_it_is_cancelled() -> None:
    world = World(OrgRules((LimitRule("l", ORG, "key", "concurrency", 1),)))
    await world.admission.admit(ask())
    world.clock.advance(1201)
    sweeping = asyncio.create_task(world.admission.keep_swept(0.001))
    async with asyncio.timeout(20):
        while world.admission.stats().leases:  # noqa: ASYNC110 - the sweep has no event to wait for.
            await asyncio.sleep(0.001)
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping
