"""Requests per day by tier, in the organisation's time zone."""

import asyncio
from datetime import datetime

import pytest
from tests.limits.world import ORG, World, ask, caller

from trunkline.errors import LimitExceeded
from trunkline.limits.rules import OrgRules, Scope, Tier


async def admitted(world: World, tier: str | None, times: int, key: str = "key-1") -> int:
    answers = await asyncio.gather(
        *(world.admission.admit(ask(caller(key, tier=tier))) for _ in range(times)),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(error, LimitExceeded) for error in refused)
    return times - len(refused)


async def test_of_a_thousand_calls_at_once_a_quota_of_500_admits_exactly_500() -> None:
    assert await admitted(World(OrgRules()), "pro", 1000) == 500


async def test_the_refusal_says_when_the_day_ends_and_how_to_get_more() -> None:
    world = World(OrgRules(), time_zone="Europe/Berlin")
    assert await admitted(world, "free", 10) == 10
    with pytest.raises(LimitExceeded) as caught:
        await world.admission.admit(ask(caller(tier="free")))
    error = caught.value
    midnight = datetime.fromisoformat("2025-06-16T00:00:00+02:00").timestamp()
    assert (error.code, error.retry_after, error.should_retry, error.hint) == (
        "quota_exceeded",
        midnight - world.clock.now(),
        False,
        "The pro tier allows 500 requests a day; ask your administrator for it.",
    )
    assert error.message == (
        "The free tier allows 10 requests a day for the organisation, and 10 were made today; the "
        f"next day begins in {midnight - world.clock.now():.0f} s."
    )


@pytest.mark.parametrize(
    ("noon", "hours"),
    [("2026-03-28T12:00:00+01:00", 35), ("2026-10-24T12:00:00+02:00", 37)],
)
async def test_a_day_on_which_clocks_change_has_its_own_length(noon: str, hours: int) -> None:
    world = World(OrgRules(), time_zone="Europe/Berlin")
    world.clock.advance(datetime.fromisoformat(noon).timestamp() - world.clock.now())
    assert await admitted(world, "free", 20) == 10
    world.clock.advance(12 * 3600)
    assert await admitted(world, "free", 20) == 10
    world.clock.advance((hours - 12) * 3600 - 1)
    assert await admitted(world, "free", 20) == 0
    world.clock.advance(1)
    assert await admitted(world, "free", 20) == 10


async def test_a_day_does_not_come_back_with_the_clock() -> None:
    world = World(OrgRules())
    assert await admitted(world, "free", 20) == 10
    world.clock.step(86_400)
    assert await admitted(world, "free", 4) == 4
    world.clock.step(-86_400)
    assert await admitted(world, "free", 20) == 6


async def test_an_upgrade_counts_what_was_used_before() -> None:
    world = World(OrgRules())
    assert await admitted(world, "free", 20) == 10
    assert await admitted(world, "pro", 600) == 490


async def test_requests_without_a_tier_count_for_those_with_one() -> None:
    world = World(OrgRules())
    assert await admitted(world, None, 5, "key-2") == 5
    assert await admitted(world, "free", 2) == 2
    assert await admitted(world, None, 20, "key-2") == 20
    assert await admitted(world, "free", 1) == 0
    assert await admitted(world, None, 1, "key-2") == 1


@pytest.mark.parametrize(("scope", "passed"), [("org", 3), ("user", 3), ("key", 6), ("team", 3)])
async def test_a_tier_may_count_a_narrower_scope(scope: Scope, passed: int) -> None:
    world = World(OrgRules(tiers=(Tier("small", 3, "", scope=scope),)))
    total = sum([await admitted(world, "small", 5, key) for key in ("key-1", "key-2")])
    assert total == passed


async def test_an_unknown_tier_is_taken_for_the_smallest() -> None:
    assert await admitted(World(OrgRules()), "platinum", 20) == 10
    assert await admitted(World(OrgRules(tiers=())), "platinum", 20) == 20


async def test_what_the_ledger_counted_before_the_start_is_part_of_the_day() -> None:
    world = World(OrgRules())
    for at in (world.wall_ms - 86_400_000, *[world.wall_ms - 1000] * 7):
        world.ledger.add("org", ORG, at, 0)
    assert await admitted(world, "free", 20) == 3


async def test_a_dead_ledger_lets_a_quota_start_from_zero_until_it_answers() -> None:
    world = World(OrgRules())
    for _ in range(7):
        world.ledger.add("org", ORG, world.wall_ms, 0)
    world.ledger.dead = True
    assert await admitted(world, "free", 5) == 5
    assert (world.ledger.questions, world.admission.stats().ledger_failures) == (1, 1)
    world.ledger.dead = False
    world.clock.advance(1)
    assert await admitted(world, "free", 1) == 1
    assert world.ledger.questions == 1
    world.clock.advance(1)
    assert await admitted(world, "free", 20) == 3
    assert world.ledger.questions == 2


async def test_the_quota_is_the_tightest_limit_where_it_is() -> None:
    world = World(OrgRules())
    lease = await world.admission.admit(ask(caller(tier="free")))
    (allowance,) = lease.allowances
    assert (allowance.kind, allowance.limit, allowance.remaining) == ("requests", 10, 9)
    assert 0 < allowance.reset_ms <= 86_400_000
    untiered = await world.admission.admit(ask(caller("key-2")))
    assert untiered.allowances == ()
