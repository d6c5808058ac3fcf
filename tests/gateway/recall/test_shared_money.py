"""What shared answers cost, and repeats by Idempotency-Key beside them."""

import asyncio

import pytest
from tests.gateway.http import CHAT, RawClient, chat, post
from tests.gateway.recall.stage import HEAD, Stage, ended, said, stage, whole
from tests.gateway.recall.test_given_again import text_of
from tests.gateway.rig import Rig, running
from tests.gateway.test_same_keys import KeptRepeats
from tests.gateway.transport.hostile import until

from trunkline.errors import BudgetExhausted, Unavailable
from trunkline.gateway.metering.event import Outcome
from trunkline.gateway.policy import CachePolicy
from trunkline.gateway.snapshot import Alias, Target
from trunkline.simulator.server import Simulator

FULL = CachePolicy(enabled=True, charge="full")


def unpriced(provider: Stage, simulator: Simulator, policy: CachePolicy) -> Alias:
    """A model whose price nobody knows."""
    alias = provider.alias(simulator, cache=policy)
    [target] = alias.targets
    return Alias("m", (Target(target.connection, "m", None),), cache=policy, route=alias.route)


def costs(rig: Rig) -> list[tuple[str, int | None]]:
    """Of each row: its provider and its cost."""
    return [(attempt.provider, outcome.cost_nano) for attempt, outcome in rig.recorded.outcomes]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_followers_pay_what_the_answer_cost_where_policy_says_so(
    simulator: Simulator, *, stream: bool
) -> None:
    async with stage() as provider:
        alias = provider.alias(simulator, cache=FULL)
        async with running(simulator, extra=[alias]) as rig:
            body = chat("m", stream=stream)
            async with asyncio.TaskGroup() as tasks:
                asked = [tasks.create_task(post(rig, CHAT, body)) for _ in range(3)]
                peer = await provider.next()
                await until(lambda: rig.recall.stats().followers == 2)
                await peer.say(HEAD + said("Hello.") + ended() if stream else whole())
            answers = [task.result() for task in asked]
            await rig.observed.wait_for(3)
    assert len({answer.content for answer in answers}) == 1
    [(made, cost), *charged] = costs(rig)
    assert (made, charged) == ("simulator", [("cache", cost), ("cache", cost)])
    assert cost
    ids = [attempt.id for attempt, _ in rig.recorded.outcomes]
    assert sorted(rig.admitted.covered) == sorted(rig.admitted.settled) == sorted(ids)
    assert [rig.admitted.covered[one] for one in ids[1:]] == [cost, cost]
    assert [event.saved_nano for event in rig.observed.events] == [0, 0, 0]
    assert sorted(len(event.attempts) for event in rig.observed.events) == [1, 1, 1]
    assert rig.recall.stats().counts.saved_nano == 0


async def test_a_caller_who_cannot_pay_gets_no_kept_answer(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(whole()) as provider:
        alias = provider.alias(simulator, cache=FULL)
        async with running(simulator, extra=[alias]) as rig:
            await post(rig, CHAT, chat("m"))

            async def refuse(*_: object) -> None:
                raise BudgetExhausted("Nothing is left.", code="budget_exhausted")

            monkeypatch.setattr(rig.admitted, "cover", refuse)
            refused = await post(rig, CHAT, chat("m"))
            await rig.observed.wait_for(2)
    assert refused.status_code == 402
    assert "Hello." not in refused.text
    assert (len(rig.recorded.outcomes), provider.asked) == (1, 1)


async def test_a_charge_that_cannot_be_written_down_is_none(simulator: Simulator) -> None:
    async with stage(whole()) as provider:
        alias = provider.alias(simulator, cache=FULL)
        async with running(simulator, extra=[alias]) as rig:
            await post(rig, CHAT, chat("m"))
            rig.recorded.broken = Unavailable("The disk is full.", code="journal_unavailable")
            refused = await post(rig, CHAT, chat("m"))
            await rig.observed.wait_for(2)
    assert refused.status_code == 503
    assert len(rig.recorded.outcomes) == 1
    unsent = list(rig.admitted.settled.values())[1]
    assert unsent == Outcome(closed_ms=unsent.closed_ms, ending="not_sent")


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (CachePolicy(enabled=True), {"x-trunkline-cost": "0.00", "x-trunkline-saved": "unpriced"}),
        (FULL, {"x-trunkline-cost": "unpriced"}),
    ],
    ids=["nothing", "full"],
)
async def test_a_cost_that_nobody_knows_stays_unknown(
    simulator: Simulator, policy: CachePolicy, told: dict[str, str]
) -> None:
    async with (
        stage(whole()) as provider,
        running(simulator, extra=[unpriced(provider, simulator, policy)]) as rig,
    ):
        await post(rig, CHAT, chat("m"))
        again = await post(rig, CHAT, chat("m"))
    money = ("x-trunkline-cost", "x-trunkline-saved")
    assert {name: again.headers[name] for name in money if name in again.headers} == told


async def test_an_estimated_cost_says_so_when_it_is_saved(simulator: Simulator) -> None:
    silent = whole().replace(b'"usage"', b'"usagf"')
    async with (
        stage(silent) as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        first = await post(rig, CHAT, chat("m"))
        again = await post(rig, CHAT, chat("m"))
    assert first.headers["x-trunkline-cost"].endswith(" estimated")
    assert again.headers["x-trunkline-saved"] == first.headers["x-trunkline-cost"]


async def test_a_repeat_comes_before_the_cache(simulator: Simulator) -> None:
    async with (
        stage(whole("one"), whole("two")) as provider,
        running(simulator, extra=[provider.alias(simulator)], repeats=KeptRepeats()) as rig,
    ):
        first = await post(rig, CHAT, chat("m"), idempotency_key="k")
        repeat = await post(rig, CHAT, chat("m"), idempotency_key="k")
        kept = await post(rig, CHAT, chat("m"), idempotency_key="other")
    assert [text_of(answer) for answer in (first, repeat, kept)] == ["one"] * 3
    assert repeat.headers["x-trunkline-replayed"] == "true"
    assert "x-trunkline-replayed" not in kept.headers
    assert kept.headers["x-trunkline-cache"] == "hit"


async def test_a_leader_with_a_key_for_repeats_is_kept_whole_though_its_caller_left(
    simulator: Simulator,
) -> None:
    text = "x" * 50_000
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)], repeats=KeptRepeats()) as rig,
    ):
        body = chat("m", stream=True)
        leader = await RawClient.send(rig, CHAT, body, idempotency_key="k")
        follower = await RawClient.send(rig, CHAT, body, connection="close")
        await until(lambda: rig.recall.stats().followers == 1)
        peer = await provider.next()
        await peer.say(HEAD + said(text) + said("!"))
        await leader.until(b"!")
        await leader.leave()
        reading = asyncio.create_task(follower.rest())
        await peer.say(said("more") + ended())
        await reading
        await rig.observed.wait_for(2)
        repeat = await post(rig, CHAT, body, idempotency_key="k")
    assert text in repeat.text
    assert "more" in repeat.text
    assert "[DONE]" in repeat.text
    assert repeat.headers["x-trunkline-replayed"] == "true"
