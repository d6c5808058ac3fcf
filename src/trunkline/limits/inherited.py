"""Attempts of an earlier process whose tokens are still to be counted, and what they may yet cost.

The ledger's sums have their estimates. Each budget that begins with such a sum keeps back the rest
of what was held, until the count is booked.
"""

from collections.abc import Iterable, Mapping

import msgspec

from trunkline.ledger.corrections import Estimated
from trunkline.limits.awaited import AWAITED_MS
from trunkline.limits.counters.budget import Budget
from trunkline.limits.counters.hold import Hold

Instance = tuple[str, str, str]
"""An organisation, a scope and the instance of that scope."""


class Left(msgspec.Struct, eq=False):
    """One attempt: what it may cost beyond its estimate, and the budgets that keep it back."""

    attempt: Estimated
    excess: int
    kept: list[tuple[Budget, Hold]]


class Inherited:
    """Attempts by id, and by each instance of a scope that they belong to. Owned by the admission.

    What waits for too long is charged as it was held: that is never too small.
    """

    def __init__(self) -> None:
        self._expected: dict[str, int] = {}
        self._left: dict[str, Left] = {}
        self._by_instance: dict[Instance, dict[str, Left]] = {}
        self._since = 0

    def __len__(self) -> int:
        return len(self._left)

    def expect(self, holds: Mapping[str, int], now: int) -> None:
        """Begin: from now on corrections of these attempts are heard, before ``take`` names them.

        Args:
            holds: what was held for each attempt, in nano-dollars.
            now: steady time in milliseconds.
        """
        self._expected = dict(holds)
        self._since = now

    def take(self, attempts: Iterable[Estimated]) -> None:
        """Take over those that nobody has corrected since; budgets ask for them with ``place``."""
        for attempt in attempts:
            excess = self._expected.get(attempt.attempt_id, 0) - attempt.cost_nano
            if excess <= 0:
                continue
            left = self._left[attempt.attempt_id] = Left(attempt, excess, [])
            for instance in _instances(attempt):
                self._by_instance.setdefault(instance, {})[attempt.attempt_id] = left
        self._expected = {}

    def place(self, org_id: str, budget: Budget) -> None:
        """Have a budget that has just heard of the ledger's sum keep back what may come."""
        instance = (org_id, budget.rule.scope, budget.scope_id)
        for left in self._by_instance.get(instance, {}).values():
            hold = budget.keep_back(left.excess, left.attempt.opened_ms)
            if hold is not None:
                left.kept.append((budget, hold))

    def settle(self, attempt_id: str) -> None:
        """The attempt's cost is known; what it was corrected by is the caller's to book."""
        self._expected.pop(attempt_id, None)
        for budget, hold in self._forget(attempt_id):
            budget.give(hold)

    def sweep(self, now: int) -> None:
        """Charge what has waited for too long."""
        if self._left and now - self._since >= AWAITED_MS:
            for attempt_id in list(self._left):
                for budget, hold in self._forget(attempt_id):
                    budget.settle(hold, hold.worst)

    def _forget(self, attempt_id: str) -> list[tuple[Budget, Hold]]:
        left = self._left.pop(attempt_id, None)
        if left is None:
            return []
        for instance in _instances(left.attempt):
            waiting = self._by_instance[instance]
            del waiting[attempt_id]
            if not waiting:
                del self._by_instance[instance]
        return left.kept


def _instances(attempt: Estimated) -> Iterable[Instance]:
    return ((attempt.org_id, scope, scope_id) for scope, scope_id in attempt.scopes.items())
