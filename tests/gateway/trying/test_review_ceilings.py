"""The ceiling of each alias holds for its own attempts: held, sent and billed."""

import json
from typing import Any

import pytest
from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import Rig, running
from tests.gateway.transport.hostile import HostileServer, Peer
from tests.gateway.trying.scenes import balanced, target

from trunkline.errors import BudgetExhausted
from trunkline.gateway.policy import Retry, Route
from trunkline.gateway.snapshot import Alias, Target
from trunkline.simulator.server import Simulator

ONCE = Retry(attempts=1)


def ceilinged(name: str, ceiling: int | None, *targets: Target, **policies: Any) -> Alias:
    """An alias with a ceiling of its own."""
    return Alias(name, targets, max_tokens=ceiling, route=Route(retry=ONCE, **policies))


def last(rig: Rig) -> tuple[int, int | None, int | None]:
    """Of the last attempt: its output bound, its hold and its cost."""
    attempt, outcome = rig.recorded.outcomes[-1]
    return attempt.output_bound, attempt.hold_nano, outcome.cost_nano


@pytest.mark.parametrize("wire", ["anthropic_messages", "openai_chat"])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_ceiling_of_a_fallback_is_sent_as_it_is_held(
    simulator: Simulator, wire: str, stream: bool
) -> None:
    broken = target(simulator, "sim-fast+fault=status_500", "anthropic_messages")
    first = ceilinged("m", None, broken, fallbacks={"error": ("small",)})
    small = ceilinged("small", 5, target(simulator, "sim-chat", wire))
    async with running(simulator, extra=[first, small]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=stream))
    assert answer.status_code == 200
    bound, hold, cost = last(rig)
    assert bound == 5
    assert rig.recorded.outcomes[-1][1].usage.output_total <= bound
    assert cost is not None
    assert hold is not None
    assert cost <= hold
    assert balanced(rig)


async def test_a_fallback_with_a_lower_ceiling_serves_who_asked_for_none(
    simulator: Simulator,
) -> None:
    first = ceilinged(
        "m", 100, target(simulator, "sim-fast+fault=status_500"), fallbacks={"error": ("small",)}
    )
    small = ceilinged("small", 5, target(simulator, "sim-chat"))
    async with running(simulator, extra=[first, small]) as rig:
        answer = await post(rig, CHAT, chat("m"))
        asked = await post(rig, CHAT, chat("m", max_tokens=50))
    assert answer.status_code == 200
    assert [attempt.output_bound for attempt, _ in rig.recorded.outcomes] == [100, 5, 50]
    assert asked.status_code == 500


async def test_a_fallback_that_the_budget_refused_leaves_no_ceiling_behind(
    simulator: Simulator,
) -> None:
    first = ceilinged(
        "m", None, target(simulator, "sim-chat"), fallbacks={"budget": ("small", "other")}
    )
    small = ceilinged("small", 5, target(simulator, "sim-chat"))
    other = ceilinged("other", None, target(simulator, "sim-fast"))
    async with running(simulator, extra=[first, small, other]) as rig:
        spent = BudgetExhausted("spent", code="budget_exhausted")
        rig.admitted.refused_aliases = {"m": spent, "small": spent}
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 200
    assert [ask.alias for ask in rig.admitted.asks] == ["m", "small", "other"]
    assert last(rig)[0] == 32_768
    assert rig.admitted.asks[-1].output_tokens == 32_768


class Kept:
    """A provider that keeps the bodies it gets and refuses each."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    async def play(self, peer: Peer) -> None:
        while True:
            body = (await peer.request()).partition(b"\r\n\r\n")[2]
            self.bodies.append(json.loads(body))
            await peer.say(
                b"HTTP/1.1 500 X\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
            )


@pytest.mark.parametrize(
    ("asked", "told_them"),
    [
        ({}, [{"max_completion_tokens": 9}, {"max_tokens": 9}, {"max_completion_tokens": 9}]),
        (
            {"max_completion_tokens": 5},
            [{"max_completion_tokens": 5}, {"max_tokens": 5}, {"max_completion_tokens": 5}],
        ),
        ({"max_tokens": 5}, [{"max_tokens": 5}, {"max_tokens": 5}, {"max_tokens": 5}]),
    ],
)
async def test_each_provider_is_told_of_the_ceiling_once_in_its_own_member(
    simulator: Simulator, asked: dict[str, int], told_them: list[dict[str, int]]
) -> None:
    kept = Kept()
    server = HostileServer(kept.play)
    await server.start()
    try:
        newer = target(simulator, "sim-fast", origin=server.origin,
                       output_limit_field="max_completion_tokens")  # fmt: skip
        older = target(simulator, "sim-chat", origin=server.origin)
        route = ceilinged("m", 9, newer, older, newer)
        async with running(simulator, extra=[route]) as rig:
            await post(rig, CHAT, chat("m", **asked))
    finally:
        await server.stop()
    members = ("max_tokens", "max_completion_tokens")
    assert [
        {name: body[name] for name in members if name in body} for body in kept.bodies
    ] == told_them
    limit = min([9, *asked.values()])
    assert [attempt.output_bound for attempt, _ in rig.recorded.outcomes] == [limit] * 3
