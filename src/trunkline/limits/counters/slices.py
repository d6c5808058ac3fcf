"""Amounts of the recent past in slices of equal length, the oldest dropped as time moves on.

The span always covers at least ``slices`` whole slices besides the running one. What it sums is
therefore never less than what happened within ``slices * width``, and what leaves the window
leaves the sum at most one width late.
"""


class Slices:
    """A sum over a moving window. Time only moves forward; ``total`` is the sum."""

    __slots__ = ("_amounts", "_index", "_length", "total", "width")

    def __init__(self, width: int, slices: int, now: int) -> None:
        self.width = width
        self._length = slices + 1
        self._amounts = [0] * self._length
        self._index = now // width
        self.total = 0

    @property
    def ends(self) -> int:
        """The instant at which the running slice ends."""
        return (self._index + 1) * self.width

    def advance(self, now: int) -> None:
        """Drop what has left the window."""
        index = now // self.width
        for step in range(self._index + 1, min(index, self._index + self._length) + 1):
            place = step % self._length
            self.total -= self._amounts[place]
            self._amounts[place] = 0
        self._index = max(self._index, index)

    def add(self, amount: int) -> None:
        """Count an amount in the running slice."""
        self._amounts[self._index % self._length] += amount
        self.total += amount

    def add_at(self, at: int, amount: int) -> bool:
        """Count an amount at a past instant; False when that has already left the window."""
        index = min(at // self.width, self._index)
        if index <= self._index - self._length:
            return False
        self._amounts[index % self._length] += amount
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
        for index in range(self._index, self._index - self._length, -1):
            if self._amounts[index % self._length]:
                return (index + self._length) * self.width
        return 0
