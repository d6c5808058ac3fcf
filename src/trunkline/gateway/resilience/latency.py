"""How long a target takes to say something, and how fast it speaks then."""

import math
from collections import deque

# After so many seconds without a call, a moving average has lost two thirds of its weight.
_MEMORY = 10.0
# One call alone never moves an average by more than this part of the way, which it does after a
# pause of this length.
_MOST_WEIGHT = 0.5
_LONG_PAUSE = -_MEMORY * math.log(1.0 - _MOST_WEIGHT)
# A target that was not asked for this long is thought of as faster and faster, until it is asked
# again: a bad average would otherwise keep it from ever showing a better one.
_FRESH = 10.0
_FADING = 60.0
_RING = 128
_LEAST_KNOWN = 20
# The percentiles are computed anew after so many values; one value hardly moves them.
_STALE = 8
_SPEED_MEMORY = 60.0
# A first content that comes later than this part of the call belongs to an answer that came at
# once; the whole call is then the time that its tokens took.
_AT_ONCE = 0.95


class Latency:
    """Seconds until first content and output tokens per second of one target.

    Its state is a moving average, the last ``_RING`` values, and two decaying sums.
    """

    __slots__ = (
        "_average",
        "_seconds",
        "_since_sorted",
        "_sorted",
        "_tokens",
        "_updated",
        "_values",
    )

    def __init__(self) -> None:
        self._average: float | None = None
        self._updated = 0.0
        self._values: deque[float] = deque(maxlen=_RING)
        self._sorted: list[float] = []
        self._since_sorted = 0
        self._tokens = 0.0
        self._seconds = 0.0

    def add(self, now: float, seconds: float) -> None:
        """The first content came after so many seconds."""
        average = self._average
        if average is None:
            self._average = seconds
        else:
            idle = now - self._updated
            weight = 1.0 - math.exp(-idle / _MEMORY) if idle < _LONG_PAUSE else _MOST_WEIGHT
            self._average = average + weight * (seconds - average)
        self._updated = now
        self._values.append(seconds)
        self._since_sorted += 1

    def add_lost(self, now: float, seconds: float) -> None:
        """A call ended after so many seconds without content.

        It would have taken longer than that. Where that is less than usual it tells nothing; where
        it is more, leaving it out would let a target look fast whose slow calls are given up.
        """
        average = self._average
        if average is not None and seconds > average:
            self.add(now, seconds)

    def average(self, now: float) -> float | None:
        """The moving average of seconds until first content, or None when nothing is known."""
        average = self._average
        if average is None:
            return None
        idle = now - self._updated - _FRESH
        return average if idle <= 0 else average * math.exp(-idle / _FADING)

    def percentile(self, percent: float) -> float | None:
        """Of the last values; None with fewer than 20, since they say little."""
        if len(self._values) < _LEAST_KNOWN:
            return None
        if self._since_sorted >= _STALE or not self._sorted:
            self._sorted = sorted(self._values)
            self._since_sorted = 0
        ordered = self._sorted
        rank = math.ceil(percent / 100.0 * len(ordered)) - 1
        return ordered[min(max(rank, 0), len(ordered) - 1)]

    def spoke(self, now: float, begun: float, first: float, tokens: int) -> None:
        """A call brought so many output tokens between its first content and now."""
        whole = now - begun
        seconds = whole if first - begun >= _AT_ONCE * whole else now - first
        if seconds <= 0:
            return
        kept = math.exp(-seconds / _SPEED_MEMORY)
        self._tokens = self._tokens * kept + tokens
        self._seconds = self._seconds * kept + seconds

    def tokens_per_second(self) -> float | None:
        """Output tokens per second of the last calls, the longer ones counting more, or None."""
        return self._tokens / self._seconds if self._seconds else None
