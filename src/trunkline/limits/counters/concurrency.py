"""At most so many requests at once."""

from typing_extensions import override

from trunkline.limits.counters.counter import RuleCounter, Tally
from trunkline.limits.rules import LimitRule


class Concurrency(RuleCounter):
    """Places that a lease occupies from admit to release, or until the lease expires."""

    __slots__ = ("_count",)

    def __init__(self, rule: LimitRule, scope_id: str, tally: Tally) -> None:
        super().__init__(rule, scope_id, tally)
        self._count = 0

    @override
    def take(self, now: int, wall: int, tokens: int) -> bool:
        if self._count >= self.limit:
            return False
        self._count += 1
        return True

    @override
    def undo(self, tokens: int) -> None:
        self._count -= 1

    def leave(self) -> None:
        """Give one place back."""
        self._count -= 1

    @override
    def used(self, now: int, wall: int) -> int:
        return self._count

    @override
    def wait(self, now: int, wall: int, tokens: int) -> int | None:
        return None if self._count >= self.limit else 0

    @override
    def reset(self, now: int, wall: int) -> int:
        return 0
