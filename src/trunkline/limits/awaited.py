"""Attempts whose cost is about to be corrected, and what their budgets keep back until then."""

import msgspec

from trunkline.limits.counters.budget import Budget
from trunkline.limits.counters.hold import Hold

MOST_AWAITED = 20_000

AWAITED_MS = 3_600_000
"""How long a hold waits for a correction; as long as the worker waits for the attempt's row."""


class Awaiting(msgspec.Struct, frozen=True):
    """One attempt: where it is held, and since when by steady time in milliseconds."""

    budgets: tuple[Budget, ...]
    hold: Hold
    since: int


class Awaited:
    """The holds of attempts that have ended, by attempt id, oldest first. Owned by the admission.

    What waits for too long, and what is too much, is charged as it was held: that is never too
    small.
    """

    def __init__(self, most: int = MOST_AWAITED) -> None:
        self._most = most
        self._kept: dict[str, Awaiting] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, attempt_id: str, budgets: tuple[Budget, ...], hold: Hold, now: int) -> None:
        """Leave a hold where it is until the cost of its attempt is known."""
        if len(self._kept) >= self._most:
            self.settle(next(iter(self._kept)), None)
        self._kept[attempt_id] = Awaiting(budgets, hold, now)

    def settle(self, attempt_id: str, cost: int | None) -> tuple[Budget, ...]:
        """Replace a hold by the cost, or by itself where nobody knows the cost.

        Returns the budgets that held it; none where the attempt is not awaited.
        """
        kept = self._kept.pop(attempt_id, None)
        if kept is None:
            return ()
        for budget in kept.budgets:
            budget.settle(kept.hold, kept.hold.worst if cost is None else cost)
        return kept.budgets

    def sweep(self, now: int) -> None:
        """Charge what has waited for too long."""
        late = []
        for attempt_id, kept in self._kept.items():
            if now - kept.since < AWAITED_MS:
                break
            late.append(attempt_id)
        for attempt_id in late:
            self.settle(attempt_id, None)
