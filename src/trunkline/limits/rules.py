"""What an organisation allows: limits, budgets and quota tiers as frozen values without state."""

from typing import Literal

import msgspec

Scope = Literal["org", "team", "user", "key", "alias"]
Counts = Literal["requests", "tokens", "concurrency"]
Algorithm = Literal["token_bucket", "sliding_window", "fixed_window"]
Window = Literal["day", "week", "month", "quarter", "year", "rolling", "total"]
Reserve = Literal["worst", "expected"]

SCOPES: tuple[Scope, ...] = ("org", "team", "user", "key", "alias")


class LimitRule(msgspec.Struct, frozen=True):
    """A ceiling of requests or tokens per time, or of requests at once.

    Attributes:
        scope: the level at which it counts.
        scope_id: the one team, user, key or alias that it is for; None counts each one apart.
        amount: how many per ``per_seconds``; for concurrency, how many at once. At least 1.
        algorithm: how the time is divided; means nothing for concurrency.
        per_seconds: length of the window, or the time in which an empty bucket fills with
            ``amount``; means nothing for concurrency.
        burst: the most that a token bucket holds; None holds ``amount``.
        shadow: count what it would refuse, and refuse nothing.
    """

    id: str
    org_id: str
    scope: Scope
    counts: Counts
    amount: int
    scope_id: str | None = None
    algorithm: Algorithm = "token_bucket"
    per_seconds: int = 60
    burst: int | None = None
    shadow: bool = False

    @property
    def shape(self) -> tuple[object, ...]:
        """What must stay the same for usage to survive an edit of the rule."""
        return (self.scope, self.counts, self.algorithm, self.per_seconds)


class BudgetRule(msgspec.Struct, frozen=True):
    """Money per period.

    Attributes:
        scope: the level at which it counts.
        scope_id: the one team, user, key or alias that it is for; None counts each one apart.
        amount_nano: nano-dollars that one window may cost.
        window: a calendar period, the last ``rolling_seconds``, or all time.
        name: what refusals call it.
        rolling_seconds: length of a rolling window, else None.
        time_zone: IANA zone of calendar windows; None takes the organisation's.
        hard: refuse what does not fit; a soft budget only counts that it was exceeded.
        shadow: count what it would refuse, and refuse nothing.
        reserve: hold the worst case of each attempt, or what 95 in 100 requests of the alias cost.
        overshoot_nano: with ``expected``, by how much the worst case may pass the amount.
    """

    id: str
    org_id: str
    scope: Scope
    amount_nano: int
    window: Window = "month"
    scope_id: str | None = None
    name: str = ""
    rolling_seconds: int | None = None
    time_zone: str | None = None
    hard: bool = True
    shadow: bool = False
    reserve: Reserve = "worst"
    overshoot_nano: int = 0

    @property
    def enforced(self) -> bool:
        """Whether it may refuse a request."""
        return self.hard and not self.shadow

    @property
    def shape(self) -> tuple[object, ...]:
        """What must stay the same for usage to survive an edit of the rule."""
        return (self.scope, self.window, self.rolling_seconds, self.time_zone, self.reserve)


class Tier(msgspec.Struct, frozen=True):
    """Requests per day that a caller's tier allows, counted in the organisation's time zone.

    Attributes:
        name: what ``Caller.tier`` refers to.
        requests_per_day: at least 1.
        upgrade_hint: the way out that a refusal names.
        scope: whose requests are counted; the whole organisation's unless the tier is narrower.
    """

    name: str
    requests_per_day: int
    upgrade_hint: str
    scope: Scope = "org"


SEEDED_TIERS: tuple[Tier, ...] = (
    Tier("free", 10, "The pro tier allows 500 requests a day; ask your administrator for it."),
    Tier("pro", 500, "The enterprise tier allows 5,000 requests a day; ask your administrator."),
    Tier("enterprise", 5_000, "Ask the operator of this installation for a larger quota."),
)


class OrgRules(msgspec.Struct, frozen=True):
    """All the rules of one organisation."""

    limits: tuple[LimitRule, ...] = ()
    budgets: tuple[BudgetRule, ...] = ()
    tiers: tuple[Tier, ...] = SEEDED_TIERS
