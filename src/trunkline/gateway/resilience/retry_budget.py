"""Bounds repeats at a target to a part of its calls, so that repeats never become the load."""

from trunkline.gateway.resilience.window import SlidingWindow

WINDOW = 10.0
# A target with few calls may have so many repeats in any case.
FLOOR = 3


class RetryBudget:
    """First tries and repeats at one target over the last ten seconds.

    Source: the retry budgets of Finagle and Linkerd. Its state is two windows and a count.

    Attributes:
        refused: how many repeats were not allowed since it was made.
    """

    __slots__ = ("_again", "_begun", "refused")

    def __init__(self) -> None:
        self._begun = SlidingWindow()
        self._again = SlidingWindow()
        self.refused = 0

    @property
    def repeats(self) -> int:
        """How many were allowed since it was made."""
        return self._again.calls

    def began(self, now: float) -> None:
        """A call begins; whether it is a repeat was said by ``take``."""
        self._begun.add(now, WINDOW)

    def take(self, now: float, share: float) -> bool:
        """Take one repeat, where repeats are at most this share of the first tries."""
        again = self._again.lately(now, WINDOW).calls
        tries = max(self._begun.lately(now, WINDOW).calls - again, 0)
        # Nobody who sets the share to nothing wants the floor.
        if share <= 0 or again + 1 > max(share * tries, FLOOR):
            self.refused += 1
            return False
        self._again.add(now, WINDOW)
        return True
