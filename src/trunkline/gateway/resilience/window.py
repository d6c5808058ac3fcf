"""What happened lately, in buckets of time, so that old calls leave without being kept singly."""

from collections import deque

# A window is as exact as one of so many parts of it.
PARTS = 20


class Bucket:
    """Counts of the calls that ended within one part of a window."""

    __slots__ = ("calls", "failures", "since", "slow")

    def __init__(self, since: float) -> None:
        self.since = since
        self.calls = 0
        self.failures = 0
        self.slow = 0


class SlidingWindow:
    """Counts calls over the last seconds; what is older is forgotten a bucket at a time.

    Its state is at most ``PARTS`` buckets and their totals. A call is counted for at least the
    window less one part, and never for longer than the window.

    Attributes:
        calls: how many ended.
        failures: how many of them failed.
        slow: how many of them were slow.
    """

    __slots__ = ("_buckets", "calls", "failures", "slow")

    def __init__(self) -> None:
        self._buckets: deque[Bucket] = deque()
        self.calls = 0
        self.failures = 0
        self.slow = 0

    def add(self, now: float, window: float, *, failed: bool, slow: bool) -> None:
        """Count a call that ended now, over a window of so many seconds."""
        buckets = self._buckets
        if not buckets or now - buckets[-1].since >= window / PARTS:
            self.trim(now, window)
            buckets.append(Bucket(now))
        bucket = buckets[-1]
        bucket.calls += 1
        self.calls += 1
        if failed:
            bucket.failures += 1
            self.failures += 1
        if slow:
            bucket.slow += 1
            self.slow += 1

    def trim(self, now: float, window: float) -> None:
        """Forget what began longer ago than the window."""
        buckets = self._buckets
        while buckets and now - buckets[0].since >= window:
            gone = buckets.popleft()
            self.calls -= gone.calls
            self.failures -= gone.failures
            self.slow -= gone.slow

    def clear(self) -> None:
        """Forget everything."""
        self._buckets.clear()
        self.calls = self.failures = self.slow = 0
