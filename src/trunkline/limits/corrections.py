"""Keeps the budgets as the ledger says where costs are corrected after their attempts ended."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from trunkline.ledger.corrections import CostChange
from trunkline.ledger.service import Ledger
from trunkline.limits.adapter import InProcessAdmission
from trunkline.storage.changes import Change


class CorrectionsFeed:
    """Follows the corrections of the ledger.

    Its state is the last change that it took over: the log hands changes on at least once, and a
    cost must not move twice. ``app.py`` owns it and gives ``prepare`` to the ``ChangePoller``
    before the admission is rebuilt; what the ledger's sums have in them is not taken over again.
    """

    def __init__(self, ledger: Ledger, admission: InProcessAdmission) -> None:
        self._ledger = ledger
        self._admission = admission
        self._seq = 0

    async def inherit(self, holds: Mapping[str, int]) -> None:
        """Have budgets keep back what attempts of an earlier process may yet be corrected by.

        Call it when the ``ChangePoller`` runs and before the admission is rebuilt.

        Args:
            holds: what was held for each attempt whose tokens are still to be counted.

        Raises:
            Unavailable: the database does not answer.
        """
        if holds:
            # A correction may be told of between the answer of the ledger and this task's turn.
            self._admission.expect(holds)
            self._admission.inherit(await self._ledger.estimates(list(holds)))

    async def prepare(self, changes: Iterable[Change]) -> Callable[[], None] | None:
        """Read what these changes corrected; what is returned takes it over at once.

        None comes back where they corrected nothing.

        Raises:
            Unavailable: the database does not answer.
        """
        new = [change for change in changes if change.seq > self._seq]
        corrected = await self._ledger.cost_changes(new)
        return (lambda: self._take(corrected)) if corrected else None

    def _take(self, corrected: Sequence[CostChange]) -> None:
        for change in corrected:
            if change.seq > self._seq:
                self._admission.correct(change)
                self._seq = change.seq
