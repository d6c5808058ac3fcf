"""The edges of each algorithm, as a caller meets them."""

import pytest
from tests.limits.world import ORG, World, ask, caller, outcome

from trunkline.errors import LimitExceeded
from trunkline.gateway.ports import Allowance
from trunkline.limits.rules import Algorithm, LimitRule, OrgRules, Scope


def rule(**fields: object) -> OrgRules:
    values: dict[str, object] = {"scope": "key", "counts": "requests", "amount": 60}
    return OrgRules((LimitRule("rule", ORG, **(values | fields)),))  # type: ignore[arg-type] # Each test names the fields it is about.


async def admitted(world: World, times: int, tokens: tuple[int, int] = (0, 0)) -> int:
    """How many of so many requests in a row pass."""
    passed = 0
    for _ in range(times):
        try:
            await world.admission.admit(ask(tokens=tokens))
        except LimitExceeded:
            continue
        passed += 1
    return passed


async def refusal(world: World, tokens: tuple[int, int] = (0, 0)) -> LimitExceeded:
    with pytest.raises(LimitExceeded) as caught:
        await world.admission.admit(ask(tokens=tokens))
    return caught.value


async def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    world = World(rule(amount=60, per_seconds=60, burst=5))
    assert await admitted(world, 10) == 5
    world.clock.advance(0.5)
    assert await admitted(world, 10) == 0
    world.clock.advance(0.5)
    assert await admitted(world, 10) == 1
    world.clock.advance(3600)
    assert await admitted(world, 10) == 5


async def test_a_sliding_window_returns_capacity_a_twentieth_late_at_most() -> None:
    world = World(rule(amount=3, per_seconds=20, algorithm="sliding_window"))
    assert await admitted(world, 2) == 2
    world.clock.advance(10)
    assert await admitted(world, 2) == 1
    world.clock.advance(9.5)
    assert await admitted(world, 1) == 0
    world.clock.advance(1.5)
    assert await admitted(world, 5) == 2


async def test_a_sliding_window_returns_nothing_early() -> None:
    world = World(rule(amount=1, per_seconds=20, algorithm="sliding_window"))
    world.clock.advance(0.75)
    assert await admitted(world, 1) == 1
    world.clock.advance(19.75)
    assert await admitted(world, 1) == 0
    world.clock.advance(0.5)
    assert await admitted(world, 1) == 1


async def test_a_fixed_window_starts_again_at_the_full_minute() -> None:
    world = World(rule(amount=3, per_seconds=60, algorithm="fixed_window"))
    world.clock.advance(60 - world.clock.now() % 60)
    assert await admitted(world, 4) == 3
    world.clock.advance(59.5)
    assert await admitted(world, 1) == 0
    world.clock.advance(0.5)
    assert await admitted(world, 4) == 3


@pytest.mark.parametrize("algorithm", ["token_bucket", "sliding_window", "fixed_window"])
async def test_waiting_as_told_is_enough_and_half_of_it_is_not(algorithm: Algorithm) -> None:
    world = World(rule(amount=4, per_seconds=60, algorithm=algorithm))
    assert await admitted(world, 4) == 4
    told = (await refusal(world)).retry_after
    assert told is not None
    assert 0 < told <= 63
    world.clock.advance(told / 2)
    assert await admitted(world, 1) == 0
    world.clock.advance(told / 2 + 0.001)
    assert await admitted(world, 1) == 1


@pytest.mark.parametrize("algorithm", ["token_bucket", "sliding_window", "fixed_window"])
async def test_a_refused_request_takes_nothing(algorithm: Algorithm) -> None:
    world = World(rule(amount=2, per_seconds=60, algorithm=algorithm))
    assert await admitted(world, 50) == 2
    world.clock.advance(63)
    assert await admitted(world, 50) == 2


@pytest.mark.parametrize("algorithm", ["token_bucket", "sliding_window", "fixed_window"])
async def test_a_clock_that_steps_moves_no_rate(algorithm: Algorithm) -> None:
    world = World(rule(amount=2, per_seconds=60, algorithm=algorithm))
    assert await admitted(world, 3) == 2
    world.clock.step(86_400)
    assert await admitted(world, 1) == 0
    world.clock.step(-172_800)
    world.clock.advance(63)
    assert await admitted(world, 3) == 2


