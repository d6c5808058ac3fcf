"""Random lives of requests against a model that remembers every attempt and sums from scratch."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.limits.world import ORG, World, ask, caller, outcome
from typing_extensions import override

from trunkline.errors import BudgetExhausted, LimitExceeded
from trunkline.limits.lease import InProcessLease
from trunkline.limits.rules import BudgetRule, LimitRule, OrgRules, Tier

BERLIN = ZoneInfo("Europe/Berlin")
# Just before the night in which Berlin's clocks go back, at the end of a month's last week.
START = datetime(2026, 10, 24, 20, 0, tzinfo=BERLIN).timestamp()
LEASE = 1200
QUOTA, BUCKET, SLIDING, FIXED, PLACES = 60, 12, 6, 5, 4
AMOUNTS = {"org-day": 120, "key-month": 70, "alias-total": 400, "user-week": 150}

BUDGETS = (
    BudgetRule("org-day", ORG, "org", AMOUNTS["org-day"], "day"),
    BudgetRule("key-month", ORG, "key", AMOUNTS["key-month"], "month"),
    BudgetRule("alias-total", ORG, "alias", AMOUNTS["alias-total"], "total"),
    BudgetRule("user-week", ORG, "user", AMOUNTS["user-week"], "week"),
)
LIMITS = (
    LimitRule("bucket", ORG, "org", "requests", 120, per_seconds=60, burst=BUCKET),
    LimitRule(
        "sliding", ORG, "key", "requests", SLIDING, algorithm="sliding_window", per_seconds=20
    ),
    LimitRule("fixed", ORG, "alias", "requests", FIXED, algorithm="fixed_window", per_seconds=10),
    LimitRule("places", ORG, "user", "concurrency", PLACES),
)


@dataclass(eq=False)
class Money:
    """One hold or cost, and the period of each budget that it counts in.

    Compared by identity: two requests may hold the same amount, and only one of them ends.
    """

    nano: int
    periods: dict[tuple[str, str], tuple[int, ...]]
    spent: bool = False


@dataclass(eq=False)
class Request:
    lease: InProcessLease
    key: str
    alias: str
    seen: float
    spare: Money | None
    open: dict[str, Money] = field(default_factory=dict)
    released: bool = False


def period(budget: str, now: float) -> tuple[int, ...]:
    day = datetime.fromtimestamp(now, BERLIN).date()
    return {
        "org-day": (day.year, day.month, day.day),
        "key-month": (day.year, day.month),
        "alias-total": (0,),
        "user-week": tuple(day.isocalendar()[:2]),
    }[budget]


class Admissions(RuleBasedStateMachine):
    """Every step of the real one is compared with the model's sums."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.requests: list[Request] = []
        self.money: list[Money] = []
        self.admitted: list[tuple[float, str, str]] = []
        self.newest: dict[tuple[str, str], tuple[int, ...]] = {}
        self.day: tuple[int, ...] = ()
        self.today = 0
        self.attempts = 0

    @override
    def teardown(self) -> None:
        self.loop.close()

    def run(self, awaitable: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(awaitable)

    @initialize()
    def begin(self) -> None:
        rules = OrgRules(LIMITS, BUDGETS, (Tier("tier", QUOTA, ""),))
        self.world = World(rules, time_zone="Europe/Berlin")
        self.world.clock.advance(START - self.world.clock.now())
        self.observe()

    def observe(self) -> None:
        """Let both sides see the time; windows only ever move forward."""
        self.world.admission.standings(ORG)
        now = self.world.clock.now()
        for key in self.newest:
            self.newest[key] = max(self.newest[key], period(key[0], now))

    def keys_of(self, key: str, alias: str) -> list[tuple[str, str]]:
        return [
            ("org-day", ORG),
            ("key-month", key),
            ("alias-total", alias),
            ("user-week", "user-1"),
        ]

    def total(self, key: tuple[str, str], *, spent: bool) -> int:
        return sum(
            money.nano
            for money in self.money
            if money.spent is spent and money.periods.get(key) == self.newest[key]
        )

    def expected(self, key: str, alias: str, hold: int) -> str | None:
        """What a reservation of this much must come to."""
        keys = self.keys_of(key, alias)
        for budget in keys:
            self.newest.setdefault(budget, period(budget[0], self.world.clock.now()))
        if any(self.total(b, spent=True) + hold > AMOUNTS[b[0]] for b in keys if hold):
            return "budget_exhausted"
        for budget in keys:
            taken = self.total(budget, spent=True) + self.total(budget, spent=False)
            if hold and taken + hold > AMOUNTS[budget[0]]:
                return "budget_held"
        return None

    def hold(self, key: str, alias: str, nano: int) -> Money:
        money = Money(nano, {budget: self.newest[budget] for budget in self.keys_of(key, alias)})
        self.money.append(money)
        return money

    def check(self, code: str, reasons: set[str | None]) -> None:
        """A refusal must have a reason."""
        assert code in reasons

    def places(self) -> int:
        return sum(not request.released for request in self.requests)

    def full_limits(self, key: str, alias: str) -> set[str | None]:
        """Codes of the limits that have reason to refuse."""
        now = self.world.clock.monotonic()
        codes: set[str | None] = set()
        if self.places() >= PLACES:
            codes.add("concurrency_limit_exceeded")
        if self.today >= QUOTA:
            codes.add("quota_exceeded")
        sliding = [at for at, k, _ in self.admitted if k == key and at > now - 21]
        fixed = [at for at, _, a in self.admitted if a == alias and at // 10 == now // 10]
        # A bucket that lacks a request was emptied by a burst and what flowed in since.
        emptied = any(
            len([a for a, _, _ in self.admitted if a >= at]) > BUCKET + 2 * (now - at) - 1
            for at, _, _ in self.admitted
        )
        if len(sliding) >= SLIDING or len(fixed) >= FIXED or emptied:
            codes.add("rate_limit_exceeded")
        return codes

    @rule(
        key=st.sampled_from(["key-1", "key-2"]),
        alias=st.sampled_from(["gpt", "claude"]),
        nano=st.integers(0, 40),
    )
    def admit(self, key: str, alias: str, nano: int) -> None:
        self.observe()
        now = self.world.clock.monotonic()
        day = period("org-day", self.world.clock.now())
        if day > self.day:
            self.day, self.today = day, 0
        who = caller(key, tier="tier")
        money = self.expected(key, alias, nano)
        full = self.full_limits(key, alias)
        try:
            lease = self.run(self.world.admission.admit(ask(who, alias=alias, hold=nano)))
        except (LimitExceeded, BudgetExhausted) as error:
            self.check(error.code, full | {money})
            return
        assert money is None
        assert not full & {"concurrency_limit_exceeded", "quota_exceeded"}
        spare = self.hold(key, alias, nano)
        self.requests.append(Request(lease, key, alias, now, spare))
        self.admitted.append((now, key, alias))
        self.today += 1

    @precondition(lambda self: self.requests)
    @rule(pick=st.integers(0, 99), change=st.sampled_from([0, 0, -5, 5]))
    def cover(self, pick: int, change: int) -> None:
        self.observe()
        request = self.requests[pick % len(self.requests)]
        if request.released:
            return
        self.attempts += 1
        attempt = f"attempt-{self.attempts}"
        spare, request.spare = request.spare, None
        nano = max(0, (spare.nano if spare else 10) + change)
        request.seen = self.world.clock.monotonic()
        now_periods = {b: self.newest[b] for b in self.keys_of(request.key, request.alias)}
        kept = spare is not None and spare.nano == nano and spare.periods == now_periods
        money = None
        if spare is not None and not kept:
            self.money.remove(spare)
        if not kept:
            money = self.expected(request.key, request.alias, nano)
        try:
            self.run(self.world.admission.cover(request.lease, attempt, nano))
        except (LimitExceeded, BudgetExhausted) as error:
            self.check(error.code, {money})
            return
        assert money is None
        request.open[attempt] = (
            spare if spare and kept else self.hold(request.key, request.alias, nano)
        )

    @precondition(lambda self: any(request.open for request in self.requests))
    @rule(pick=st.integers(0, 99), share=st.floats(0, 1), twice=st.booleans())
    def settle(self, pick: int, share: float, twice: bool) -> None:
        running = [(r, attempt) for r in self.requests for attempt in r.open]
        request, attempt = running[pick % len(running)]
        money = request.open.pop(attempt)
        cost = int(money.nano * share)
        for _ in range(1 + twice):
            self.world.admission.settle(request.lease, attempt, outcome(cost))
        money.nano, money.spent = cost, True

    @precondition(lambda self: self.requests)
    @rule(pick=st.integers(0, 99))
    def release(self, pick: int) -> None:
        request = self.requests[pick % len(self.requests)]
        self.world.admission.release(request.lease)
        request.released = True
        self.drop_spare(request)

    def drop_spare(self, request: Request) -> None:
        if request.spare is not None:
            self.money.remove(request.spare)
            request.spare = None

    @rule(
        seconds=st.one_of(
            st.sampled_from([0.25, 0.5, 1, 5]), st.integers(1, 90), st.integers(600, 30_000)
        )
    )
    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.observe()

    @rule(hours=st.integers(-30, 30))
    def the_clock_is_set(self, hours: int) -> None:
        self.world.clock.step(hours * 3600)
        self.observe()

    @rule()
    def sweep(self) -> None:
        self.world.admission.sweep()
        now = self.world.clock.monotonic()
        for request in self.requests:
            if now - request.seen <= LEASE or (request.released and not request.open):
                continue
            request.released = True
            self.drop_spare(request)
            for money in request.open.values():
                money.spent = True
            request.open.clear()

    @invariant()
    def the_sums_agree_and_no_amount_is_passed(self) -> None:
        for row in self.world.admission.standings(ORG) if hasattr(self, "world") else ():
            key = (row.rule_id, row.scope_id)
            sums = (self.total(key, spent=True), self.total(key, spent=False))
            assert (row.spent_nano, row.held_nano) == sums
            assert sum(sums) <= row.amount_nano

    @invariant()
    def no_limit_is_passed_in_any_stretch_of_time(self) -> None:
        assert self.places() <= PLACES
        assert self.today <= QUOTA
        for at, _, _ in self.admitted:
            later = [(a, k, m) for a, k, m in self.admitted if a >= at]
            for end, _, _ in later:
                inside = len([a for a, _, _ in later if a <= end])
                assert inside <= BUCKET + 2 * (end - at)
        for at, key, alias in self.admitted:
            window = [a for a, k, _ in self.admitted if k == key and at <= a < at + 20]
            assert len(window) <= SLIDING
            ten = [a for a, _, m in self.admitted if m == alias and a // 10 == at // 10]
            assert len(ten) <= FIXED


Admissions.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_random_lives_of_requests = Admissions.TestCase
