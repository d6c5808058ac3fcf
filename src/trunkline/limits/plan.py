"""The limits and budgets that one caller meets at one alias, found once and then only walked."""

from typing import Protocol

from trunkline.gateway.caller import Caller
from trunkline.limits.counters.budget import Budget
from trunkline.limits.counters.concurrency import Concurrency
from trunkline.limits.counters.counter import Kind, LimitCounter, RateCounter
from trunkline.limits.counters.quota import DailyCount
from trunkline.limits.expectation import Expectation

Rebuildable = Budget | DailyCount
Limited = tuple[LimitCounter, int]
Shown = tuple[Kind, Limited, tuple[Limited, ...]]


class Owner(Protocol):
    """The organisation whose counters a plan holds."""

    org_id: str

    def leave(self, plan: "Plan", now: int) -> None:
        """The plan goes; its counters may go with it, some time later."""
        ...


class Plan:
    """What to take for a request. Only ``pending`` changes; the counters are shared with others.

    Attributes:
        org: the state that the counters belong to; it is told when the plan goes.
        limits: in the order in which they are taken.
        budgets: in the order in which they are taken.
        pending: counters that the ledger has not been asked about yet.
        shown: by kind, the first and the others of those limits that the allowance headers choose
            from, with what they allowed when the plan was made: a counter whose rule changes goes
            on with another limit.
        tokens: those of the limits that count tokens.
        places: those of the limits that count requests at once.
        hard: the first budget that refuses, if any.
        expects: whether a budget holds what a request is likely to cost.
        learns: whether the outcome of a request is worth learning from.
    """

    __slots__ = (
        "alias",
        "budgets",
        "caller",
        "expectation",
        "expects",
        "hard",
        "learns",
        "limits",
        "org",
        "pending",
        "places",
        "shown",
        "tokens",
    )

    def __init__(
        self,
        org: Owner,
        caller: Caller,
        alias: str,
        limits: tuple[LimitCounter, ...],
        budgets: tuple[Budget, ...],
        pending: tuple[Rebuildable, ...],
        expectation: Expectation,
    ) -> None:
        self.org = org
        self.caller = caller
        self.alias = alias
        self.limits = limits
        self.budgets = budgets
        self.pending = pending
        self.expectation = expectation
        self.tokens = tuple(c for c in limits if isinstance(c, RateCounter) and c.per_token)
        self.shown = _by_kind(limits)
        self.places = tuple(c for c in limits if isinstance(c, Concurrency))
        self.hard = next((budget for budget in budgets if budget.rule.enforced), None)
        self.expects = any(budget.rule.reserve == "expected" for budget in budgets)
        self.learns = bool(self.tokens) or self.expects

    def without(self, skipped: tuple[LimitCounter, ...]) -> "Plan":
        """The same plan for a lease that some shadow limits would not have let in."""
        limits = tuple(counter for counter in self.limits if counter not in skipped)
        return Plan(self.org, self.caller, self.alias, limits, self.budgets, (), self.expectation)

    def turned(self, turn: int, wall: int) -> bool:
        """Whether the window of any budget has moved on since this turn."""
        for budget in self.budgets:  # noqa: SIM110 - a generator costs more than the whole loop.
            if wall >= budget.end or budget.turn > turn:
                return True
        return False


def _by_kind(limits: tuple[LimitCounter, ...]) -> tuple[Shown, ...]:
    kinds: tuple[Kind, ...] = ("requests", "tokens")
    shown: list[Shown] = []
    for kind in kinds:
        counters = [(c, c.limit) for c in limits if c.kind == kind and not c.shadow]
        if counters:
            shown.append((kind, counters[0], tuple(counters[1:])))
    return tuple(shown)
