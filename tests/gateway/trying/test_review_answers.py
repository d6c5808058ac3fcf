"""What a caller is told: never of an attempt that did not answer, nor of a consequence alone."""

import msgspec
from tests.gateway.http import CHAT, RawClient, chat, messages, post
from tests.gateway.rig import running
from tests.gateway.transport.hostile import HostileServer
from tests.gateway.trying.scenes import alias, balanced, target, told
from tests.gateway.trying.test_review_hedging import Held, provider, refusal

from trunkline.errors import LimitExceeded
from trunkline.gateway.policy import Retry, Route
from trunkline.gateway.snapshot import Alias, Credential
from trunkline.simulator.server import Simulator


async def test_a_repeat_that_the_budget_refuses_does_not_hide_why_it_was_needed(
    simulator: Simulator,
) -> None:
    route = alias(target(simulator, "sim-fast+fault=status_500"))
    async with running(simulator, extra=[route]) as rig:
        rig.admitted.refused_covers = {2: LimitExceeded("held", code="budget_held")}
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 500
    assert told(rig) == [("sim-fast", "first", "refused")]
    assert balanced(rig)


async def test_early_headers_name_no_target_that_may_not_be_the_one(simulator: Simulator) -> None:
    held = Held(refusal(500))
    async with provider(simulator, held) as slow:
        route = Alias(
            "m",
            (slow, target(simulator, "sim-chat")),
            hold_headers=0.05,
            route=Route(retry=Retry(attempts=1)),
        )
        async with running(simulator, extra=[route]) as rig:
            client = await RawClient.send(rig, CHAT, chat("m", stream=True))
            head = await client.until(b"\r\n\r\n")
            held.go_on.set()
            await client.until(b"data: [DONE]\n\n")
            await client.leave()
    assert head.startswith(b"HTTP/1.1 200")
    assert b"x-trunkline-generation-id" in head.lower()
    assert b"x-trunkline-model" not in head.lower()
    assert b"x-trunkline-attempts" not in head.lower()
    assert told(rig) == [("sim-fast", "first", "refused"), ("sim-chat", "failover", "completed")]


async def test_tokens_are_estimated_where_no_target_in_service_counts_them(
    simulator: Simulator,
) -> None:
    counting = target(simulator, "sim-fast", "anthropic_messages", id="a")
    other = target(simulator, "sim-fast", id="b")
    gone = msgspec.structs.replace(counting, state="disabled")
    route = alias(gone, other)
    async with running(simulator, extra=[route]) as rig:
        document = messages("m")
        del document["max_tokens"]
        answer = await post(rig, "/v1/messages/count_tokens", document)
    assert answer.status_code == 200
    assert answer.headers["x-trunkline-estimated"] == "true"
    assert told(rig) == []


async def test_where_all_secrets_rest_a_limited_one_is_asked_before_a_refused_one(
    simulator: Simulator,
) -> None:
    dead = Credential("1", ((b"authorization", b"Bearer fault=status_401"),))
    good = Credential("2", ((b"authorization", b"Bearer sim-key"),))
    only = target(simulator, "sim-fast", headers=(), credentials=(dead, good))
    async with running(simulator, extra=[alias(only, retry=Retry(attempts=1))]) as rig:
        rig.health.credentials.rests(only.connection, "1", "dead", None)
        rig.health.credentials.rests(only.connection, "2", "limited", 30.0, only.model)
        await post(rig, CHAT, chat("m"))
    assert [attempt.credential for attempt, _ in rig.recorded.outcomes] == ["2"]


async def test_counting_tokens_says_nothing_about_answers(simulator: Simulator) -> None:
    held = Held(
        b"HTTP/1.1 429 X\r\ncontent-type: application/json\r\nretry-after: 30\r\n"
        b"content-length: 2\r\n\r\n{}"
    )
    held.go_on.set()
    server = HostileServer(held.play)
    await server.start()
    first = target(simulator, "sim-fast", "anthropic_messages", origin=server.origin)
    document = {name: value for name, value in messages("m").items() if name != "max_tokens"}
    try:
        route = alias(first, retry=Retry(attempts=1))
        async with running(simulator, extra=[route]) as rig:
            counted = await post(rig, "/v1/messages/count_tokens", document)
            resting = rig.health.credentials.pick(first.connection, first.model) is None
            limited = rig.health.verdicts()["limited"]
            (report,) = rig.health.report()
    finally:
        await server.stop()
    assert counted.status_code == 429
    # Anthropic limits counting apart from answering.
    assert (limited, resting) == (1, False)
    assert (report.calls, report.in_flight) == (0, 0)


async def test_counting_tokens_makes_no_target_look_fast(simulator: Simulator) -> None:
    first = target(simulator, "sim-fast", "anthropic_messages")
    document = {name: value for name, value in messages("m").items() if name != "max_tokens"}
    async with running(simulator, extra=[alias(first)]) as rig:
        counted = await post(rig, "/v1/messages/count_tokens", document)
        counting = rig.health.first_content(first)
        (report,) = rig.health.report()
        await post(rig, "/v1/messages", messages("m"))
    assert counted.status_code == 200
    assert (counting, report.calls) == (None, 0)
    assert rig.health.first_content(first) is not None
