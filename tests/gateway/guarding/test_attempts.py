"""What guards did is told of the answer that the caller gets, not of others that were made."""

import pytest
from tests.gateway.guarding.asking import HEADER, PRICE, ask, guard
from tests.gateway.rig import connection, running

from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.policy import Hedge, Retry, Route
from trunkline.gateway.snapshot import Alias, Target
from trunkline.simulator.server import Simulator

EMAIL = "jo@example.com"
ONCE = (Guarded("pii", "out", "redacted", (("email", 1),)),)


def alias(simulator: Simulator, *models: str, route: Route, action: str = "redact") -> Alias:
    """These models in turn; their providers bill on when a connection is closed."""
    targets = tuple(
        Target(connection(simulator, "openai_chat", id=model, cancels_on_close=False), model, PRICE)
        for model in models
    )
    return Alias(name="m", targets=targets, route=route, guards=(guard(way="out", action=action),))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_loser_that_is_read_on_adds_nothing(simulator: Simulator, stream: bool) -> None:
    slow = "sim-fast+fault=slow_first_token;seconds=0.3"
    route = Route(hedge=Hedge(after=0.05, least=0.01), retry=Retry(attempts=1))
    async with running(simulator, extra=[alias(simulator, slow, "sim-fast", route=route)]) as rig:
        _, reading = await ask(rig, "openai_chat", f"say {EMAIL} here", stream=stream)
        event = await rig.observed.wait_for(1)
    assert (reading.text, reading.clean) == ("[EMAIL] here", True)
    endings = [(attempt.reason, outcome.ending) for attempt, outcome in event.attempts]
    assert endings == [("first", "superseded"), ("hedge", "completed")]
    assert event.guarded == ONCE


async def test_a_stream_that_broke_while_it_was_held_adds_nothing(simulator: Simulator) -> None:
    cut = "sim-fast+fault=missing_end"
    route = Route(buffered=True, retry=Retry(attempts=1))
    async with running(simulator, extra=[alias(simulator, cut, "sim-fast", route=route)]) as rig:
        answer, reading = await ask(rig, "openai_chat", f"say {EMAIL} here", stream=True)
        event = await rig.observed.wait_for(1)
    assert (reading.text, reading.clean) == ("[EMAIL] here", True)
    assert [outcome.ending for _, outcome in event.attempts] == ["failed", "completed"]
    assert event.guarded == ONCE
    assert answer.headers[HEADER] == "pii=redacted:1"


@pytest.mark.parametrize("buffered", [False, True])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_is_told_once(simulator: Simulator, stream: bool, buffered: bool) -> None:
    route = Route(buffered=buffered, retry=Retry(attempts=1))
    models = "sim-fast+fault=status_500", "sim-fast"
    refused = alias(simulator, *models, route=route, action="refuse")
    async with running(simulator, extra=[refused]) as rig:
        _, reading = await ask(rig, "openai_chat", f"say some words, {EMAIL}", stream=stream)
        event = await rig.observed.wait_for(1)
    assert not reading.clean
    assert event.guarded == (Guarded("pii", "out", "refused", (("email", 1),)),)
