"""How targets fare, as this process has seen it: the one door to circuits, latencies and secrets.

It is asked before and after each attempt, so each answer is a look-up and a few additions.
"""

import heapq
import logging
import random
from collections.abc import Mapping
from operator import attrgetter
from typing import Final, Literal

import msgspec
from typing_extensions import override

from trunkline.gateway.policy import CircuitTerms, Retry
from trunkline.gateway.resilience.credentials import RestingCredentials
from trunkline.gateway.resilience.fare import LATELY, Fare
from trunkline.gateway.resilience.report import CredentialReport, TargetReport
from trunkline.gateway.routing.view import CircuitState, HealthView
from trunkline.gateway.snapshot import Target
from trunkline.gateway.upstream_errors import AttemptFailed, CredentialVerdict
from trunkline.kit.clock import Clock

# A target is about 6 KB. Names such as provider/model let a caller make up targets, so the number
# is bounded, and those that were not called for longest are forgotten.
MOST_TARGETS = 4096
# So large a part of them is forgotten at once.
_PARTS_FORGOTTEN: Final = 16
_USED: Final = attrgetter("used")
# The ticket of a call that says nothing about the circuit.
_NO_TICKET = -1

logger = logging.getLogger(__name__)


class Call(msgspec.Struct, gc=False, eq=False):
    """One attempt at a target, until its end. The first of ``ended`` and ``cancelled`` counts.

    Its state is the moment of its first content, and the target's fare until its end. Nothing that
    it holds leads back to it, so the collector of cycles need not know it.
    """

    _fare: Fare | None
    _terms: CircuitTerms
    _ticket: int
    _begun: float
    _first: float | None = None

    def first_content(self) -> None:
        """The first content has come, or the whole answer. Only the first time counts."""
        fare = self._fare
        if fare is not None and self._first is None:
            now = self._first = fare.monotonic()
            fare.latency.add(now, now - self._begun)

    def ended(self, failure: AttemptFailed | None, output_tokens: int = 0) -> None:
        """The attempt is over: whole, or with a failure."""
        fare, self._fare = self._fare, None
        if fare is None:
            return
        fare.in_flight -= 1
        now, begun, first = fare.monotonic(), self._begun, self._first
        spoke = now if first is None else first
        if failure is None:
            if output_tokens:
                fare.latency.spoke(now, begun, spoke, output_tokens)
        elif not _counts(fare, failure):
            fare.circuit.released(self._ticket)
            return
        elif first is None:
            fare.latency.add_lost(now, now - begun)
        terms, circuit = self._terms, fare.circuit
        slow = terms.slow is not None and spoke - begun > terms.slow
        if failure is None and not slow:
            fare.ended.add(now, LATELY)
            moved = circuit.ended_well(self._ticket, now, terms)
        else:
            failed = failure is not None
            fare.ended.add_bad(now, LATELY, failed=failed, slow=slow)
            moved = circuit.ended_badly(self._ticket, now, terms, failed=failed, slow=slow)
        if moved:
            _tell(fare.target, circuit.reason if circuit.is_open else None)

    def cancelled(self) -> None:
        """The attempt was given up by us or by the caller, which says nothing about the target."""
        fare, self._fare = self._fare, None
        if fare is None:
            return
        fare.in_flight -= 1
        fare.circuit.released(self._ticket)
        if self._first is None:
            now = fare.monotonic()
            fare.latency.add_lost(now, now - self._begun)


def _counts(fare: Fare, failure: AttemptFailed) -> bool:
    """A refused secret is not the target's fault, unless there is no other left."""
    return failure.blames or (
        failure.credential == "dead" and not fare.works(fare.target.connection)
    )


def _tell(target: Target, reason: str | None) -> None:
    """Log that a circuit has opened for this reason, or has closed."""
    model, name = target.model, target.connection.name
    if reason is None:
        logger.warning("The circuit of %s at connection %s is closed again", model, name)
    else:
        logger.warning("The circuit of %s at connection %s is open: %s", model, name, reason)


