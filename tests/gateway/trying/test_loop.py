"""What follows a failure: again, with another secret, at another target, or not at all."""

import pytest
from tests.gateway.http import CHAT, MESSAGES, chat, messages, post
from tests.gateway.rig import running
from tests.gateway.trying.scenes import QUICK, alias, balanced, target, told

from trunkline.gateway.policy import CircuitTerms, Retry, Waits
from trunkline.gateway.snapshot import Credential
from trunkline.kit.clock import FakeClock
from trunkline.simulator.rules import RuleRequest
from trunkline.simulator.server import Simulator


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_that_may_pass_is_repaired_at_the_same_target(
    simulator: Simulator, stream: bool
) -> None:
    simulator.faults.add(RuleRequest("status_500", count=1))
    route = alias(target(simulator, "sim-fast"))
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=stream))
    assert (answer.status_code, answer.headers["x-trunkline-attempts"]) == (200, "2")
    assert told(rig) == [("sim-fast", "first", "refused"), ("sim-fast", "retry", "completed")]
    assert balanced(rig)


async def test_what_the_provider_wants_to_wait_too_long_for_goes_elsewhere_at_once(
    simulator: Simulator,
) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=status_429;retry_after=30"),
        target(simulator, "sim-chat"),
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 200
    assert told(rig) == [("sim-fast", "first", "refused"), ("sim-chat", "failover", "completed")]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_silent_provider_is_not_asked_twice(simulator: Simulator, stream: bool) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=silence"),
        target(simulator, "sim-chat"),
        waits=Waits(first_token=0.1),
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=stream))
    assert answer.status_code == 200
    assert told(rig) == [("sim-fast", "first", "timed_out"), ("sim-chat", "failover", "completed")]
    assert balanced(rig)


async def test_a_stream_whose_head_comes_and_nothing_else_is_silent_as_well(
    simulator: Simulator,
) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=slow_first_token;seconds=5"),
        target(simulator, "sim-chat"),
        waits=Waits(first_token=0.15),
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=True))
    assert answer.text.endswith("data: [DONE]\n\n")
    assert told(rig)[0] == ("sim-fast", "first", "timed_out")
    assert rig.pool.stats().busy == 0


async def test_a_dead_secret_is_left_at_once_for_the_next_one(simulator: Simulator) -> None:
    bad = Credential("1", ((b"authorization", b"Bearer fault=status_401"),))
    good = Credential("2", ((b"authorization", b"Bearer sim-key"),))
    simulator.faults.add(RuleRequest("status_401", count=1))
    route = alias(target(simulator, "sim-fast", headers=(), credentials=(bad, good)))
    async with running(simulator, extra=[route]) as rig:
        first = await post(rig, CHAT, chat("m"))
        second = await post(rig, CHAT, chat("m"))
    assert (first.status_code, second.status_code) == (200, 200)
    used = [(attempt.reason, attempt.credential) for attempt, _ in rig.recorded.outcomes]
    refused = used[0][1]
    other = "2" if refused == "1" else "1"
    assert used == [("first", refused), ("retry", other), ("first", other)]


async def test_the_only_secret_is_asked_again_rather_than_nobody(simulator: Simulator) -> None:
    simulator.faults.add(RuleRequest("insufficient_quota", count=1))
    route = alias(target(simulator, "sim-fast"))
    async with running(simulator, extra=[route]) as rig:
        first = await post(rig, CHAT, chat("m"))
        second = await post(rig, CHAT, chat("m"))
    assert first.json()["error"]["code"] == "upstream_credentials"
    assert second.status_code == 200


async def test_after_all_targets_failed_the_callers_sdk_is_told_not_to_multiply(
    simulator: Simulator,
) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=reset"), target(simulator, "sim-chat+fault=reset")
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 502
    assert answer.headers["x-should-retry"] == "false"
    assert [model for model, _, _ in told(rig)] == ["sim-fast", "sim-fast", "sim-chat", "sim-chat"]
    assert balanced(rig)


async def test_no_attempt_begins_after_the_deadline(simulator: Simulator) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=latency;seconds=5"),
        target(simulator, "sim-chat"),
        waits=Waits(deadline=0.2),
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")
    assert told(rig) == [("sim-fast", "first", "timed_out")]


