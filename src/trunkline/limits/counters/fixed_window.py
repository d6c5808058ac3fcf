"""So many in each window, all of them aligned to the Unix epoch."""

from typing_extensions import override

from trunkline.limits.counters.counter import RateCounter, Tally
from trunkline.limits.rules import LimitRule


class FixedWindow(RateCounter):
    """The cheapest to think about: the count starts again at each full window.

    Two windows that meet may together carry twice the amount within less than one window's length.
    """

    __slots__ = ("_count", "_end", "_per")

    def __init__(self, rule: LimitRule, scope_id: str, tally: Tally, now: int) -> None:
        super().__init__(rule, scope_id, tally)
        self._per = rule.per_seconds * 1000
        self._count = 0
        self._end = 0
        self._advance(now)

    @override
    def take(self, now: int, wall: int, tokens: int) -> bool:
        if now >= self._end:
            self._advance(now)
        count = self._count
        after = count + (tokens if self.per_token else 1)
        if after > self.limit and count > 0:
            return False
        self._count = after
        return True

    @override
    def undo(self, tokens: int) -> None:
        self._count -= tokens if self.per_token else 1

    @override
    def settle(self, now: int, at: int, lost: int, reserved: int, used: int) -> None:
        delta = used - reserved
        self._advance(now)
        if delta > 0 or at >= self._end - self._per:
            self._count += delta

    @override
    def used(self, now: int, wall: int) -> int:
        if now >= self._end:
            self._advance(now)
        return self._count

    @override
    def wait(self, now: int, wall: int, tokens: int) -> int:
        self._advance(now)
        need = min(tokens if self.per_token else 1, self.limit)
        return self._end - now if self._count + need > self.limit else 0

    @override
    def reset(self, now: int, wall: int) -> int:
        self._advance(now)
        return self._end - now if self._count else 0

    def _advance(self, now: int) -> None:
        if now >= self._end:
            self._end = (now // self._per + 1) * self._per
            self._count = 0
