"""Two attempts side by side: the second begins when the first is slow to say anything."""

import asyncio
from collections.abc import Callable
from functools import partial

from trunkline.errors import TrunklineError
from trunkline.gateway.attempt import OpenStream
from trunkline.gateway.policy import AttemptReason, Hedge
from trunkline.gateway.relay import StreamBroken, relay
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.scope import LiveAttempt, RequestScope
from trunkline.gateway.snapshot import Target
from trunkline.gateway.trying.course import Leg
from trunkline.gateway.trying.held import NowhereSink
from trunkline.gateway.trying.target import Resting, Success, Trier
from trunkline.gateway.upstream_errors import AttemptFailed

_LOST = (AttemptFailed, Resting, TrunklineError)


class Hedger:
    """Runs a target, and another one beside it, for one request. It owns the tasks that it makes.

    Args:
        another: the leg for the second attempt, or None; it is asked at most once in each run.
    """

    def __init__(
        self,
        scope: RequestScope,
        trier: Trier,
        health: Health,
        another: Callable[[], Leg | None],
    ) -> None:
        self._scope = scope
        self._trier = trier
        self._health = health
        self._another = another

    async def target(self, leg: Leg, reason: AttemptReason, hedge: Hedge) -> Success:
        """The success of whichever attempt is first; the other one is given up.

        Raises:
            AttemptFailed, Resting, InvalidRequest: as ``Trier.target``, of the first attempt, after
                the second has failed as well.
        """
        spoken = asyncio.Event()
        first = asyncio.create_task(self._trier.target(leg, reason, spoken=spoken))
        tasks = [first]
        winner: Success | None = None
        try:
            slow = await _is_slow(first, spoken, self._delay(leg.speech.target, hedge))
            second = self._another() if slow else None
            if second is not None:
                tasks.append(asyncio.create_task(self._trier.target(second, "hedge")))
            winner = await _race(first, tasks)
            return winner
        finally:
            self._let_go(tasks, winner)

    def _delay(self, target: Target, hedge: Hedge) -> float:
        usual = self._health.percentile(target, hedge.percentile)
        return max(hedge.after if usual is None else usual, hedge.least)

    def _let_go(self, tasks: list[asyncio.Task[Success]], winner: Success | None) -> None:
        """End what did not win: cut off where that ends the bill, else read on by and by.

        Where the request as a whole was interrupted, the scope tells its attempts so.
        """
        scope = self._scope
        lost = [live for live in scope.underway if winner is None or live is not winner.live]
        for task in [task for task in tasks if not _has(task, winner)]:
            if winner is not None and any(_bills_on(live) for live in lost):
                learning = asyncio.create_task(self._learn(task, lost))
                scope.trailing.append(learning)
                # However it ends, be it before it has begun, it leaves nothing running behind it.
                learning.add_done_callback(partial(_end, task))
                continue
            _end(task)
            if scope.interrupted is None:
                self._supersede(lost)

    async def _learn(self, task: asyncio.Task[Success], lost: list[LiveAttempt]) -> None:
        """Read an answer that is billed whole anyway, so that its cost is known."""
        try:
            async with asyncio.timeout(self._scope.drain_timeout):
                success = await task
                if isinstance(success.answered, OpenStream):
                    await relay(success.answered, success.live, NowhereSink())
        except (*_LOST, StreamBroken, TimeoutError):
            # What was seen of it until then is the estimate.
            pass
        finally:
            self._supersede(lost)

    def _supersede(self, lost: list[LiveAttempt]) -> None:
        for live in lost:
            self._scope.close_attempt("superseded", None, live)


async def _is_slow(first: asyncio.Task[Success], spoken: asyncio.Event, delay: float) -> bool:
    """Whether an attempt has said nothing after so many seconds."""
    speaking = asyncio.create_task(spoken.wait())
    try:
        done, _ = await asyncio.wait(
            {first, speaking}, timeout=delay, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        speaking.cancel()
    return not done


async def _race(first: asyncio.Task[Success], tasks: list[asyncio.Task[Success]]) -> Success:
    """The first success; where there is none, the failure of the first."""
    running = set(tasks)
    while running:
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        # Where both came in the same turn, the one that was asked first is the answer.
        for task in sorted(done, key=lambda task: task is not first):
            if not isinstance(task.exception(), _LOST):
                return task.result()
        failure = first.exception() if first in done else None
        if isinstance(failure, AttemptFailed) and not failure.elsewhere:
            break
    return first.result()


def _has(task: asyncio.Task[Success], winner: Success | None) -> bool:
    """Whether a task needs no end any more: it is the winner, or it has failed."""
    if not task.done() or task.cancelled():
        return False
    return task.exception() is not None or task.result() is winner


def _bills_on(live: LiveAttempt) -> bool:
    """Whether the provider bills the whole answer even if nobody reads it."""
    return not live.target.connection.cancels_on_close


def _end(task: asyncio.Task[Success], _after: object = None) -> None:
    """End a task, and what it has opened."""
    task.cancel()
    task.add_done_callback(_close)


def _close(task: asyncio.Task[Success]) -> None:
    """Close what a task had opened before its end; whole answers are closed already."""
    if not task.cancelled() and task.exception() is None:
        answered = task.result().answered
        if isinstance(answered, OpenStream):
            answered.response.abort()
