"""Bounds repeats at a target to a part of its calls, so that repeats never become the load."""

from trunkline.gateway.resilience.window import SlidingWindow

WINDOW = 10.0
# A target with few calls may have so many repeats in any case.
FLOOR = 3


class RetryBudget:
    """First tries and repeats at one target over the last ten seconds.

    Source: the retry budgets of Finagle and Linkerd. Its state is two windows.

    Attributes:
        repeats: how many repeats were allowed since it was made.
        refused: how many were not.
    """

    __slots__ = ("_again", "_first", "refused", "repeats")

    def __init__(self) -> None:
        self._first = SlidingWindow()
        self._again = SlidingWindow()
        self.repeats = 0
        self.refused = 0

    def began(self, now: float) -> None:
        """A call begins; whether it is a repeat was said by ``take``."""
        self._first.add(now, WINDOW, failed=False, slow=False)

    def take(self, now: float, share: float) -> bool:
        """Take one repeat, where repeats are at most this share of the first tries."""
        first, again = self._first, self._again
        first.trim(now, WINDOW)
        again.trim(now, WINDOW)
        tries = max(first.calls - again.calls, 0)
        # Nobody who sets the share to nothing wants the floor.
        if share <= 0 or again.calls + 1 > max(share * tries, FLOOR):
            self.refused += 1
            return False
        again.add(now, WINDOW, failed=False, slow=False)
        self.repeats += 1
        return True
