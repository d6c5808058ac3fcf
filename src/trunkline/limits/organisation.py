"""The rules of one organisation and the counters that they have brought forth."""

from functools import partial
from zoneinfo import ZoneInfo

from trunkline.gateway.caller import Caller
from trunkline.limits.counters.budget import Budget, Turns
from trunkline.limits.counters.concurrency import Concurrency
from trunkline.limits.counters.counter import LimitCounter, RuleCounter, Tally
from trunkline.limits.counters.expected_budget import ExpectedBudget
from trunkline.limits.counters.fixed_window import FixedWindow
from trunkline.limits.counters.quota import DailyCount, Quota, Uncapped
from trunkline.limits.counters.sliding_window import SlidingWindow
from trunkline.limits.counters.token_bucket import TokenBucket
from trunkline.limits.expectation import Expectation
from trunkline.limits.instances import Instances
from trunkline.limits.plan import Plan, Rebuildable
from trunkline.limits.rules import SCOPES, BudgetRule, LimitRule, OrgRules, Scope, Tier

EXPECTATIONS = 2_000
"""Most aliases of one organisation whose usual need is remembered."""

NO_TIER = Tier("", 1, "")


class OrgState:
    """Counters of one organisation. Owned by the admission; changed on the event loop only.

    Attributes:
        shared_counts: how many daily counts were made that several keys add to.
    """

    def __init__(self, org_id: str, turns: Turns) -> None:
        self.org_id = org_id
        self.rules = OrgRules(tiers=())
        self.zone = ZoneInfo("UTC")
        self.limits: Instances[RuleCounter] = Instances()
        self.budgets: Instances[Budget] = Instances()
        self.daily: Instances[DailyCount] = Instances()
        self.tallies: dict[str, Tally] = {}
        self._expectations: dict[str, Expectation] = {}
        self._turns = turns
        self.shared_counts = 0

    def load(self, rules: OrgRules, zone: ZoneInfo) -> None:
        """Swap the rules. A counter whose rule kept its id and shape keeps its use."""
        moved = zone.key != self.zone.key
        limits = {rule.id: rule for rule in rules.limits}
        for key, counter in self.limits.all():
            limit = limits.get(key[0])
            if limit is None or limit.shape != counter.rule.shape:
                self.limits.drop(key)
            else:
                counter.amend(limit)
        budgets = {rule.id: rule for rule in rules.budgets}
        for key, budget in self.budgets.all():
            rule = budgets.get(key[0])
            follows = rule is not None and rule.time_zone is None and rule.window != "rolling"
            if rule is None or rule.shape != budget.rule.shape or (moved and follows):
                self.budgets.drop(key)
            else:
                budget.amend(rule)
        for key, _ in self.daily.all() if moved else ():
            self.daily.drop(key)
        kept = {*limits, *budgets, *(_tier_id(tier) for tier in rules.tiers)}
        self.tallies = {id_: tally for id_, tally in self.tallies.items() if id_ in kept}
        self.rules = rules
        self.zone = zone

    def compile(self, caller: Caller, alias: str, now: int, wall: int) -> Plan:
        """Find or make all counters that a caller meets at an alias."""
        ids = scope_ids(caller, alias)
        limits: list[LimitCounter] = [
            self._limit(rule, scope_id, now)
            for rule in self.rules.limits
            if (scope_id := _instance(rule, ids)) is not None
        ]
        limits += self._quotas(caller, ids, wall)
        budgets = tuple(
            self._budget(rule, scope_id, wall)
            for rule in self.rules.budgets
            if (scope_id := _instance(rule, ids)) is not None
        )
        unknown: list[Rebuildable] = [limit.daily for limit in limits if isinstance(limit, Quota)]
        unknown += budgets
        pending = tuple(counter for counter in unknown if not counter.known)
        expectation = self._expectation(alias)
        return Plan(self, caller, alias, tuple(limits), budgets, pending, expectation)

    def leave(self, plan: Plan, now: int) -> None:
        """A plan goes; its counters may go with it, some time later."""
        for limit in plan.limits:
            if isinstance(limit, RuleCounter):
                self.limits.leave((limit.rule.id, limit.scope_id), limit, now)
            elif isinstance(limit, Quota):
                self.daily.leave((limit.scope, limit.scope_id), limit.daily, now)
        for budget in plan.budgets:
            self.budgets.leave((budget.rule.id, budget.scope_id), budget, now)

    def sweep(self, now: int, wall: int) -> None:
        """Forget counters that nobody needs."""
        self.limits.sweep(now, lambda counter: counter.idle(now, wall))
        self.budgets.sweep(now, lambda budget: budget.held == 0)
        self.daily.sweep(now, lambda daily: daily.end <= wall)

    def budget_for(self, rule: BudgetRule, scope_id: str, wall: int) -> Budget:
        """The counter of a budget whose instance is known beforehand, made without a plan."""
        budget = self._budget(rule, scope_id, wall)
        budget.refs -= 1
        return budget

    def _limit(self, rule: LimitRule, scope_id: str, now: int) -> RuleCounter:
        make = partial(_new_limit, rule, scope_id, self._tally(rule.id), now)
        return self.limits.use((rule.id, scope_id), make)

    def _budget(self, rule: BudgetRule, scope_id: str, wall: int) -> Budget:
        zone = ZoneInfo(rule.time_zone) if rule.time_zone else self.zone
        kind = ExpectedBudget if rule.reserve == "expected" else Budget
        make = partial(kind, rule, scope_id, zone, self._tally(rule.id), self._turns, wall)
        return self.budgets.use((rule.id, scope_id), make)

    def _quotas(self, caller: Caller, ids: dict[Scope, str], wall: int) -> list[LimitCounter]:
        """The caller's own tier, and the counts of other tiers that this request adds to."""
        own = self._tier(caller)
        quotas: list[LimitCounter] = []
        for scope in SCOPES:
            scope_id = ids.get(scope)
            if scope_id is None:
                continue
            mine = own if own is not None and own.scope == scope else None
            if mine is None and self.daily.get((scope, scope_id)) is None:
                continue
            if scope != "key" and self.daily.get((scope, scope_id)) is None:
                self.shared_counts += 1
            make = partial(DailyCount, scope, scope_id, self.zone, wall)
            daily = self.daily.use((scope, scope_id), make)
            if mine is None:
                quotas.append(Uncapped(daily, NO_TIER, Tally()))
            else:
                quotas.append(Quota(daily, mine, self._tally(_tier_id(mine))))
        return quotas

    def _tier(self, caller: Caller) -> Tier | None:
        """The caller's tier. One that nobody knows is taken for the smallest there is."""
        if caller.tier is None or not self.rules.tiers:
            return None
        for tier in self.rules.tiers:
            if tier.name == caller.tier:
                return tier
        return min(self.rules.tiers, key=lambda tier: tier.requests_per_day)

    def _tally(self, rule_id: str) -> Tally:
        return self.tallies.setdefault(rule_id, Tally())

    def _expectation(self, alias: str) -> Expectation:
        found = self._expectations.get(alias)
        if found is None:
            if len(self._expectations) >= EXPECTATIONS:
                del self._expectations[next(iter(self._expectations))]
            found = self._expectations[alias] = Expectation()
        return found


def scope_ids(caller: Caller, alias: str) -> dict[Scope, str]:
    """The instance of each scope that a request belongs to."""
    ids: dict[Scope, str] = {"org": caller.org_id, "key": caller.key_id, "alias": alias}
    if caller.team_id is not None:
        ids["team"] = caller.team_id
    if caller.user_id is not None:
        ids["user"] = caller.user_id
    return ids


def _instance(rule: LimitRule | BudgetRule, ids: dict[Scope, str]) -> str | None:
    scope_id = ids.get(rule.scope)
    return scope_id if rule.scope_id is None or rule.scope_id == scope_id else None


def _tier_id(tier: Tier) -> str:
    return f"tier:{tier.name}"


def _new_limit(rule: LimitRule, scope_id: str, tally: Tally, now: int) -> RuleCounter:
    if rule.counts == "concurrency":
        return Concurrency(rule, scope_id, tally)
    if rule.algorithm == "token_bucket":
        return TokenBucket(rule, scope_id, tally, now)
    if rule.algorithm == "sliding_window":
        return SlidingWindow(rule, scope_id, tally, now)
    return FixedWindow(rule, scope_id, tally, now)
