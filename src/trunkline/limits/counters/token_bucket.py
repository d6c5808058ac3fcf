"""A bucket that fills steadily and is emptied by requests or tokens; allows bursts."""

from typing_extensions import override

from trunkline.limits.counters.counter import RateCounter, Tally
from trunkline.limits.rules import LimitRule


class TokenBucket(RateCounter):
    """``amount`` flow in per ``per_seconds``, at most ``burst`` are kept.

    All amounts are kept in units of 1/per_ms, so that one millisecond adds exactly ``amount``
    units and nothing is rounded. The level is below zero after actual use exceeded a reservation.

    A reservation that comes back must not hold more than if it had never been taken: what flowed in
    meanwhile might then have flowed over. ``_pool`` bounds what may still come back, ``_lost`` sums
    what would have flowed over had all of it come back at once, and each reservation comes back
    less what was lost since it was taken. In any stretch of time no more is used than the burst
    and what flowed in.
    """

    __slots__ = ("_amount", "_full", "_level", "_lost", "_per", "_pool", "_reserved", "_stamp")

    def __init__(self, rule: LimitRule, scope_id: str, tally: Tally, now: int) -> None:
        super().__init__(rule, scope_id, tally)
        self._amount = rule.amount
        self._per = rule.per_seconds * 1000
        self.limit = rule.burst or rule.amount
        self._full = self.limit * self._per
        self._level = self._full
        self._stamp = now
        self._reserved = 0
        self._pool = 0
        self._lost = 0

    @override
    def take(self, now: int, wall: int, tokens: int) -> bool:
        if now > self._stamp:
            self._fill(now)
        need = tokens * self._per if self.per_token else self._per
        if self._level < need and self._level < self._full:
            return False
        self._level -= need
        if self.per_token:
            self._reserved += need
            self._pool += need
        return True

    @override
    def undo(self, tokens: int) -> None:
        need = tokens * self._per if self.per_token else self._per
        self._level += need
        if self.per_token:
            self._reserved -= need
            self._pool -= need

    @override
    def mark(self, now: int) -> int:
        return self._lost

    @override
    def settle(self, now: int, mark: int, reserved: int, used: int) -> None:
        self._fill(now)
        taken = reserved * self._per
        left = max(0, taken - (self._lost - mark))
        self._reserved -= taken
        self._pool = min(max(0, self._pool - left), self._reserved)
        back = taken - used * self._per
        self._level = min(self._level + min(back, left), self._full)

    @override
    def used(self, now: int, wall: int) -> int:
        return -((self._level_at(now) - self._full) // self._per)

    @override
    def wait(self, now: int, wall: int, tokens: int) -> int:
        need = min(tokens * self._per if self.per_token else self._per, self._full)
        return max(0, -((self._level_at(now) - need) // self._amount))

    @override
    def reset(self, now: int, wall: int) -> int:
        return -((self._level_at(now) - self._full) // self._amount)

    @override
    def idle(self, now: int, wall: int) -> bool:
        return self._reserved == 0 and super().idle(now, wall)

    @override
    def amend(self, rule: LimitRule) -> None:
        super().amend(rule)
        spent = self._full - self._level
        self._amount = rule.amount
        self.limit = rule.burst or rule.amount
        self._full = self.limit * self._per
        self._level = self._full - spent

    def _fill(self, now: int) -> None:
        self._level = self._level_at(now)
        self._stamp = max(self._stamp, now)
        over = min(self._level + self._pool - self._full, self._pool)
        if over > 0:
            self._lost += over
            self._pool -= over

    def _level_at(self, now: int) -> int:
        return min(self._level + max(0, now - self._stamp) * self._amount, self._full)
