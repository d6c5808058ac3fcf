"""Taking and giving back, all or nothing. Nothing here awaits: each function is one atomic step."""

from trunkline.limits.counters.budget import Budget, Turns
from trunkline.limits.counters.counter import LimitCounter
from trunkline.limits.counters.hold import Hold
from trunkline.limits.plan import Plan
from trunkline.limits.refusals import budget_refusal, limit_refusal, no_price_refusal


def take_limits(plan: Plan, now: int, wall: int, tokens: int) -> tuple[LimitCounter, ...]:
    """Take a place in each limit. Returns the shadow limits that would have refused.

    Raises:
        LimitExceeded: one refused; none is taken.
    """
    skipped: tuple[LimitCounter, ...] = ()
    for place, counter in enumerate(plan.limits):
        if counter.take(now, wall, tokens):
            continue
        if not counter.shadow:
            undo_limits(plan.limits[:place], skipped, tokens)
            raise limit_refusal(plan, counter, now, wall, tokens)
        counter.tally.would_refuse += 1
        skipped = (*skipped, counter)
    return skipped


def undo_limits(
    taken: tuple[LimitCounter, ...], skipped: tuple[LimitCounter, ...], tokens: int
) -> None:
    """Reverse a ``take_limits`` of the same moment."""
    for counter in taken:
        if counter not in skipped:
            counter.undo(tokens)


def hold_money(plan: Plan, wall: int, worst: int | None, turns: Turns) -> Hold:
    """Hold the worst case in each budget.

    Raises:
        BudgetExhausted: a budget is spent, or there is no price and a budget refuses that.
        LimitExceeded: a budget has room only if running requests cost less than they may.
    """
    if worst is None:
        if plan.hard is not None:
            plan.hard.tally.refused += 1
            raise no_price_refusal(plan, plan.hard)
        worst = 0
    likely = plan.expectation.likely(worst) if plan.learns else worst
    hold = Hold(worst, likely, wall)
    if worst:
        for place, budget in enumerate(plan.budgets):
            if not budget.take(hold):
                hold.turn = turns.count
                _give(plan.budgets[:place], hold)
                raise budget_refusal(plan, budget, hold)
    hold.turn = turns.count
    return hold


def return_money(plan: Plan, hold: Hold) -> None:
    """Give back a hold that no attempt needs."""
    _give(plan.budgets, hold)


def _give(budgets: tuple[Budget, ...], hold: Hold) -> None:
    for budget in budgets:
        budget.give(hold)
