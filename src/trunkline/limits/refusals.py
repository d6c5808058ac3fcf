"""Refusals in words: which limit or budget, for whom, how much is used, and the way out."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from trunkline.errors import BudgetExhausted, LimitExceeded
from trunkline.kit.money import format_usd
from trunkline.limits.counters.budget import Budget
from trunkline.limits.counters.concurrency import Concurrency
from trunkline.limits.counters.counter import LimitCounter, RateCounter
from trunkline.limits.counters.hold import Hold
from trunkline.limits.counters.quota import Quota
from trunkline.limits.plan import Plan
from trunkline.limits.rules import Scope
from trunkline.limits.windows import FOREVER

HELD_RETRY_AFTER = 1.0
"""Seconds after which a hold of another request may have become its smaller cost."""

WORDS: dict[Scope, str] = {
    "org": "the organisation",
    "team": "team",
    "user": "user",
    "key": "key",
    "alias": "model",
}


def limit_refusal(
    plan: Plan, refused: LimitCounter, now: int, wall: int, tokens: int
) -> LimitExceeded:
    """The error for a request that at least one limit refused.

    It names the limit that refuses for longest, so that a caller who waits as told is not refused
    by another one.
    """
    longest, wait = refused, refused.wait(now, wall, tokens)
    for counter in plan.limits:
        other = 0 if counter.shadow else counter.wait(now, wall, tokens)
        if other and other > (wait or 0):
            longest, wait = counter, other
    longest.tally.refused += 1
    used = longest.used(now, wall)
    if isinstance(longest, Quota):
        return _quota_refusal(longest, used, wait or 0)
    if isinstance(longest, Concurrency):
        return LimitExceeded(
            f"{_whose(longest.scope, longest.scope_id)} may run {longest.limit} requests at once, "
            f"and {used} are running.",
            code="concurrency_limit_exceeded",
            hint="Repeat the request when one of the running ones has ended.",
        )
    return _rate_refusal(longest, used, wait or 0, tokens)


def no_price_refusal(plan: Plan, budget: Budget) -> BudgetExhausted:
    """The error for a model without a price under a hard budget."""
    return BudgetExhausted(
        f"The model {plan.alias} has no known price, and {_budget_name(budget)} only lets through "
        "what is known to fit.",
        code="model_without_price",
        hint="Give the model a price, or mark it as free, in the configuration.",
    )


def budget_refusal(plan: Plan, refused: Budget, hold: Hold) -> BudgetExhausted | LimitExceeded:
    """The error for a request that at least one budget refused.

    A budget whose money is spent is named before one that is only covered by holds.
    """
    for budget in plan.budgets:
        budget.advance(hold.at)
        if budget.rule.enforced and budget.exhausted(hold):
            budget.tally.refused += 1
            return _exhausted(budget, hold)
    refused.tally.refused += 1
    return LimitExceeded(
        f"{_capital(_budget_name(refused))} has room for this request only if running ones cost "
        f"less than they may: ${format_usd(refused.spent)} of "
        f"${format_usd(refused.rule.amount_nano)} are spent, ${format_usd(refused.held)} are held.",
        code="budget_held",
        hint="Repeat the request when running ones have ended, or ask for fewer output tokens.",
        retry_after=HELD_RETRY_AFTER,
    )


def _exhausted(budget: Budget, hold: Hold) -> BudgetExhausted:
    rule = budget.rule
    needed = hold.likely if rule.reserve == "expected" else hold.worst
    return BudgetExhausted(
        f"{_capital(_budget_name(budget))} has too little left: ${format_usd(budget.spent)} of "
        f"${format_usd(rule.amount_nano)} are spent, and this request may cost "
        f"${format_usd(needed)}.",
        hint=_renewal(budget, needed),
    )


def _renewal(budget: Budget, needed: int) -> str:
    at = budget.frees(needed)
    if at is None:
        return (
            "The request alone may cost more than the whole budget: ask for fewer output tokens, "
            "or have the budget raised."
        )
    if at >= FOREVER:
        return "The budget is for all time: have it raised."
    zone = budget.zone if budget.rule.window != "rolling" else ZoneInfo("UTC")
    when = datetime.fromtimestamp(at // 1000, tz=UTC).astimezone(zone)
    return f"The budget has room again at {when.isoformat()}; until then, have it raised."


def _quota_refusal(quota: Quota, used: int, wait: int) -> LimitExceeded:
    return LimitExceeded(
        f"The {quota.tier.name} tier allows {quota.limit} requests a day for "
        f"{_of(quota.scope, quota.scope_id)}, and {used} were made today; the next day begins in "
        f"{_seconds(wait)} s.",
        code="quota_exceeded",
        hint=quota.tier.upgrade_hint,
        retry_after=wait / 1000,
        should_retry=False,
    )


def _rate_refusal(counter: LimitCounter, used: int, wait: int, tokens: int) -> LimitExceeded:
    per_token = isinstance(counter, RateCounter) and counter.per_token
    noun = "tokens" if per_token else "requests"
    period = counter.rule.per_seconds if isinstance(counter, RateCounter) else 0
    amount = counter.rule.amount if isinstance(counter, RateCounter) else counter.limit
    needs = f" and this request needs up to {tokens}" if per_token else ""
    return LimitExceeded(
        f"The limit of {amount} {noun} per {period} s for {_of(counter.scope, counter.scope_id)} "
        f"is reached: {used} of {counter.limit} are taken{needs}; there is room again in "
        f"{_seconds(wait)} s.",
        code="token_limit_exceeded" if per_token else "rate_limit_exceeded",
        hint="Wait as Retry-After says, or ask your administrator for a larger limit.",
        retry_after=wait / 1000,
    )


def _budget_name(budget: Budget) -> str:
    rule = budget.rule
    name = f" {rule.name!r}" if rule.name else ""
    return f"the {rule.window} budget{name} of {_of(rule.scope, budget.scope_id)}"


def _of(scope: Scope, scope_id: str) -> str:
    return WORDS[scope] if scope == "org" else f"{WORDS[scope]} {scope_id}"


def _whose(scope: Scope, scope_id: str) -> str:
    return _capital(_of(scope, scope_id))


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
