"""A budget that holds what an attempt is likely to cost, and bounds how wrong that can be."""

from zoneinfo import ZoneInfo

from typing_extensions import override

from trunkline.limits.counters.budget import Budget, Turns
from trunkline.limits.counters.counter import Tally
from trunkline.limits.counters.hold import Hold
from trunkline.limits.rules import BudgetRule


class ExpectedBudget(Budget):
    """Two sums of holds: the likely one fits the amount, the worst one amount plus overshoot.

    So even if every running attempt came to its worst case, the amount would be passed by no more
    than the overshoot that the rule states.
    """

    __slots__ = ("_held_worst",)

    def __init__(
        self,
        rule: BudgetRule,
        scope_id: str,
        zone: ZoneInfo,
        tally: Tally,
        turns: Turns,
        wall: int,
    ) -> None:
        super().__init__(rule, scope_id, zone, tally, turns, wall)
        self._held_worst = 0

    @override
    def take(self, hold: Hold) -> bool:
        self.advance(hold.at)
        if not self._fits(hold.worst + self._held_worst, hold.likely + self.held):
            if self.rule.enforced:
                return False
            self.tally.would_refuse += 1
        self.held += hold.likely
        self._held_worst += hold.worst
        return True

    @override
    def give(self, hold: Hold) -> None:
        if hold.turn >= self.turn:
            self.held -= hold.likely
            self._held_worst -= hold.worst

    @override
    def keep_back(self, nano: int, at: int) -> Hold | None:
        hold = super().keep_back(nano, at)
        if hold is not None:
            self._held_worst += nano
        return hold

    @override
    def settle(self, hold: Hold, cost: int) -> None:
        self.give(hold)
        self.charge(hold, cost)

    @override
    def exhausted(self, hold: Hold) -> bool:
        return not self._fits(hold.worst, hold.likely)

    def _fits(self, worst: int, likely: int) -> bool:
        rule = self.rule
        return (
            self.spent + likely <= rule.amount_nano
            and self.spent + worst <= rule.amount_nano + rule.overshoot_nano
        )

    @override
    def _forget_holds(self) -> None:
        self.held = 0
        self._held_worst = 0
