"""A bucket that fills steadily and is emptied by requests or tokens; allows bursts."""

# ruff: noqa: FURB136, PLR1730 - min and max are calls, and each request would make a dozen of them.

from typing_extensions import override

from trunkline.limits.counters.counter import RateCounter, Tally
from trunkline.limits.rules import LimitRule


class TokenBucket(RateCounter):
    """``amount`` flow in per ``per_seconds``, at most ``burst`` are kept.

    All amounts are kept in units of 1/per_ms, so that one millisecond adds exactly ``amount``
    units and nothing is rounded. The level is below zero after actual use exceeded a reservation.

    A reservation that comes back must not hold more than if it had never been taken: what flowed in
    meanwhile might then have flowed over. ``_gone`` is how much of what is reserved may not come
    back any more, ``lost`` sums what would have flowed over had all the rest come back at once, and
    each reservation comes back less what was lost since it was taken. In any stretch of time no
    more is used than the burst and what flowed in.
    """

    __slots__ = ("_amount", "_full", "_gone", "_level", "_per", "_reserved", "_stamp")

    def __init__(self, rule: LimitRule, scope_id: str, tally: Tally, now: int) -> None:
        super().__init__(rule, scope_id, tally)
        self._amount = rule.amount
        self._per = rule.per_seconds * 1000
        self.limit = rule.burst or rule.amount
        self._full = self.limit * self._per
        self._level = self._full
        self._stamp = now
        self._reserved = 0
        self._gone = 0

    @override
    def take(self, now: int, wall: int, tokens: int) -> bool:
        if now > self._stamp:
            self._fill(now)
        per_token = self.per_token
        need = tokens * self._per if per_token else self._per
        level = self._level
        if level < need and level < self._full:
            return False
        self._level = level - need
        if per_token:
            self._reserved += need
        return True

    @override
    def undo(self, tokens: int) -> None:
        need = tokens * self._per if self.per_token else self._per
        self._level += need
        if self.per_token:
            self._reserved -= need

    @override
    def settle(self, now: int, at: int, lost: int, reserved: int, used: int) -> None:
        if now > self._stamp:
            self._fill(now)
        left = taken = reserved * self._per
        self._reserved -= taken
        if self.lost != lost:
            left = taken - (self.lost - lost)
            if left < 0:
                left = 0
            self._account(taken - left)
        back = taken - used * self._per
        level = self._level + (back if back < left else left)
        self._level = level if level < self._full else self._full

    @override
    def used(self, now: int, wall: int) -> int:
        level = self._level if now <= self._stamp else self._level_at(now)
        return -((level - self._full) // self._per)

    @override
    def wait(self, now: int, wall: int, tokens: int) -> int:
        need = min(tokens * self._per if self.per_token else self._per, self._full)
        return max(0, -((self._level_at(now) - need) // self._amount))

    @override
    def reset(self, now: int, wall: int) -> int:
        level = self._level if now <= self._stamp else self._level_at(now)
        return -((level - self._full) // self._amount)

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
        """Let flow in what time has brought since the last time."""
        level = self._level + (now - self._stamp) * self._amount
        if level > self._full:
            level = self._full
        self._level = level
        self._stamp = now
        # No more than is reserved, because no level is above the full one.
        over = level + self._reserved - self._gone - self._full
        if over > 0:
            self.lost += over
            self._gone += over

    def _account(self, gone: int) -> None:
        """So much less of what is gone belongs to reservations that are open."""
        rest = self._gone - gone
        if rest > self._reserved:
            rest = self._reserved
        self._gone = rest if rest > 0 else 0

    def _level_at(self, now: int) -> int:
        if now <= self._stamp:
            return self._level
        return min(self._level + (now - self._stamp) * self._amount, self._full)
