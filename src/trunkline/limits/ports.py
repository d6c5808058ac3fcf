"""What limits need from outside: past spending, so that a lost counter is never taken for zero."""

from collections.abc import Sequence
from typing import Protocol

from trunkline.limits.rules import Scope


class Spending(Protocol):
    """Sums over the ledger. The ledger implements it.

    An attempt belongs to the moment at which it was opened. Attempts that a previous process left
    in its journal must be shipped before the sums are asked for.
    """

    async def history(
        self, org_id: str, scope: Scope, scope_id: str, since_ms: Sequence[int]
    ) -> tuple[list[int], int]:
        """Nano-dollars, exact and estimated, of attempts opened at or after each of these.

        With them comes the sequence number of the newest change at that moment: exactly the
        corrections that were told of up to it are in the sums.
        """
        ...

    async def requests(self, org_id: str, scope: Scope, scope_id: str, since_ms: int) -> int:
        """Number of requests whose first attempt was opened at or after ``since_ms``."""
        ...
