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
        opened: how often it has opened.
        closed: how often it has closed again.
        reason: a few words about why it opened last, or None.
    """

    __slots__ = (
        "_era",
        "_failed_probes",
        "_is_open",
        "_probe",
        "_probe_at",
        "_rng",
        "closed",
        "opened",
        "reason",
        "window",
    )

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._era = 0
        self._is_open = False
        self._probe = False
        self._probe_at = 0.0
        self._failed_probes = 0
        self.window = SlidingWindow()
        self.opened = 0
        self.closed = 0
        self.reason: str | None = None

    def state(self, now: float) -> CircuitState:
        """Closed, open, or half open once the time of being open is over."""
        if not self._is_open:
            return "closed"
        return "half_open" if self._probe or now >= self._probe_at else "open"

    def until_probe(self, now: float) -> float:
        """Seconds until a probe may begin; 0 where one may, is under way, or none is needed."""
        return max(self._probe_at - now, 0.0) if self._is_open and not self._probe else 0.0

    def begin(self, now: float) -> int | None:
        """A ticket for a call, or None where none may begin now."""
        if not self._is_open:
            return self._era
        if self._probe or now < self._probe_at:
            return None
        self._probe = True
        return self._era

    def ended(
        self, ticket: int, now: float, terms: CircuitTerms, *, failed: bool, slow: bool
    ) -> bool:
        """A call came to its end and tells something about the target; whether that moved us."""
        if ticket != self._era:
            return False
        if self._is_open:
            if failed or slow:
                self._failed_probes += 1
                self._open(now, terms, "the probe failed" if failed else "the probe was slow")
            else:
                self._close()
            return True
        window = self.window
        window.add(now, terms.window, failed=failed, slow=slow)
        if window.failures or window.slow:
            reason = self._judge(now, terms)
            if reason is not None:
                self._open(now, terms, reason)
                return True
        return False

    def released(self, ticket: int) -> None:
        """A call is over that tells nothing about the target; a probe's place is free again."""
        if ticket == self._era:
            self._probe = False

    def forget(self) -> None:
        """Begin anew, closed and with an empty window, after somebody has taken it in hand."""
        self._era += 1
        self._is_open = self._probe = False
        self._failed_probes = 0
        self.reason = None
        self.window.clear()

    def _judge(self, now: float, terms: CircuitTerms) -> str | None:
        """Why the calls of the window open it, or None."""
        window = self.window
        window.trim(now, terms.window)
        if not terms.enabled or window.calls < max(terms.minimum, 1):
            return None
        # A share is compared as a product, since 0.8 of 20 is 16 and 16/20 is not always 0.8.
        if window.failures and window.failures >= terms.failures * window.calls:
            return f"{window.failures} of {window.calls} calls failed"
        if window.slow and window.slow >= terms.slow_share * window.calls:
            return f"{window.slow} of {window.calls} calls were slow"
        return None

    def _open(self, now: float, terms: CircuitTerms, reason: str) -> None:
        self._era += 1
        self._is_open, self._probe = True, False
        self._probe_at = now + self._rest(terms)
        self.window.clear()
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
        self._is_open = self._probe = False
        self._failed_probes = 0
        self.closed += 1
        self.window.clear()
