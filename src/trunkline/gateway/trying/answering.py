"""The loop over targets: the one place where it is decided what follows a failure."""

import math
from collections.abc import Awaitable, Sequence

import msgspec

from trunkline.errors import (
    BudgetExhausted,
    InvalidRequest,
    LimitExceeded,
    TrunklineError,
    Unavailable,
)
from trunkline.gateway.policy import AttemptReason
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.scope import RequestScope
from trunkline.gateway.serving.body import ClientGone
from trunkline.gateway.snapshot import Target
from trunkline.gateway.trying.course import Course, Leg
from trunkline.gateway.trying.deadlines import Deadlines
from trunkline.gateway.trying.hedging import Hedger
from trunkline.gateway.trying.target import Resting, Success, Trier
from trunkline.gateway.upstream_errors import AttemptFailed

LONGEST_WAIT = 60

# What another target may make good.
_FAILURES = (Resting, InvalidRequest, LimitExceeded, BudgetExhausted, AttemptFailed)


class Answering(msgspec.Struct, eq=False):
    """Tries the targets of a course until one answers. Its state is what has failed so far.

    Where all fail, the first failure is the answer: those that follow it are its consequence.
    """

    _scope: RequestScope
    _course: Course
    _trier: Trier
    _health: Health
    _deadlines: Deadlines
    _first: AttemptFailed | TrunklineError | None = None
    _first_at: Target | None = None
    _resting: list[tuple[Leg, Resting]] = []

    async def run(self) -> Success:
        """The first success.

        Raises:
            AttemptFailed: the first failure, when all targets failed.
            TrunklineError: no target could be asked.
            ClientGone: the caller has left, and so no other target was asked.
        """
        success: Success | None = None
        try:
            leg = self._course.next()
            while leg is not None:
                try:
                    success = await self._asked(leg)
                    break
                except _FAILURES as failure:
                    if not self._goes_on(leg, failure):
                        raise
                leg = self._another()
            else:
                success = await self._try_the_resting()
            if success is None:
                raise ClientGone if self._scope.deserted else self._failure()
        except AttemptFailed as failure:
            self._scope.noted += failure.noted
            raise
        self._scope.choose(success.live, success.dropped)
        return success

    def _may_go_on(self) -> bool:
        return self._deadlines.allow(0.0) and not self._scope.deserted

    def _another(self) -> Leg | None:
        """What may be asked after a target that failed, or beside one that is slow."""
        return self._course.next() if self._may_go_on() else None

    def _asked(self, leg: Leg) -> Awaitable[Success]:
        """The next target, and beside it another one where the alias says so."""
        hedge = leg.alias.route.hedge
        if hedge is None:
            return self._trier.target(leg, self._reason())
        hedger = Hedger(self._scope, self._trier, self._health, self._another)
        return hedger.target(leg, self._reason(), hedge)

    def _goes_on(self, leg: Leg, failure: Exception) -> bool:
        """Note why a target gave no answer; whether another one may give it."""
        if isinstance(failure, Resting):
            self._resting.append((leg, failure))
        elif isinstance(failure, AttemptFailed):
            target = leg.speech.target
            if not isinstance(self._first, AttemptFailed):
                self._first, self._first_at = failure, target
            if failure.kind == "error":
                goes_on = failure.elsewhere
            else:
                goes_on = self._course.turn(leg, failure.kind)
            if not goes_on:
                self._scope.served = target
            return goes_on
        elif self._first is None and isinstance(failure, TrunklineError):
            # It is the answer only where no other target was tried: what cannot be written for this
            # one, or paid for with what is left of the money, may do for another.
            self._first = failure
        return True

    async def _try_the_resting(self) -> Success | None:
        """Ask with a secret that rests rather than not at all; an open circuit stays open."""
        for leg, resting in self._resting:
            if not resting.circuit and self._may_go_on():
                try:
                    return await self._trier.target(leg, self._reason(), force=True)
                except _FAILURES as failure:
                    if not self._goes_on(leg, failure):
                        raise
        return None

    def _reason(self) -> AttemptReason:
        if not self._scope.opened:
            return "first"
        return "restart" if self._trier.broke else "failover"

    def _failure(self) -> Exception:
        first = self._first
        if first is None:
            return _all_open([resting for _, resting in self._resting])
        if isinstance(first, AttemptFailed):
            self._scope.served = self._first_at
            if self._scope.opened > 1:
                # The caller's SDK would multiply what was tried here already.
                first.tried_enough()
        return first


def _all_open(resting: Sequence[Resting]) -> Unavailable:
    waits = [one.wait for one in resting if one.circuit]
    known = [wait for wait in waits if wait is not None]
    if not waits or len(known) == len(waits):
        told = "All providers of this model fail at the moment, so none of them was asked."
    elif known:
        told = (
            "No target of this model may be asked at the moment: an administrator holds some back, "
            "and the others fail."
        )
    else:
        return _held_back()
    wait = min(known, default=1.0)
    return Unavailable(
        told,
        code="upstream_circuit_open",
        hint="Send the request again later, or use another model.",
        retry_after=math.ceil(min(max(wait, 1.0), LONGEST_WAIT)),
    )


def _held_back() -> Unavailable:
    return Unavailable(
        "An administrator holds back every target of this model, so none of them was asked.",
        code="upstream_circuit_open",
        hint="Use another model, or ask your administrator: it lasts until the circuit is cleared.",
        retry_after=LONGEST_WAIT,
    )
