"""What happened lately, told from counts that only grow, so that no call is kept singly."""

import math
from collections import deque
from typing import NamedTuple

# A window is as exact as one of so many parts of it.
PARTS = 20
_PART = 1.0 / PARTS


class Counts(NamedTuple):
    """Calls that ended, and how many of them failed and were slow."""

    calls: int
    failures: int
    slow: int


_NONE = Counts(0, 0, 0)


class _Mark(NamedTuple):
    """What had been counted when a part of a window began."""

    since: float
    calls: int
    failures: int
    slow: int


class SlidingWindow:
    """Counts calls, and tells those of the last seconds; older ones leave a part at a time.

    Its state is what was counted in all, and at most ``PARTS`` marks. A call belongs to the last
    seconds for at least the window less one part, and never for longer than the window.

    Attributes:
        calls: how many ended since it was made or cleared.
        failures: how many of them failed.
        slow: how many of them were slow.
    """

    __slots__ = ("_marks", "_since", "calls", "failures", "slow")

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque()
        self._since = -math.inf
        self.calls = 0
        self.failures = 0
        self.slow = 0

    def add(self, now: float, window: float) -> None:
        """Count a call that ended well now, over a window of so many seconds."""
        if now - self._since >= window * _PART:
            self._begin_part(now, window)
        self.calls += 1

    def add_bad(self, now: float, window: float, *, failed: bool, slow: bool) -> None:
        """Count a call that failed, was slow, or both."""
        self.add(now, window)
        self.failures += failed
        self.slow += slow

    def lately(self, now: float, window: float) -> Counts:
        """Those of the last seconds; what began longer ago is forgotten."""
        marks = self._marks
        while marks and now - marks[0].since >= window:
            marks.popleft()
        if not marks:
            # A mark that is gone counts for nobody, whatever the window of the next call is.
            self._since = -math.inf
            return _NONE
        _, calls, failures, slow = marks[0]
        return Counts(self.calls - calls, self.failures - failures, self.slow - slow)

    def clear(self) -> None:
        """Forget everything."""
        self._marks.clear()
        self._since = -math.inf
        self.calls = self.failures = self.slow = 0

    def _begin_part(self, now: float, window: float) -> None:
        self.lately(now, window)
        self._marks.append(_Mark(now, self.calls, self.failures, self.slow))
        self._since = now
