"""A bucket that fills steadily and is emptied by requests or tokens; allows bursts."""

from typing_extensions import override

from trunkline.limits.counters.counter import RateCounter, Tally
from trunkline.limits.rules import LimitRule


class TokenBucket(RateCounter):
    """``amount`` flow in per ``per_seconds``, at most ``burst`` are kept.

    The level is kept in units of 1/per_ms, so that one millisecond adds exactly ``amount`` units
    and nothing is rounded. It is below zero after actual use exceeded a reservation.
    """

    __slots__ = ("_amount", "_full", "_level", "_per", "_stamp")

    def __init__(self, rule: LimitRule, scope_id: str, tally: Tally, now: int) -> None:
        super().__init__(rule, scope_id, tally)
        self._amount = rule.amount
        self._per = rule.per_seconds * 1000
        self.limit = rule.burst or rule.amount
        self._full = self.limit * self._per
        self._level = self._full
        self._stamp = now

    @override
    def take(self, now: int, wall: int, tokens: int) -> bool:
        level = self._level
        if now > self._stamp:
            level += (now - self._stamp) * self._amount
            level = min(level, self._full)
            self._stamp = now
            self._level = level
        need = tokens * self._per if self.per_token else self._per
        if level < need and level < self._full:
            return False
        self._level = level - need
        return True

    @override
    def undo(self, tokens: int) -> None:
        self._level += tokens * self._per if self.per_token else self._per

    @override
    def adjust(self, now: int, taken_at: int, delta: int) -> None:
        self._level = min(self._level_at(now) - delta * self._per, self._full)
        self._stamp = max(self._stamp, now)

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
    def amend(self, rule: LimitRule) -> None:
        super().amend(rule)
        spent = self._full - self._level
        self._amount = rule.amount
        self.limit = rule.burst or rule.amount
        self._full = self.limit * self._per
        self._level = self._full - spent

    def _level_at(self, now: int) -> int:
        return min(self._level + max(0, now - self._stamp) * self._amount, self._full)
