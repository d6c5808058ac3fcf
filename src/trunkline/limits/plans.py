"""The bounded cache of plans, and the organisations behind it."""

from zoneinfo import ZoneInfo

from trunkline.errors import Unavailable
from trunkline.gateway.caller import Caller
from trunkline.limits.counters.budget import Turns
from trunkline.limits.organisation import OrgState
from trunkline.limits.plan import Plan
from trunkline.limits.rules import OrgRules


class Plans:
    """From (key, alias) to plan. A plan that is pushed out is compiled again when needed."""

    def __init__(self, most: int, turns: Turns) -> None:
        self._most = most
        self._turns = turns
        self._plans: dict[tuple[str, str], Plan] = {}
        self._orgs: dict[str, OrgState] = {}

    def __len__(self) -> int:
        return len(self._plans)

    def get(self, caller: Caller, alias: str) -> Plan | None:
        """The compiled plan, if it is still true of the caller."""
        plan = self._plans.get((caller.key_id, alias))
        if plan is None or (plan.caller is not caller and plan.caller != caller):
            return None
        return plan

    def compile(self, caller: Caller, alias: str, now: int, wall: int) -> Plan:
        """Make the plan and remember it.

        Raises:
            Unavailable: the organisation's rules have not been loaded.
        """
        org = self.org(caller.org_id)
        counts = org.shared_counts
        plan = org.compile(caller, alias, now, wall)
        if org.shared_counts > counts:
            # Callers who share the new daily count add to it from now on.
            self._forget(org, now)
        key = (caller.key_id, alias)
        if key not in self._plans and len(self._plans) >= self._most:
            self._remove(next(iter(self._plans)), now)
        self._remove(key, now)
        self._plans[key] = plan
        return plan

    def org(self, org_id: str) -> OrgState:
        """The state of an organisation.

        Raises:
            Unavailable: its rules have not been loaded.
        """
        org = self._orgs.get(org_id)
        if org is None:
            raise Unavailable(
                "The limits of this organisation are not loaded yet.",
                code="limits_not_loaded",
                retry_after=1.0,
            )
        return org

    def orgs(self) -> list[OrgState]:
        """All organisations whose rules have been loaded."""
        return list(self._orgs.values())

    def load(self, org_id: str, rules: OrgRules, zone: ZoneInfo, now: int) -> None:
        """Swap an organisation's rules; its plans are compiled again."""
        org = self._orgs.get(org_id)
        if org is None:
            org = self._orgs[org_id] = OrgState(org_id, self._turns)
        self._forget(org, now)
        org.load(rules, zone)

    def unload(self, org_id: str, now: int) -> None:
        """Forget an organisation that no longer exists."""
        org = self._orgs.pop(org_id, None)
        if org is not None:
            self._forget(org, now)

    def sweep(self, now: int, wall: int) -> None:
        """Forget counters that nobody needs."""
        for org in self._orgs.values():
            org.sweep(now, wall)

    def _forget(self, org: OrgState, now: int) -> None:
        for key in [key for key, plan in self._plans.items() if plan.org is org]:
            self._remove(key, now)

    def _remove(self, key: tuple[str, str], now: int) -> None:
        plan = self._plans.pop(key, None)
        if plan is not None:
            plan.org.leave(plan, now)