@pytest.mark.parametrize("algorithm", ["token_bucket", "sliding_window", "fixed_window"])
async def test_unused_tokens_come_back_and_used_ones_stay(algorithm: Algorithm) -> None:
    world = World(rule(counts="tokens", amount=1000, per_seconds=60, algorithm=algorithm))
    lease = await world.admission.admit(ask(tokens=(600, 300)))
    assert (await refusal(world, (101, 0))).code == "token_limit_exceeded"
    await world.admission.cover(lease, "attempt", 0)
    world.admission.settle(lease, "attempt", outcome(tokens=(150, 50)))
    world.admission.release(lease)
    assert lease.allowances[0].remaining == 800
    await refusal(world, (801, 0))
    await world.admission.admit(ask(tokens=(800, 0)))


@pytest.mark.parametrize("algorithm", ["token_bucket", "sliding_window", "fixed_window"])
async def test_use_above_the_reservation_blocks_later_requests(algorithm: Algorithm) -> None:
    world = World(rule(counts="tokens", amount=1000, per_seconds=60, algorithm=algorithm))
    world.clock.advance(60 - world.clock.now() % 60)
    lease = await world.admission.admit(ask(tokens=(100, 0)))
    await world.admission.cover(lease, "attempt", 0)
    world.admission.settle(lease, "attempt", outcome(tokens=(100, 1000)))
    world.admission.release(lease)
    await refusal(world, (1, 0))
    assert lease.allowances[0].remaining == 0
    world.clock.advance(63)
    await world.admission.admit(ask(tokens=(900, 0)))


@pytest.mark.parametrize("algorithm", ["token_bucket", "sliding_window", "fixed_window"])
async def test_tokens_given_back_after_their_window_do_not_enlarge_the_next(
    algorithm: Algorithm,
) -> None:
    world = World(rule(counts="tokens", amount=1000, per_seconds=60, algorithm=algorithm))
    lease = await world.admission.admit(ask(tokens=(1000, 0)))
    world.clock.advance(600)
    await world.admission.admit(ask(tokens=(500, 0)))
    world.admission.release(lease)
    await refusal(world, (501, 0))
    await world.admission.admit(ask(tokens=(500, 0)))


@pytest.mark.parametrize("algorithm", ["token_bucket", "sliding_window", "fixed_window"])
async def test_a_request_above_the_whole_limit_passes_only_an_untouched_one(
    algorithm: Algorithm,
) -> None:
    world = World(rule(counts="tokens", amount=1000, per_seconds=60, algorithm=algorithm))
    world.clock.advance(60 - world.clock.now() % 60)
    first = await world.admission.admit(ask(tokens=(5000, 0)))
    told = (await refusal(world, (5000, 0))).retry_after
    assert told
    world.admission.release(first)
    small = await world.admission.admit(ask(tokens=(1, 0)))
    await refusal(world, (5000, 0))
    world.admission.release(small)
    world.clock.advance(63)
    await world.admission.admit(ask(tokens=(5000, 0)))


async def test_an_output_bound_that_nobody_reaches_is_not_reserved() -> None:
    world = World(rule(counts="tokens", amount=10_000, per_seconds=60))
    assert await admitted(world, 20, (100, 1_000_000)) == 9


async def test_places_come_back_with_the_release_and_only_once() -> None:
    world = World(rule(counts="concurrency", amount=2))
    first = await world.admission.admit(ask())
    await world.admission.admit(ask())
    refused = await refusal(world)
    assert (refused.code, refused.retry_after, refused.should_retry) == (
        "concurrency_limit_exceeded",
        None,
        True,
    )
    world.admission.release(first)
    world.admission.release(first)
    assert await admitted(world, 3) == 1


async def test_the_place_of_a_lost_lease_comes_back_when_it_expires() -> None:
    world = World(rule(counts="concurrency", amount=1))
    lost = await world.admission.admit(ask())
    world.clock.advance(1200)
    assert world.admission.sweep() == 0
    world.clock.advance(0.001)
    assert world.admission.sweep() == 1
    assert await admitted(world, 2) == 1
    world.admission.release(lost)
    assert await admitted(world, 1) == 0
    assert world.admission.stats().expired == 1


