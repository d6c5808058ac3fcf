"""Asking the ledger what was used before this process knew: once per counter, for all who wait."""

import asyncio

from trunkline.errors import Unavailable
from trunkline.kit.clock import Clock
from trunkline.limits.counters.budget import Budget
from trunkline.limits.inherited import Inherited
from trunkline.limits.plan import Plan, Rebuildable
from trunkline.limits.ports import Spending

RETRY_MS = 2_000
"""How long a failure of the ledger is believed before it is asked again."""


class Rebuilder:
    """Fills unknown counters from the ledger. Owns the running questions; ``close`` ends them.

    When the ledger fails, budgets that refuse stay closed; quotas, and budgets that refuse
    nothing, go on from zero and are filled when it answers again.

    Attributes:
        failures: how often the ledger did not answer.
    """

    def __init__(
        self, spending: Spending, inherited: Inherited, clock: Clock, timeout: float
    ) -> None:
        self._spending = spending
        self._inherited = inherited
        self._clock = clock
        self._timeout = timeout
        self._running: dict[Rebuildable, asyncio.Task[None]] = {}
        self.failures = 0

    async def fill(self, plan: Plan) -> None:
        """Make the counters of a plan known.

        Raises:
            Unavailable: the ledger did not answer for a budget that refuses.
        """
        for counter in plan.pending:
            await self.learn(plan.org.org_id, counter)
        plan.pending = tuple(counter for counter in plan.pending if not counter.known)
        for counter in plan.pending:
            if isinstance(counter, Budget) and counter.rule.enforced:
                raise Unavailable(
                    "What a budget has already spent is not known at the moment.",
                    code="budget_unknown",
                    hint="Repeat the request shortly; the operator finds the reason in our log.",
                    retry_after=RETRY_MS / 1000,
                )

    async def learn(self, org_id: str, counter: Rebuildable) -> None:
        """Make one counter known if the ledger answers; a caller that leaves stops nobody else."""
        if counter.known or self._steady() < counter.retry_at:
            return
        task = self._running.get(counter)
        if task is None:
            task = asyncio.create_task(self._ask(org_id, counter))
            self._running[counter] = task
        await asyncio.shield(task)

    async def close(self) -> None:
        """End all running questions."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, org_id: str, counter: Rebuildable) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                if isinstance(counter, Budget):
                    await self._ask_spent(org_id, counter)
                else:
                    since = counter.start
                    requests = await self._spending.requests(
                        org_id, counter.scope, counter.scope_id, since
                    )
                    counter.learn(requests, since)
        except Exception:  # noqa: BLE001 - whatever keeps the ledger from answering, the policy is the same.
            self.failures += 1
            counter.retry_at = self._steady() + RETRY_MS
        finally:
            del self._running[counter]

    async def _ask_spent(self, org_id: str, budget: Budget) -> None:
        since = budget.since()
        sums, seq = await self._spending.history(org_id, budget.rule.scope, budget.scope_id, since)
        budget.learn(since, sums, seq)
        self._inherited.place(org_id, budget)

    def _steady(self) -> int:
        return int(self._clock.monotonic() * 1000)
