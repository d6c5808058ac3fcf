"""A caller who leaves, and a server that ends, in each phase before and beside an answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.gateway.http import CHAT, RawClient, chat
from tests.gateway.rig import Rig, running
from tests.gateway.transport.hostile import until
from tests.gateway.trying.scenes import alias, balanced, target

from trunkline.gateway.policy import CircuitTerms, Hedge, Retry
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.upstream_errors import malformed
from trunkline.simulator.server import Simulator

SLOW = "sim-fast+fault=slow_first_token;seconds=30"
LONG = Retry(attempts=3, base=60.0, cap=60.0)


def phases(simulator: Simulator) -> dict[str, tuple[Alias, Callable[[Rig], bool]]]:
    """For each phase an alias that stays in it, and whether a request is there."""
    failing = target(simulator, "sim-fast+fault=status_500")
    return {
        "pause": (alias(failing, retry=LONG), lambda rig: len(rig.recorded.outcomes) == 1),
        "hedging": (
            alias(target(simulator, SLOW), target(simulator, SLOW.replace("fast", "chat")),
                  hedge=Hedge(after=0.02, least=0.01)),
            lambda rig: len(rig.recorded.attempts) == 2,
        ),
        "pause beside a hedge": (
            alias(target(simulator, SLOW), failing, retry=LONG,
                  hedge=Hedge(after=0.02, least=0.01)),
            lambda rig: len(rig.recorded.outcomes) == 1,
        ),
        "holding": (
            alias(target(simulator, "sim-fast+fault=silence_in_stream"), buffered=True),
            lambda rig: any(p.output_bytes for p in rig.recorded.progress),
        ),
        "holding beside a hedge": (
            alias(target(simulator, "sim-fast+fault=silence_in_stream"), failing, buffered=True,
                  hedge=Hedge(after=0.02, least=0.01)),
            lambda rig: any(p.output_bytes for p in rig.recorded.progress),
        ),
    }  # fmt: skip


PHASES = ["pause", "hedging", "pause beside a hedge", "holding", "holding beside a hedge"]


@asynccontextmanager
async def within(
    simulator: Simulator, phase: str, **options: Any
) -> AsyncIterator[tuple[Rig, RawClient]]:
    """A request that has come to a phase."""
    route, is_there = phases(simulator)[phase]
    async with running(simulator, extra=[route], **options) as rig:
        client = await RawClient.send(rig, CHAT, chat("m", stream=True))
        await until(lambda: is_there(rig))
        yield rig, client
    assert balanced(rig)
    assert rig.admitted.released == 1
    assert rig.pool.stats().busy == 0
    assert [report.in_flight for report in rig.health.report() if report.in_flight] == []


@pytest.mark.parametrize("phase", PHASES)
async def test_a_caller_may_leave_in_any_phase(simulator: Simulator, phase: str) -> None:
    async with within(simulator, phase) as (rig, client):
        await client.leave()
        event = await rig.observed.wait_for(1)
    assert (event.status, event.error_code) == (499, "client_gone")


@pytest.mark.parametrize("phase", PHASES)
async def test_the_server_may_end_in_any_phase(simulator: Simulator, phase: str) -> None:
    async with within(simulator, phase, shutdown_deadline=0.1) as (rig, client):
        rig.server.stop()
        answer = await client.rest()
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"shutting_down" in answer
    [event] = rig.observed.events
    assert event.error_code == "shutting_down"


async def test_a_probe_that_is_given_up_makes_room_for_the_next_one(simulator: Simulator) -> None:
    terms = CircuitTerms(minimum=1, failures=0.1, open=0.01)
    slow, other = target(simulator, SLOW), target(simulator, "sim-chat")
    hasty = alias(slow, other, circuit=terms, hedge=Hedge(after=0.02, least=0.01))
    async with running(simulator, extra=[hasty]) as rig:
        call = rig.health.begin(slow, terms)
        assert call is not None
        call.ended(malformed("it is broken"))
        for _ in range(3):
            await until(lambda: rig.health.state(slow) == "half_open")
            client = await RawClient.send(rig, CHAT, chat("m", stream=True))
            await client.until(b"data: [DONE]\n\n")
            await client.leave()
            await until(lambda: rig.health.in_flight(slow) == 0)
    probes = [attempt for attempt, _ in rig.recorded.outcomes if attempt.model == slow.model]
    assert len(probes) == 3