class Health(HealthView):
    """The health of all targets of a process.

    Its state is what calls have shown, of at most ``most`` targets, those that were called last,
    and the overrides. ``app.py`` owns it; there is nothing to close.

    Args:
        clock: steady time.
        rng: for the jitter of repeated openings.
        most: bound of the targets that are remembered.

    Attributes:
        credentials: which secrets rest, and whose turn it is.
    """

    def __init__(
        self, clock: Clock, rng: random.Random | None = None, *, most: int = MOST_TARGETS
    ) -> None:
        self._monotonic = clock.monotonic
        # Jitter needs no secrecy.
        self._rng = rng or random.Random()  # noqa: S311 - it spreads probes and guards nothing.
        self._most = most
        self._fares: dict[str, Fare] = {}
        self._forced: Mapping[str, Literal["open", "closed"]] = {}
        self.credentials = RestingCredentials(clock.monotonic)

    def begin(self, target: Target, terms: CircuitTerms) -> Call | None:
        """Leave to call a target; None where its circuit is open or its one probe is under way."""
        fare = self._fares.get(target.key)
        if fare is None:
            fare = self._remember(target)
        now = self._monotonic()
        fare.target, fare.used = target, now
        ticket: int | None = _NO_TICKET
        if fare.forced is None:
            ticket = fare.circuit.begin(now)
        elif fare.forced == "open":
            return None
        if ticket is None:
            if terms.enabled:
                return None
            # Another alias has opened it. Ours wants to ask in any case, and tells it nothing.
            ticket = _NO_TICKET
        fare.terms = terms
        fare.in_flight += 1
        fare.budget.began(now)
        return Call(fare, terms, ticket, now)

    def until_probe(self, target: Target) -> float | None:
        """Seconds until an open circuit lets a probe through; 0 where it is not open.

        None where it is held open by hand: nobody knows for how long.
        """
        fare = self._fares.get(target.key)
        if fare is None:
            return 0.0
        return None if fare.forced == "open" else fare.circuit.until_probe(self._monotonic())

    @override
    def state(self, target: Target) -> CircuitState:
        fare = self._fares.get(target.key)
        if fare is None:
            return self._forced.get(target.place, "closed")
        if fare.forced is not None:
            return fare.forced
        circuit = fare.circuit
        return circuit.state(self._monotonic()) if circuit.is_open else "closed"

    @override
    def first_content(self, target: Target) -> float | None:
        fare = self._fares.get(target.key)
        return None if fare is None else fare.latency.average(self._monotonic())

    @override
    def in_flight(self, target: Target) -> int:
        fare = self._fares.get(target.key)
        return 0 if fare is None else fare.in_flight

    @override
    def wait(self, target: Target) -> float | None:
        fare = self._fares.get(target.key)
        if fare is None:
            return None
        average = fare.latency.average(self._monotonic())
        return None if average is None else average * (fare.in_flight + 1)

    def percentile(self, target: Target, percent: float) -> float | None:
        """Seconds until first content within which so many percent of the last calls spoke.

        None with fewer than 20 known.
        """
        fare = self._fares.get(target.key)
        return None if fare is None else fare.latency.percentile(percent)

    def may_retry(self, target: Target, retry: Retry) -> bool:
        """Take one repeat from the target's budget, where it has one left."""
        fare = self._fares.get(target.key)
        return fare is None or fare.budget.take(self._monotonic(), retry.budget)

    def override(self, states: Mapping[str, Literal["open", "closed"]]) -> None:
        """Hold circuits open or closed by hand; replaces all earlier overrides.

        Args:
            states: by ``Target.place``. A target that is no longer among them begins anew.
        """
        before, self._forced = self._forced, dict(states)
        changed = before.keys() | self._forced.keys()
        for fare in self._fares.values():
            place = fare.target.place
            if place in changed:
                fare.forced = self._forced.get(place)
                if fare.forced is None:
                    fare.circuit.forget()

    def report(self) -> list[TargetReport]:
        """All targets that are remembered, the ones called last at the end."""
        now = self._monotonic()
        return [fare.report(now) for fare in sorted(self._fares.values(), key=_USED)]

    def resting(self) -> list[CredentialReport]:
        """The secrets that rest now."""
        return [CredentialReport(*one) for one in self.credentials.resting()]

    def verdicts(self) -> Mapping[CredentialVerdict, int]:
        """How often providers limited, refused or barred a secret, since the start."""
        return self.credentials.verdicts

    def _remember(self, target: Target) -> Fare:
        if len(self._fares) >= self._most:
            self._forget()
        fare = Fare(
            target,
            self._rng,
            self._forced.get(target.place),
            self._monotonic,
            self.credentials.works,
        )
        self._fares[target.key] = fare
        return fare

    def _forget(self) -> None:
        """Make room; for several at once, since finding those called longest ago takes a while."""
        several = max(self._most // _PARTS_FORGOTTEN, 1)
        for fare in heapq.nsmallest(several, self._fares.values(), key=_USED):
            del self._fares[fare.target.key]