async def test_when_every_circuit_is_open_nobody_is_asked_and_the_caller_knows_for_how_long(
    simulator: Simulator,
) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=reset"),
        circuit=CircuitTerms(minimum=3, open=30.0),
        retry=Retry(attempts=1),
    )
    async with running(simulator, extra=[route]) as rig:
        for _ in range(3):
            await post(rig, CHAT, chat("m"))
        answer = await post(rig, CHAT, chat("m"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "upstream_circuit_open")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert len(rig.recorded.outcomes) == 3


async def test_a_model_that_is_held_back_by_hand_says_so_and_not_that_its_provider_fails(
    simulator: Simulator,
) -> None:
    first, second = target(simulator, "sim-fast"), target(simulator, "sim-chat+fault=reset")
    route = alias(
        first,
        second,
        circuit=CircuitTerms(minimum=3, open=30.0),
        retry=Retry(attempts=1),
    )
    async with running(simulator, extra=[route]) as rig:
        rig.health.override({first.place: "open", second.place: "open"})
        held = await post(rig, CHAT, chat("m"))
        rig.health.override({first.place: "open"})
        for _ in range(3):
            await post(rig, CHAT, chat("m"))
        mixed = await post(rig, CHAT, chat("m"))
    assert (held.status_code, held.headers["retry-after"]) == (503, "60")
    assert held.json()["error"]["code"] == mixed.json()["error"]["code"] == "upstream_circuit_open"
    assert "administrator holds back every target" in held.json()["error"]["message"]
    assert "administrator holds some back" in mixed.json()["error"]["message"]
    assert 1 <= int(mixed.headers["retry-after"]) <= 30
    assert len(rig.recorded.outcomes) == 3


async def test_an_open_circuit_is_passed_over_and_one_probe_closes_it(
    simulator: Simulator,
) -> None:
    route = alias(
        target(simulator, "sim-fast"),
        target(simulator, "sim-chat"),
        circuit=CircuitTerms(minimum=3, open=30.0),
        retry=Retry(attempts=1),
    )
    clock = FakeClock()
    simulator.faults.add(RuleRequest("status_500", count=3, model="sim-fast"))
    async with running(simulator, extra=[route], clock=clock) as rig:
        for _ in range(5):
            assert (await post(rig, CHAT, chat("m"))).status_code == 200
        assert [model for model, _, _ in told(rig)].count("sim-fast") == 3
        clock.advance(31)
        for _ in range(2):
            await post(rig, CHAT, chat("m"))
    assert [model for model, _, _ in told(rig)][-2:] == ["sim-fast", "sim-fast"]


async def test_the_fallback_of_an_alias_serves_when_its_own_targets_fail(
    simulator: Simulator,
) -> None:
    first = alias(target(simulator, "sim-fast+fault=status_500"), fallbacks={"error": ("spare",)})
    spare = alias(target(simulator, "sim-chat"), name="spare")
    async with running(simulator, extra=[first, spare]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 200
    assert [attempt.alias for attempt, _ in rig.recorded.outcomes] == ["m", "m", "m"]
    assert [model for model, _, _ in told(rig)] == ["sim-fast", "sim-fast", "sim-chat"]


async def test_a_fallback_may_speak_another_wire(simulator: Simulator) -> None:
    first = alias(target(simulator, "sim-fast+fault=reset"), retry=Retry(attempts=1),
                  fallbacks={"error": ("spare",)})  # fmt: skip
    spare = alias(target(simulator, "sim-chat", "anthropic_messages"), name="spare", retry=QUICK)
    async with running(simulator, extra=[first, spare]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=True))
        other = await post(rig, MESSAGES, messages("m"))
    assert answer.text.endswith("data: [DONE]\n\n")
    assert other.json()["type"] == "message"
    assert balanced(rig)


async def test_what_may_have_been_billed_is_not_repeated_unless_the_alias_says_so(
    simulator: Simulator,
) -> None:
    plain = alias(target(simulator, "sim-fast+fault=reset"), retry=Retry(base=0.001))
    bold = alias(target(simulator, "sim-fast+fault=reset"), name="bold")
    async with running(simulator, extra=[plain, bold]) as rig:
        await post(rig, CHAT, chat("m"))
        assert [reason for _, reason, _ in told(rig)] == ["first"]
        await post(rig, CHAT, chat("bold"))
    assert [reason for _, reason, _ in told(rig)][1:] == ["first", "retry"]


async def test_the_failure_that_opens_a_circuit_is_the_one_that_the_caller_hears_of(
    simulator: Simulator,
) -> None:
    route = alias(
        target(simulator, "sim-fast+fault=status_500"), circuit=CircuitTerms(minimum=1, open=30.0)
    )
    async with running(simulator, extra=[route]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 500
    assert told(rig) == [("sim-fast", "first", "refused")]
    assert answer.headers.get("x-should-retry") != "false"


async def test_a_target_whose_secret_rests_is_asked_before_the_caller_gets_an_error(
    simulator: Simulator,
) -> None:
    simulator.faults.add(RuleRequest("status_429;retry_after=60", count=1, model="sim-chat"))
    resting = alias(target(simulator, "sim-chat", id="other"), name="resting")
    route = alias(
        target(simulator, "sim-fast+fault=status_500"), target(simulator, "sim-chat", id="other")
    )
    async with running(simulator, extra=[route, resting]) as rig:
        await post(rig, CHAT, chat("resting"))
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 200
    assert told(rig)[-1] == ("sim-chat", "failover", "completed")


async def test_a_body_that_breaks_off_was_made_as_a_whole(simulator: Simulator) -> None:
    route = alias(target(simulator, "sim-fast+fault=cut_after_bytes;bytes=40"), retry=Retry())
    async with running(simulator, extra=[route]) as rig:
        await post(rig, CHAT, chat("m", max_tokens=300))
    [(attempt, outcome)] = rig.recorded.outcomes
    [seen] = simulator.ledger
    assert (outcome.ending, outcome.cost_state) == ("failed", "estimated")
    assert outcome.cost_nano is not None
    assert attempt.hold_nano is not None
    assert seen.bill_nano <= outcome.cost_nano <= attempt.hold_nano


async def test_a_secret_that_the_provider_takes_again_is_not_refused_any_more(
    simulator: Simulator,
) -> None:
    simulator.faults.add(RuleRequest("status_401", count=1))
    route = alias(target(simulator, "sim-fast"))
    async with running(simulator, extra=[route]) as rig:
        refused = await post(rig, CHAT, chat("m"))
        rested = len(rig.health.resting())
        taken = await post(rig, CHAT, chat("m"))
        assert rig.health.resting() == []
    assert (refused.status_code, rested, taken.status_code) == (502, 1, 200)
