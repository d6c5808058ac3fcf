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
    limits = plan.limits
    skipped: tuple[LimitCounter, ...] = ()
    for counter in limits:
        if counter.take(now, wall, tokens):
            continue
        if not counter.shadow:
            undo_limits(limits[: limits.index(counter)], skipped, tokens)
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
    hold = Hold(worst, plan.expectation.likely(worst) if plan.expects else worst, wall)
    if worst:
        budgets = plan.budgets
        for budget in budgets:
            if not budget.take(hold):
                hold.turn = turns.count
                return_money(budgets[: budgets.index(budget)], hold)
                raise budget_refusal(plan, budget, hold)
    hold.turn = turns.count
    return hold


def return_money(budgets: tuple[Budget, ...], hold: Hold) -> None:
    """Give back a hold that no attempt needs."""
    for budget in budgets:
        budget.give(hold)
