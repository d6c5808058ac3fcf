"""Whatever the targets do and the policies say, each request ends once and its books agree."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack

from hypothesis import HealthCheck, given, settings
from tests.gateway.http import CHAT, chat
from tests.gateway.rig import KEY, Rig, running
from tests.gateway.trying.loops import (
    FINAL,
    LATE_BREAKS,
    Course,
    courses,
    model_of,
    published,
)
from tests.product.answers import Reading, read_answer
from tests.simulator.raw import exchange, request

from trunkline.gateway.metering.event import Attempt, Finished, Outcome
from trunkline.gateway.pipeline import Bearings
from trunkline.simulator.server import Simulator

Tried = list[tuple[Attempt, Outcome]]


def test_every_request_ends_once_and_every_attempt_is_settled_once() -> None:
    _hold_for_many(Bearings(), 250, most_tries=None)


def test_nothing_begins_after_the_deadline_whatever_failed_before_it() -> None:
    # It has passed as soon as the first attempt has ended, and that one still has all its time.
    _hold_for_many(Bearings(deadline=1e-6), 60, most_tries=1)


def _hold_for_many(bearings: Bearings, examples: int, *, most_tries: int | None) -> None:
    numbers = itertools.count()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        rig = runner.run(_started(stack, bearings))

        @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
        @given(course=courses)
        def holds(course: Course) -> None:
            runner.run(_holds(rig, course, next(numbers), most_tries))

        try:
            holds()
        finally:
            runner.run(stack.aclose())


async def _started(stack: AsyncExitStack, bearings: Bearings) -> Rig:
    simulator = Simulator(seed=3, speed=1e6)
    await simulator.start()
    stack.push_async_callback(simulator.stop)
    return await stack.enter_async_context(running(simulator, bearings=bearings))


async def _holds(rig: Rig, course: Course, number: int, most_tries: int | None) -> None:
    rig.simulator.faults.clear()
    aliases = published(rig.simulator, course, number)
    for alias in aliases:
        rig.routes.publish(alias)
    before, released = len(rig.observed.events), rig.admitted.released
    reading = await _asked(rig, course, aliases[0].name)
    event = await rig.observed.wait_for(before + 1)
    tried = [pair for pair in rig.recorded.outcomes if pair[0].request_id == event.request_id]
    tried.sort(key=lambda pair: pair[0].number)
    _ended_once(rig, event, tried, released, before)
    _in_order(course, number, tried)
    assert most_tries is None or len(tried) <= most_tries
    if course.leaves is None:
        _answered_honestly(course, reading, tried)
        if most_tries is None:
            _gave_up_late(course, reading, tried)
        await _told_the_truth(rig, reading, tried, aliases)


async def _asked(rig: Rig, course: Course, name: str) -> Reading:
    headers = {"authorization": f"Bearer {KEY}"}
    body = json.dumps(chat(name, stream=course.stream, max_tokens=60)).encode()
    patience = 20.0 if course.leaves is None else course.leaves
    answer = await exchange(rig.base_url, request(CHAT, body, headers), patience=patience)
    return read_answer(CHAT, answer, stream=course.stream and course.leaves is None)


def _ended_once(rig: Rig, event: Finished, tried: Tried, released: int, before: int) -> None:
    mine = {
        attempt.id
        for attempt in rig.recorded.attempts.values()
        if attempt.request_id == event.request_id
    }
    assert [attempt.number for attempt, _ in tried] == list(range(1, len(mine) + 1))
    assert {attempt.id for attempt, _ in tried} == mine
    assert mine <= rig.admitted.covered.keys()
    assert mine <= rig.admitted.settled.keys()
    assert rig.admitted.covered.keys() == rig.admitted.settled.keys()
    assert rig.admitted.released == released + 1
    assert len(rig.observed.events) == before + 1
    assert rig.observed.running == 0
    assert {attempt.id for attempt, _ in event.attempts} == mine
    for attempt, outcome in tried:
        assert outcome.cost_nano is not None
        assert attempt.hold_nano is not None
        assert 0 <= outcome.cost_nano <= attempt.hold_nano
    sent = [seen.reference for seen in rig.simulator.ledger if seen.reference in mine]
    assert len(sent) == len(set(sent))


def _in_order(course: Course, number: int, tried: Tried) -> None:
    """Targets come in their order, each as often as it may, and for the reason that is told."""
    order = [model_of(number, place) for place in range(len(course.plans))]
    places = [order.index(attempt.model) for attempt, _ in tried]
    assert list(dict.fromkeys(places)) == list(range(len(set(places))))
    if not course.hedged:
        assert places == sorted(places)
    for place in set(places):
        assert places.count(place) <= course.attempts + course.plans[place].secrets - 1
    for turn, (attempt, _) in enumerate(tried):
        _for_its_reason(course, attempt.reason, places, turn)


def _for_its_reason(course: Course, reason: str, places: Sequence[int], turn: int) -> None:
    again = places[turn] in places[:turn]
    assert (reason == "first") == (turn == 0)
    if reason == "retry":
        assert again
    elif reason == "failover":
        assert not again
    elif reason == "hedge":
        assert course.hedged
        assert not again
    elif reason == "restart":
        assert course.buffered
        assert course.stream


def _answered_honestly(course: Course, reading: Reading, tried: Tried) -> None:
    whole = [attempt for attempt, outcome in tried if outcome.ending == "completed"]
    assert len(whole) == reading.clean
    if not reading.clean:
        assert reading.error is not None
        assert reading.error != "internal_error"
    for attempt, outcome in tried:
        if outcome.ending == "superseded":
            # The other one was quicker to speak, or to fail for good.
            assert course.hedged
            assert any(other.ending != "superseded" for _, other in tried)
        elif outcome.ending != "completed":
            assert outcome.error_code is not None, attempt


def _gave_up_late(course: Course, reading: Reading, tried: Tried) -> None:
    """An error is the answer only when nothing was left that might be tried."""
    if reading.clean:
        return
    failures = [outcome.ending for _, outcome in tried]
    met = {name for plan in course.plans for name in plan.outcomes}
    if FINAL in met or (met & set(LATE_BREAKS) and not course.buffered and course.stream):
        return
    assert "completed" not in failures
    assert len({attempt.model for attempt, _ in tried}) == len(course.plans)


async def _told_the_truth(
    rig: Rig, reading: Reading, tried: Tried, aliases: Sequence[object]
) -> None:
    """The text is that of the one target whose attempt is called whole, and of no other."""
    whole = [attempt for attempt, outcome in tried if outcome.ending == "completed"]
    if not whole:
        return
    rig.simulator.faults.clear()
    body = json.dumps(chat(whole[0].model, max_tokens=60)).encode()
    plain = await exchange(rig.simulator.base_url, request(CHAT, body))
    assert reading.text == read_answer(CHAT, plain, stream=False).text
