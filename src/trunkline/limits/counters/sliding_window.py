"""At most so many in any stretch of time of the window's length."""

from typing_extensions import override

from trunkline.limits.counters.counter import RateCounter, Tally
from trunkline.limits.counters.slices import Slices
from trunkline.limits.rules import LimitRule

SLICES = 20
"""Capacity returns at most a twentieth of the window late; it never returns early."""


class SlidingWindow(RateCounter):
    """Counts by slices and errs only on the strict side."""

    __slots__ = ("_slices",)

    def __init__(self, rule: LimitRule, scope_id: str, tally: Tally, now: int) -> None:
        super().__init__(rule, scope_id, tally)
        self._slices = Slices(rule.per_seconds * 1000 // SLICES, SLICES, now)

    @override
    def take(self, now: int, wall: int, tokens: int) -> bool:
        slices = self._slices
        if now >= slices.ends:
            slices.advance(now)
        need = tokens if self.per_token else 1
        if slices.total + need > self.limit and slices.total > 0:
            return False
        slices.add(need)
        return True

    @override
    def undo(self, tokens: int) -> None:
        self._slices.add(-tokens if self.per_token else -1)

    @override
    def settle(self, now: int, at: int, lost: int, reserved: int, used: int) -> None:
        delta = used - reserved
        self._slices.advance(now)
        if delta > 0:
            self._slices.add(delta)
        else:
            self._slices.add_at(at, delta)

    @override
    def used(self, now: int, wall: int) -> int:
        slices = self._slices
        if now >= slices.ends:
            slices.advance(now)
        return slices.total

    @override
    def wait(self, now: int, wall: int, tokens: int) -> int:
        self._slices.advance(now)
        need = min(tokens if self.per_token else 1, self.limit)
        at = self._slices.frees(self._slices.total + need - self.limit)
        return max(0, (at or 0) - now)

    @override
    def reset(self, now: int, wall: int) -> int:
        self._slices.advance(now)
        empties = self._slices.empties()
        return empties - now if empties > now else 0
