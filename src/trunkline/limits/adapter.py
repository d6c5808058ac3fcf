"""Limits and budgets inside one process: the adapter behind the ``Admission`` port."""

import asyncio
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from typing_extensions import override

from trunkline.gateway.metering.event import Outcome
from trunkline.gateway.ports import Admission, Ask
from trunkline.kit.clock import Clock
from trunkline.ledger.corrections import CostChange, Estimated
from trunkline.limits.awaited import Awaited
from trunkline.limits.counters.budget import Turns
from trunkline.limits.inherited import Inherited
from trunkline.limits.lease import InProcessLease
from trunkline.limits.plan import Plan
from trunkline.limits.plans import Plans
from trunkline.limits.ports import Spending
from trunkline.limits.rebuild import Rebuilder
from trunkline.limits.reservation import hold_money, return_money, take_limits, undo_limits
from trunkline.limits.rules import OrgRules
from trunkline.limits.standing import AdmissionStats, BudgetStanding, rule_stats, standing_of

LEASE_SECONDS = 1_200.0
"""Longer than any attempt may take by the default settings."""


class InProcessAdmission(Admission):
    """Admits requests by counters in memory. All methods run on one event loop.

    Between a check and its reservation nothing awaits: that makes each step atomic. Steady time
    drives rates and leases, so that a stepped clock neither opens nor closes them; the time of day
    drives calendar windows, which only ever move forward.

    Args:
        spending: sums of the past, asked once for each new counter.
        lease_seconds: how long a lease lives after its last sign of life (admission, or a hold for
            an attempt). Must exceed the total timeout of an attempt.
        plans: most pairs of key and alias whose counters are kept at hand.
        ledger_timeout: seconds that a rebuild may wait for the ledger.
    """

    def __init__(
        self,
        clock: Clock,
        spending: Spending,
        *,
        lease_seconds: float = LEASE_SECONDS,
        plans: int = 8_192,
        ledger_timeout: float = 2.0,
    ) -> None:
        self._wall_time = clock.now
        self._steady_time = clock.monotonic
        # Fixed windows are aligned to the Unix epoch as it was when the process started.
        self._epoch = int(clock.now() * 1000) - int(clock.monotonic() * 1000)
        self._turns = Turns()
        self._plans = Plans(plans, self._turns)
        self._inherited = Inherited()
        self._rebuilder = Rebuilder(spending, self._inherited, clock, ledger_timeout)
        self._lease_ms = int(lease_seconds * 1000)
        self._live: set[InProcessLease] = set()
        self._awaited = Awaited()
        self._unpriced = 0
        self._expired = 0

    def load(self, org_id: str, rules: OrgRules, time_zone: str = "UTC") -> None:
        """Swap the rules of an organisation; what its unchanged rules have counted stays.

        An organisation whose rules were never loaded is refused, so load empty rules too.
        """
        self._plans.load(org_id, rules, ZoneInfo(time_zone), self._now())

    def unload(self, org_id: str) -> None:
        """Forget an organisation that no longer exists; its requests are refused from now on."""
        self._plans.unload(org_id, self._now())

    async def rebuild(self) -> None:
        """Ask the ledger about all budgets that name their instance; others follow when first met.

        Call it after ``load`` and before serving. A ledger that does not answer stops nothing
        here: the budgets stay unknown, and refuse, until it does.
        """
        wall = self._wall()
        for org in self._plans.orgs():
            for rule in org.rules.budgets:
                scope_id = org.org_id if rule.scope == "org" else rule.scope_id
                if scope_id is not None:
                    budget = org.budget_for(rule, scope_id, wall)
                    await self._rebuilder.learn(org.org_id, budget)

    def expect(self, holds: Mapping[str, int]) -> None:
        """Hear of corrections of attempts of an earlier process, before ``inherit`` names them.

        Args:
            holds: what was held for each, in nano-dollars.
        """
        self._inherited.expect(holds, self._now())

    def inherit(self, attempts: Iterable[Estimated]) -> None:
        """Have budgets keep back what expected attempts may cost beyond their estimates.

        Call it before ``rebuild``: a budget is told of them when it hears of the ledger's sums.
        """
        self._inherited.take(attempts)

    async def close(self) -> None:
        """End questions to the ledger that still run."""
        await self._rebuilder.close()

    @override
    async def admit(self, ask: Ask) -> InProcessLease:
        plan = self._plans.get(ask.caller, ask.alias)
        if plan is None or plan.pending:
            plan = await self._ready_plan(ask)
        now, wall = self._now(), self._wall()
        tokens = 0
        if plan.tokens:
            tokens = plan.expectation.tokens(ask.input_tokens, ask.output_tokens)
        skipped = take_limits(plan, now, wall, tokens)
        try:
            hold = hold_money(plan, wall, ask.hold_nano, self._turns)
        except Exception:
            undo_limits(plan.limits, skipped, tokens)
            raise
        if skipped:
            plan = plan.without(skipped)
        lost = []
        for counter in plan.tokens:
            lost.append(counter.lost)  # noqa: PERF401 - a comprehension costs as much as three turns.
        lease = InProcessLease(plan, tokens, lost, now, wall, now, hold)
        self._live.add(lease)
        return lease

    @override
    async def cover(
        self,
        lease: InProcessLease,  # type: ignore[override] # Only what admit gave comes back.
        attempt_id: str,
        hold_nano: int | None,
    ) -> None:
        plan = lease.plan
        lease.seen = self._now()
        wall = self._wall()
        spare = lease.spare
        if spare is not None:
            lease.spare = None
            if spare.worst == hold_nano and not plan.turned(spare.turn, wall):
                lease.open[attempt_id] = spare
                return
            return_money(plan.budgets, spare)
        lease.open[attempt_id] = hold_money(plan, wall, hold_nano, self._turns)

    @override
    def settle(
        self,
        lease: InProcessLease,  # type: ignore[override] # Only what admit gave comes back.
        attempt_id: str,
        outcome: Outcome,
        *,
        provisional: bool = False,
    ) -> None:
        plan = lease.plan
        hold = lease.open.pop(attempt_id, None)
        if hold is None:
            if not provisional:
                _settle_expired(lease, attempt_id, outcome)
            return
        cost = outcome.cost_nano
        if cost is None:
            # Unknown is not zero: the worst case is the one number that cannot be too small.
            cost = hold.worst
            self._unpriced += 1
            provisional = False
        if provisional and hold.worst:
            self._awaited.keep(attempt_id, plan.budgets, hold, self._now())
        else:
            for budget in plan.budgets:
                budget.settle(hold, cost)
        if plan.learns:
            usage = outcome.usage
            output = usage.output_total
            lease.used += usage.input_total + output
            if outcome.ending == "completed":
                plan.expectation.observe(output, cost)
        if lease.released and not lease.open:
            self._finish(lease)

    @override
    def release(
        self,
        lease: InProcessLease,  # type: ignore[override] # Only what admit gave comes back.
    ) -> None:
        if lease.released:
            return
        lease.released = True
        plan = lease.plan
        if lease.spare is not None:
            return_money(plan.budgets, lease.spare)
            lease.spare = None
        for place in plan.places:
            place.leave()
        if not lease.open:
            self._finish(lease)

    def sweep(self) -> int:
        """End leases without a sign of life and forget idle counters; returns the leases ended.

        What such a lease still holds is charged as it was held: the attempt may have been billed.
        """
        now = self._now()
        dead = [lease for lease in self._live if now - lease.seen > self._lease_ms]
        for lease in dead:
            self._expire(lease)
        self._awaited.sweep(now)
        self._inherited.sweep(now)
        self._plans.sweep(now, self._wall())
        return len(dead)

    async def keep_swept(self, every: float = 10.0) -> None:
        """Sweep for ever, once in so many seconds; cancel it before ``close``."""
        while True:
            await asyncio.sleep(every)
            self.sweep()

    def correct(self, change: CostChange) -> None:
        """Take a correction of the ledger over into all budgets of its attempt.

        Those that still hold money for the attempt replace it by the cost. Others have counted the
        former cost and move by the difference, unless the ledger's sums that they began with had
        the correction in them. Each change must come once, in the order of the changes.
        """
        held_in = self._awaited.settle(change.attempt_id, change.after_nano)
        self._inherited.settle(change.attempt_id)
        for org in self._plans.orgs():
            if org.org_id != change.org_id:
                continue
            for rule in org.rules.budgets:
                budget = org.budgets.get((rule.id, change.scopes.get(rule.scope, "")))
                if budget is not None and budget not in held_in:
                    budget.correct(change.delta_nano, change.opened_ms, change.seq)

    def standings(self, org_id: str) -> tuple[BudgetStanding, ...]:
        """What each budget counter of an organisation has spent and holds."""
        wall = self._wall()
        return tuple(standing_of(b, wall) for _, b in self._plans.org(org_id).budgets.all())

    def stats(self) -> AdmissionStats:
        """Counts for metrics, since the process began."""
        return AdmissionStats(
            leases=len(self._live),
            plans=len(self._plans),
            unpriced=self._unpriced,
            expired=self._expired,
            ledger_failures=self._rebuilder.failures,
            rules=tuple(stats for org in self._plans.orgs() for stats in rule_stats(org)),
        )

    async def _ready_plan(self, ask: Ask) -> Plan:
        while True:
            plan = self._plans.get(ask.caller, ask.alias)
            if plan is None:
                plan = self._plans.compile(ask.caller, ask.alias, self._now(), self._wall())
            await self._rebuilder.fill(plan)
            # The rules may have been swapped while the ledger answered.
            if self._plans.get(ask.caller, ask.alias) is plan:
                return plan

    def _expire(self, lease: InProcessLease) -> None:
        self._expired += 1
        lease.expired = lease.open
        lease.open = {}
        for hold in lease.expired.values():
            for budget in lease.plan.budgets:
                budget.settle(hold, hold.worst)
        if lease.expired:
            lease.used = max(lease.used, lease.tokens)
        if lease.released:
            self._finish(lease)
        else:
            self.release(lease)

    def _finish(self, lease: InProcessLease) -> None:
        self._live.discard(lease)
        if lease.lost:
            now, at, reserved, used = self._now(), lease.at, lease.tokens, lease.used
            for counter, lost in zip(lease.plan.tokens, lease.lost):  # noqa: B905 - as many.
                counter.settle(now, at, lost, reserved, used)
            # An attempt may still begin after the lease ran out: only what it uses is counted then.
            lease.tokens = lease.used = 0

    def _now(self) -> int:
        return int(self._steady_time() * 1000) + self._epoch

    def _wall(self) -> int:
        return int(self._wall_time() * 1000)


def _settle_expired(lease: InProcessLease, attempt_id: str, outcome: Outcome) -> None:
    """Replace what an expired lease was charged for an attempt by its cost, which came late."""
    if lease.expired is None or (hold := lease.expired.pop(attempt_id, None)) is None:
        return
    if outcome.cost_nano is None:
        return
    for budget in lease.plan.budgets:
        budget.charge(hold, outcome.cost_nano - hold.worst)
