"""Amounts of the recent past in slices of equal length, the oldest dropped as time moves on.

The span always covers at least ``slices`` whole slices besides the running one. What it sums is
therefore never less than what happened within ``slices * width``, and what leaves the window
leaves the sum at most one width late.
"""


class Slices:
    """A sum over a moving window. Time only moves forward.

    Attributes:
        total: the sum.
        ends: the instant at which the running slice ends, from which ``advance`` has work to do.
    """

    __slots__ = ("_amounts", "_index", "_length", "_place", "ends", "total", "width")

    def __init__(self, width: int, slices: int, now: int) -> None:
        self.width = width
        self._length = slices + 1
        self._amounts = [0] * self._length
        self.total = 0
        self._begin(now // width)

    def advance(self, now: int) -> None:
        """Drop what has left the window."""
        if now < self.ends:
            return
        index = now // self.width
        for step in range(self._index + 1, min(index, self._index + self._length) + 1):
            place = step % self._length
            self.total -= self._amounts[place]
            self._amounts[place] = 0
        self._begin(index)

    def add(self, amount: int) -> None:
        """Count an amount in the running slice."""
        self._amounts[self._place] += amount
        self.total += amount

    def add_at(self, at: int, amount: int) -> bool:
        """Count an amount at a past instant; False when that has already left the window."""
        place = self._place
        if at < self.ends - self.width:
            index = at // self.width
            if index <= self._index - self._length:
                return False
            place = index % self._length
        self._amounts[place] += amount
        self.total += amount
        return True

    def starts(self) -> tuple[int, ...]:
        """The instants at which the slices of the window began, oldest first."""
        first = self._index - self._length + 1
        return tuple(index * self.width for index in range(first, self._index + 1))

    def frees(self, excess: int) -> int | None:
        """The instant at which at least this much will have left, or None if that much is not in.

        An excess that is not above zero is free already: instant 0.
        """
        if excess <= 0:
            return 0
        for index in range(self._index - self._length + 1, self._index + 1):
            excess -= self._amounts[index % self._length]
            if excess <= 0:
                return (index + self._length) * self.width
        return None

    def empties(self) -> int:
        """The instant at which the newest amount will have left; 0 when nothing is in."""
        if self._amounts[self._place]:
            return (self._index + self._length) * self.width
        for index in range(self._index - 1, self._index - self._length, -1):
            if self._amounts[index % self._length]:
                return (index + self._length) * self.width
        return 0

    def _begin(self, index: int) -> None:
        """Let this be the running slice."""
        self._index = index
        self._place = index % self._length
        self.ends = (index + 1) * self.width