async def test_all_levels_are_taken_or_none() -> None:
    scopes: tuple[Scope, ...] = ("org", "team", "user", "key")
    limits = [LimitRule(s, ORG, s, "requests", 10, per_seconds=3600) for s in scopes]
    limits.append(LimitRule("alias", ORG, "alias", "requests", 3, per_seconds=3600))
    world = World(OrgRules(tuple(limits)))
    assert await admitted(world, 8) == 3
    passed = 0
    for _ in range(20):
        try:
            await world.admission.admit(ask(alias=f"other-{passed}"))
        except LimitExceeded:
            break
        passed += 1
    assert passed == 7


async def test_each_instance_of_a_scope_counts_apart_and_a_named_one_alone() -> None:
    each = LimitRule("each", ORG, "key", "requests", 2)
    named = LimitRule("named", ORG, "team", "requests", 1, scope_id="team-2")
    world = World(OrgRules((each, named)))
    passed: dict[str, int] = {}
    for key, team in (("k1", "team-1"), ("k2", "team-2"), ("k3", None)):
        for _ in range(3):
            try:
                await world.admission.admit(ask(caller(key, team=team)))
            except LimitExceeded:
                continue
            passed[key] = passed.get(key, 0) + 1
    assert passed == {"k1": 2, "k2": 1, "k3": 2}


async def test_a_shadow_limit_counts_what_it_would_refuse_and_refuses_nothing() -> None:
    shadow = LimitRule("shadow", ORG, "key", "concurrency", 1, shadow=True)
    world = World(OrgRules((shadow,)))
    leases = [await world.admission.admit(ask()) for _ in range(3)]
    (stats,) = world.admission.stats().rules
    assert (stats.rule_id, stats.refused, stats.would_refuse) == ("shadow", 0, 2)
    for lease in reversed(leases):
        world.admission.release(lease)
    await world.admission.admit(ask())
    (stats,) = world.admission.stats().rules
    assert stats.would_refuse == 2


async def test_the_tightest_limit_of_each_kind_is_shown() -> None:
    limits = (
        LimitRule("r1", ORG, "org", "requests", 100, algorithm="fixed_window"),
        LimitRule("r2", ORG, "key", "requests", 10, per_seconds=100),
        LimitRule("r3", ORG, "user", "requests", 1, shadow=True),
        LimitRule("t1", ORG, "key", "tokens", 1000, algorithm="sliding_window"),
        LimitRule("c1", ORG, "key", "concurrency", 5),
    )
    world = World(OrgRules(limits))
    lease = await world.admission.admit(ask(tokens=(200, 0)))
    requests, tokens = lease.allowances
    assert requests == Allowance("requests", 10, 9, 10_000)
    assert (tokens.kind, tokens.limit, tokens.remaining) == ("tokens", 1000, 800)
    assert 57_000 <= tokens.reset_ms <= 63_000


async def test_a_lease_shows_the_limit_that_let_it_in() -> None:
    world = World(OrgRules((LimitRule("r", ORG, "key", "requests", 10),)))
    before = await world.admission.admit(ask())
    world.admission.load(ORG, OrgRules((LimitRule("r", ORG, "key", "requests", 20),)))
    after = await world.admission.admit(ask())
    limits = [lease.allowances[0].limit for lease in (before, after, before)]
    assert limits == [10, 20, 10]


async def test_without_limits_there_are_no_allowances() -> None:
    world = World(OrgRules())
    assert (await world.admission.admit(ask())).allowances == ()


async def test_the_refusal_names_the_limit_that_lasts_longest() -> None:
    minute = LimitRule("minute", ORG, "key", "requests", 1, per_seconds=60)
    hour = LimitRule("hour", ORG, "org", "requests", 1, per_seconds=3600)
    world = World(OrgRules((minute, hour)))
    await world.admission.admit(ask())
    refused = await refusal(world)
    assert (refused.message, refused.retry_after) == (
        (
            "The limit of 1 requests per 3600 s for the organisation is reached: 1 of 1 are taken; "
            "there is room again in 3600 s."
        ),
        3600.0,
    )
