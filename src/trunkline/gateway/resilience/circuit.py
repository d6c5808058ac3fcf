"""Leaves a target alone that keeps failing, and finds out with single calls when it is well again.

Source: the sliding window and the states of resilience4j's circuit breaker. Each change of state
comes from a call or from the passing of time, never from outside.
"""

import random

from trunkline.gateway.policy import CircuitTerms
from trunkline.gateway.resilience.window import SlidingWindow
from trunkline.gateway.routing.view import CircuitState

# Failures that follow each other double the time at most so often; ``longest`` ends it earlier.
_MOST_DOUBLINGS = 32
# A repeated opening is shorter by a random part of up to this, so that the probes of several
# processes do not come together.
_JITTER = 0.2


class Circuit:
    """The circuit of one target.

    Its state is a window of calls, when it may be probed, and a number that changes with each
    change of state: a call that began before tells nothing about what is now.

    Where aliases with different terms share a target, those of the newest call hold.

    Attributes:
        is_open: whether it has opened and not closed again; half open counts as open.
        opened: how often it has opened.
        closed: how often it has closed again.
        reason: a few words about why it opened last, or None.
    """

    __slots__ = (
        "_doubtful",
        "_era",
        "_failed_probes",
        "_probe",
        "_probe_at",
        "_rng",
        "_window",
        "closed",
        "is_open",
        "opened",
        "reason",
    )

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._era = 0
        self._probe = False
        self._probe_at = 0.0
        self._failed_probes = 0
        self._window = SlidingWindow()
        # Whether the window may hold a bad call: good ones alone open nothing.
        self._doubtful = False
        self.is_open = False
        self.opened = 0
        self.closed = 0
        self.reason: str | None = None

    def state(self, now: float) -> CircuitState:
        """Closed, open, or half open once the time of being open is over."""
        if not self.is_open:
            return "closed"
        return "half_open" if self._probe or now >= self._probe_at else "open"

    def until_probe(self, now: float) -> float:
        """Seconds until a probe may begin; 0 where one may, is under way, or none is needed."""
        return max(self._probe_at - now, 0.0) if self.is_open and not self._probe else 0.0

    def begin(self, now: float) -> int | None:
        """A ticket for a call, or None where none may begin now."""
        if not self.is_open:
            return self._era
        if self._probe or now < self._probe_at:
            return None
        self._probe = True
        return self._era

    def ended_well(self, ticket: int, now: float, terms: CircuitTerms) -> bool:
        """A call came to a good end in good time; whether that moved us."""
        if ticket != self._era:
            return False
        if self.is_open:
            self._close()
            return True
        self._window.add(now, terms.window)
        return self._doubtful and self._judge(now, terms)

    def ended_badly(
        self, ticket: int, now: float, terms: CircuitTerms, *, failed: bool, slow: bool
    ) -> bool:
        """A call failed by the target's fault, or was slow, or both; whether that moved us."""
        if ticket != self._era:
            return False
        if self.is_open:
            self._failed_probes += 1
            self._open(now, terms, "the probe failed" if failed else "the probe was slow")
            return True
        self._window.add_bad(now, terms.window, failed=failed, slow=slow)
        return self._judge(now, terms)

    def released(self, ticket: int) -> None:
        """A call is over that tells nothing about the target; a probe's place is free again."""
        if ticket == self._era:
            self._probe = False

    def forget(self) -> None:
        """Begin anew, closed and with an empty window, after somebody has taken it in hand."""
        self._era += 1
        self.is_open = self._probe = False
        self._failed_probes = 0
        self.reason = None
        self._window.clear()

    def _judge(self, now: float, terms: CircuitTerms) -> bool:
        """Open where the calls of the window say so; whether they did."""
        calls, failures, slow = self._window.lately(now, terms.window)
        self._doubtful = failures > 0 or slow > 0
        if not terms.enabled or calls < max(terms.minimum, 1):
            return False
        # A share is compared as a product, since 0.8 of 20 is 16 and 16/20 is not always 0.8.
        if failures and failures >= terms.failures * calls:
            self._open(now, terms, f"{failures} of {calls} calls failed")
        elif slow and slow >= terms.slow_share * calls:
            self._open(now, terms, f"{slow} of {calls} calls were slow")
        return self.is_open

    def _open(self, now: float, terms: CircuitTerms, reason: str) -> None:
        self._era += 1
        self.is_open, self._probe = True, False
        self._probe_at = now + self._rest(terms)
        self._window.clear()
        self.opened += 1
        self.reason = reason

    def _rest(self, terms: CircuitTerms) -> float:
        doublings = min(self._failed_probes, _MOST_DOUBLINGS)
        if not doublings:
            return terms.open
        longest = max(terms.longest, terms.open)
        return min(terms.open * 2.0**doublings, longest) * (1.0 - _JITTER * self._rng.random())

    def _close(self) -> None:
        self._era += 1
        self.is_open = self._probe = False
        self._failed_probes = 0
        self.closed += 1
        self._window.clear()
