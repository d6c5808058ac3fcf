"""A second attempt beside a slow one: one answer, and every attempt settled."""

import pytest
from tests.gateway.http import CHAT, RawClient, chat, post
from tests.gateway.rig import running
from tests.gateway.transport.hostile import until
from tests.gateway.trying.scenes import alias, balanced, target, told

from trunkline.errors import LimitExceeded
from trunkline.gateway.policy import Hedge
from trunkline.simulator.server import Simulator

SOON = Hedge(after=0.05, least=0.01)
SLOW = "sim-fast+fault=slow_first_token;seconds=3"


@pytest.mark.parametrize("stream", [False, True])
async def test_the_faster_of_two_is_the_answer_and_the_other_is_cut_off(
    simulator: Simulator, stream: bool
) -> None:
    route = alias(target(simulator, SLOW), target(simulator, "sim-chat"), hedge=SOON)
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=stream))
        event = await rig.observed.wait_for(1)
    assert answer.status_code == 200
    assert answer.headers["x-trunkline-model"] == "simulator/sim-chat"
    assert told(rig) == [("sim-fast", "first", "superseded"), ("sim-chat", "hedge", "completed")]
    assert balanced(rig)
    assert event.attempts[-1][0].model == "sim-chat"
    [lost] = [end for _, end in rig.recorded.outcomes if end.ending == "superseded"]
    hold = rig.recorded.attempts[rig.recorded.outcomes[0][0].id].hold_nano
    assert lost.cost_state == "estimated"
    assert hold is not None
    assert lost.cost_nano is not None
    assert 0 < lost.cost_nano <= hold
    assert rig.pool.stats().busy == 0


async def test_a_quick_answer_is_never_hedged(simulator: Simulator) -> None:
    route = alias(target(simulator, "sim-fast"), target(simulator, "sim-chat"),
                  hedge=Hedge(after=5.0))  # fmt: skip
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=True))
    assert answer.status_code == 200
    assert told(rig) == [("sim-fast", "first", "completed")]


async def test_the_slow_one_wins_when_the_second_fails(simulator: Simulator) -> None:
    slow = "sim-fast+fault=slow_first_token;seconds=0.4"
    route = alias(
        target(simulator, slow), target(simulator, "sim-chat+fault=status_400"), hedge=SOON
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=True))
    assert answer.text.endswith("data: [DONE]\n\n")
    assert told(rig) == [("sim-fast", "first", "completed"), ("sim-chat", "hedge", "refused")]
    assert balanced(rig)


async def test_a_loser_whose_provider_bills_on_is_read_to_its_end(simulator: Simulator) -> None:
    slow = "sim-fast+fault=slow_first_token;seconds=0.4"
    route = alias(
        target(simulator, slow, cancels_on_close=False),
        target(simulator, "sim-chat"),
        hedge=SOON,
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=True))
        await rig.observed.wait_for(1)
    assert answer.text.endswith("data: [DONE]\n\n")
    assert told(rig) == [("sim-fast", "first", "superseded"), ("sim-chat", "hedge", "completed")]
    bills = {seen.headers["x-trunkline-attempt"]: seen.bill_nano for seen in simulator.ledger}
    for attempt, outcome in rig.recorded.outcomes:
        assert (outcome.cost_state, outcome.cost_nano) == ("exact", bills[attempt.id])


async def test_no_second_attempt_is_made_that_the_budget_does_not_cover(
    simulator: Simulator,
) -> None:
    slow = "sim-fast+fault=slow_first_token;seconds=0.3"
    route = alias(target(simulator, slow), target(simulator, "sim-chat"), hedge=SOON)
    async with running(simulator, extra=[route]) as rig:
        rig.admitted.refused_covers = {2: LimitExceeded("held", code="budget_held")}
        answer = await post(rig, CHAT, chat("m", stream=True))
    assert answer.text.endswith("data: [DONE]\n\n")
    assert told(rig) == [("sim-fast", "first", "completed")]


async def test_a_caller_who_leaves_ends_both(simulator: Simulator) -> None:
    route = alias(
        target(simulator, SLOW),
        target(simulator, "sim-chat+fault=slow_first_token;seconds=3"),
        hedge=SOON,
    )
    async with running(simulator, extra=[route]) as rig:
        client = await RawClient.send(rig, CHAT, chat("m", stream=True))
        await until(lambda: len(rig.recorded.attempts) == 2)
        await client.leave()
        event = await rig.observed.wait_for(1)
    assert {end.ending for _, end in event.attempts} == {"client_gone"}
    assert balanced(rig)
    assert rig.pool.stats().busy == 0
