"""What becomes of the attempt that lost: nothing of it is left, and nothing new comes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.gateway.http import CHAT, RawClient, chat, post
from tests.gateway.rig import running
from tests.gateway.transport.hostile import HostileServer, Peer, until
from tests.gateway.trying.scenes import alias, balanced, target, told
from typing_extensions import override

from trunkline.gateway.bare import NoRepeats
from trunkline.gateway.caller import Caller
from trunkline.gateway.pipeline import Bearings
from trunkline.gateway.policy import Hedge, Retry
from trunkline.gateway.ports import StoredAnswer
from trunkline.gateway.snapshot import Target
from trunkline.simulator.server import Simulator

SOON = Hedge(after=0.05, least=0.01)


def refusal(status: int) -> bytes:
    """An error answer of a provider."""
    body = b'{"error":{"message":"no","type":"server_error"}}'
    return b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


def stream(*events: bytes) -> bytes:
    """A stream in one piece, without an end of its own."""
    frames = b"".join(b"data: %b\n\n" % event for event in events)
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (
        len(frames),
        frames,
    )


CONTENT = b'{"choices":[{"index":0,"delta":{"content":"word"}}]}'
BROKEN = b'{"error":{"message":"no more","type":"server_error"}}'


class Held:
    """A provider that answers each request with these bytes once it is let go."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.go_on = asyncio.Event()
        self.asked = 0

    async def play(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.asked += 1
            await self.go_on.wait()
            await peer.say(self._answer)


@asynccontextmanager
async def provider(
    simulator: Simulator, held: Held, model: str = "sim-fast", *, cancels: bool = False
) -> AsyncIterator[Target]:
    """A target at it, whose bill goes on when it is cut off unless told otherwise."""
    server = HostileServer(held.play)
    await server.start()
    try:
        yield target(simulator, model, origin=server.origin, cancels_on_close=cancels)
    finally:
        await server.stop()


async def test_a_loser_is_not_tried_again_once_there_is_an_answer(simulator: Simulator) -> None:
    held = Held(refusal(500))
    async with provider(simulator, held) as slow:
        route = alias(slow, target(simulator, "sim-chat"), hedge=SOON)
        async with running(simulator, extra=[route]) as rig:
            answer = await post(rig, CHAT, chat("m"))
            held.go_on.set()
            await rig.observed.wait_for(1)
    assert answer.status_code == 200
    assert told(rig) == [("sim-fast", "first", "refused"), ("sim-chat", "hedge", "completed")]
    assert held.asked == 1
    assert balanced(rig)


async def test_a_loser_ends_with_a_winner_that_breaks_at_once(simulator: Simulator) -> None:
    held, broken = Held(refusal(500)), Held(stream(CONTENT, BROKEN))
    broken.go_on.set()
    async with provider(simulator, held) as slow, provider(simulator, broken, "sim-chat") as quick:
        route = alias(slow, quick, hedge=SOON)
        async with running(simulator, extra=[route]) as rig:
            answer = await post(rig, CHAT, chat("m", stream=True))
            await rig.observed.wait_for(1)
            held.go_on.set()
            await until(lambda: rig.pool.stats().busy == 0)
    assert "no more" in answer.text
    assert "data: [DONE]" not in answer.text
    assert len(told(rig)) == 2
    assert rig.health.in_flight(slow) == 0
    assert balanced(rig)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_loser_holds_no_place_in_the_limits(simulator: Simulator, streamed: bool) -> None:
    held = Held(refusal(500))
    async with provider(simulator, held) as slow:
        route = alias(slow, target(simulator, "sim-chat"), hedge=SOON)
        async with running(simulator, extra=[route]) as rig:
            await post(rig, CHAT, chat("m", stream=streamed))
            await until(lambda: rig.admitted.released == 1)
            assert rig.observed.events == []
            held.go_on.set()
            await rig.observed.wait_for(1)
    assert rig.admitted.released == 1
    assert balanced(rig)


async def test_a_caller_who_has_its_answer_and_leaves_is_not_told_as_gone(
    simulator: Simulator,
) -> None:
    held = Held(refusal(500))
    bearings = Bearings(drain_timeout=0.2)
    async with provider(simulator, held) as slow:
        route = alias(slow, target(simulator, "sim-chat"), hedge=SOON)
        async with running(simulator, extra=[route], bearings=bearings) as rig:
            client = await RawClient.send(rig, CHAT, chat("m", stream=True))
            await client.until(b"data: [DONE]\n\n")
            await client.leave()
            event = await rig.observed.wait_for(1)
    assert (event.status, event.error_code) == (200, None)
    assert told(rig) == [("sim-fast", "first", "superseded"), ("sim-chat", "hedge", "completed")]
    assert balanced(rig)


async def test_an_end_of_the_server_does_not_undo_an_answer_that_was_given(
    simulator: Simulator,
) -> None:
    held = Held(refusal(500))
    async with provider(simulator, held) as slow:
        route = alias(slow, target(simulator, "sim-chat"), hedge=SOON)
        async with running(simulator, extra=[route], shutdown_deadline=0.1) as rig:
            await post(rig, CHAT, chat("m", stream=True))
    [event] = rig.observed.events
    assert (event.status, event.error_code) == (200, None)
    assert told(rig) == [("sim-fast", "first", "superseded"), ("sim-chat", "hedge", "completed")]
    assert balanced(rig)


async def test_when_both_fail_the_failure_of_the_first_is_the_answer(simulator: Simulator) -> None:
    first = Held(refusal(503))
    async with provider(simulator, first) as slow:
        other = target(simulator, "sim-chat+fault=status_400")
        route = alias(slow, other, hedge=SOON, retry=Retry(attempts=1))
        async with running(simulator, extra=[route]) as rig:
            asking = asyncio.create_task(post(rig, CHAT, chat("m")))
            await until(lambda: len(rig.recorded.outcomes) == 1)
            first.go_on.set()
            answer = await asking
    assert answer.status_code == 503
    assert answer.headers["x-trunkline-model"] == "simulator/sim-fast"
    assert told(rig) == [("sim-fast", "first", "refused"), ("sim-chat", "hedge", "refused")]
    assert balanced(rig)


async def test_a_second_attempt_ends_with_a_first_that_no_other_target_can_mend(
    simulator: Simulator,
) -> None:
    first, second = Held(refusal(400)), Held(refusal(500))
    async with (
        provider(simulator, first) as slow,
        provider(simulator, second, "sim-chat", cancels=True) as other,
    ):
        route = alias(slow, other, hedge=SOON)
        async with running(simulator, extra=[route]) as rig:
            asking = asyncio.create_task(post(rig, CHAT, chat("m", stream=True)))
            await until(lambda: len(rig.recorded.attempts) == 2)
            first.go_on.set()
            answer = await asking
            await rig.observed.wait_for(1)
    assert answer.status_code == 400
    assert answer.headers["x-trunkline-model"] == "simulator/sim-fast"
    assert told(rig) == [("sim-fast", "first", "refused"), ("sim-chat", "hedge", "superseded")]
    assert balanced(rig)


async def test_nobody_is_asked_for_a_caller_who_has_left(simulator: Simulator) -> None:
    held = Held(refusal(500))
    async with provider(simulator, held) as slow:
        route = alias(slow, target(simulator, "sim-chat"))
        async with running(simulator, extra=[route]) as rig:
            client = await RawClient.send(rig, CHAT, chat("m"))
            await until(lambda: held.asked == 1)
            await client.leave()
            # The server hears of it by the time another request has come and gone.
            await post(rig, CHAT, chat("sim-fast"))
            held.go_on.set()
            event = await rig.observed.wait_for(2)
    assert told(rig)[:1] == [("sim-fast", "first", "refused")]
    assert [attempt.alias for attempt, _ in rig.recorded.outcomes].count("m") == 1
    assert event.error_code == "client_gone"
    assert balanced(rig)


async def test_no_second_attempt_is_made_for_a_caller_who_has_left(simulator: Simulator) -> None:
    held = Held(refusal(400))
    async with provider(simulator, held) as slow:
        route = alias(slow, target(simulator, "sim-chat"), hedge=Hedge(after=0.4, least=0.01))
        async with running(simulator, extra=[route]) as rig:
            client = await RawClient.send(rig, CHAT, chat("m"))
            await until(lambda: held.asked == 1)
            await client.leave()
            await asyncio.sleep(0.6)
            held.go_on.set()
            await rig.observed.wait_for(1)
    assert told(rig) == [("sim-fast", "first", "refused")]
    assert balanced(rig)


class Claims(NoRepeats):
    """Keeps what was stored under keys, in order."""

    def __init__(self) -> None:
        self.stored: list[StoredAnswer | None] = []

    @override
    async def finish(self, caller: Caller, key: str, answer: StoredAnswer | None) -> None:
        self.stored.append(answer)


async def test_an_answer_is_kept_for_repeats_before_a_lost_attempt_is_read(
    simulator: Simulator,
) -> None:
    held, claims = Held(refusal(500)), Claims()
    async with provider(simulator, held) as slow:
        route = alias(slow, target(simulator, "sim-chat"), hedge=SOON)
        async with running(simulator, extra=[route], repeats=claims) as rig:
            await post(rig, CHAT, chat("m"), idempotency_key="one")
            await until(lambda: rig.admitted.released == 1)
            stored = len(claims.stored)
            held.go_on.set()
            await rig.observed.wait_for(1)
    assert stored == 1
