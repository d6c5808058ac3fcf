"""How limits and budgets stand, for metrics and for people."""

import msgspec

from trunkline.limits.counters.budget import Budget
from trunkline.limits.organisation import OrgState
from trunkline.limits.rules import Scope
from trunkline.limits.windows import FOREVER


class RuleStats(msgspec.Struct, frozen=True):
    """How often a rule refused, or would have if it were not soft or in shadow mode."""

    org_id: str
    rule_id: str
    refused: int
    would_refuse: int


class AdmissionStats(msgspec.Struct, frozen=True):
    """Counts since the process began.

    Attributes:
        leases: requests that are admitted and not finished.
        plans: pairs of key and alias that are at hand.
        unpriced: attempts whose usage had no price and counted as their holds.
        expired: leases that were ended because they gave no sign of life.
        ledger_failures: questions to the ledger without an answer.
    """

    leases: int
    plans: int
    unpriced: int
    expired: int
    ledger_failures: int
    rules: tuple[RuleStats, ...]


class BudgetStanding(msgspec.Struct, frozen=True):
    """One budget at one scope instance; amounts in nano-dollars.

    Attributes:
        known: False while the ledger has not said what was spent before.
        resets_ms: when the calendar window ends, in Unix milliseconds; None for other windows.
    """

    rule_id: str
    scope: Scope
    scope_id: str
    amount_nano: int
    spent_nano: int
    held_nano: int
    known: bool
    resets_ms: int | None


def standing_of(budget: Budget, wall: int) -> BudgetStanding:
    """The present standing of a budget."""
    budget.advance(wall)
    rule = budget.rule
    calendar = rule.window != "rolling" and budget.end < FOREVER
    return BudgetStanding(
        rule_id=rule.id,
        scope=rule.scope,
        scope_id=budget.scope_id,
        amount_nano=rule.amount_nano,
        spent_nano=budget.spent,
        held_nano=budget.held,
        known=budget.known,
        resets_ms=budget.end if calendar else None,
    )


def rule_stats(org: OrgState) -> list[RuleStats]:
    """The tallies of all rules that were met."""
    return [
        RuleStats(org.org_id, rule_id, tally.refused, tally.would_refuse)
        for rule_id, tally in org.tallies.items()
    ]
