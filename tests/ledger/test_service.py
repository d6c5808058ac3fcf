"""Sums, reports and corrections, on both engines."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from tests.ledger.examples import (
    CONNECTION,
    KEY,
    ORG,
    OTHER_ORG,
    START_MS,
    TEAM,
    USER,
    attempt,
    estimated,
    outcome,
    unpriced,
)
from typing_extensions import override

from trunkline.errors import InvalidRequest
from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.metering.price import Price, Rates, Variant
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.clock import FakeClock
from trunkline.ledger.booking import book
from trunkline.ledger.records import Close
from trunkline.ledger.reports import UsageQuery, report_json
from trunkline.ledger.repository.reports import Dimension
from trunkline.ledger.repricing import Repricing
from trunkline.ledger.rollups import DAY_MS, HOUR_MS, Measures
from trunkline.ledger.service import Difference, Ledger
from trunkline.limits.ports import Spending
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import MEASURES, correction, usage_rollup
from trunkline.storage.tables.ledger import attempt as attempt_table

DAY = START_MS - START_MS % DAY_MS
RATES = Rates(input=1_000_000, cache_read=500_000, output=2_000_000)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, FakeClock(START_MS / 1000))


async def add(database: Database, *pairs: tuple[Attempt, Outcome]) -> None:
    async with database.write(None) as conn:
        await book(conn, [Close(*pair) for pair in pairs], START_MS)


async def test_the_sums_are_what_limits_ask_for(ledger: Ledger) -> None:
    port: Spending = ledger
    assert await port.history(ORG, "org", ORG, (0,)) == ([0], 0)
    assert await port.requests(ORG, "org", ORG, 0) == 0


def test_the_measures_are_the_columns_of_the_rollups() -> None:
    assert Measures.__struct_fields__ == MEASURES


async def test_spending_of_every_scope_counts_only_its_own_attempts(
    ledger: Ledger, database: Database
) -> None:
    elsewhere = {"team_id": None, "user_id": "u2", "key_id": "k2", "alias": "slow"}
    await add(
        database,
        (attempt(), outcome(cost_nano=1)),
        (attempt(**elsewhere), outcome(cost_nano=10)),
        (attempt(number=2), estimated(cost_nano=100)),
        (attempt(), unpriced()),
        (attempt(org_id=OTHER_ORG), outcome(cost_nano=1000)),
    )
    scopes: tuple[Any, ...] = ("org", "team", "user", "key", "alias")
    ids = {"org": ORG, "team": TEAM, "user": USER, "key": KEY, "alias": "fast"}
    for since in (0, DAY, START_MS - 1, START_MS):
        spent = {scope: await ledger.spent(ORG, scope, ids[scope], since) for scope in scopes}
        assert spent == {"org": 111, "team": 101, "user": 101, "key": 101, "alias": 101}
        requests = {s: await ledger.requests(ORG, s, ids[s], since) for s in scopes}
        assert requests == {"org": 3, "team": 2, "user": 2, "key": 2, "alias": 2}
    assert await ledger.spent(ORG, "org", ORG, START_MS + 1) == 0
    assert await ledger.spent(ORG, "key", "nobody", 0) == 0
    assert await ledger.spent(OTHER_ORG, "key", KEY, 0) == 1000


MOMENTS = [
    DAY - 1,
    DAY,
    DAY + 1,
    DAY + HOUR_MS - 1,
    DAY + HOUR_MS,
    DAY + HOUR_MS + 1,
    DAY + 2 * HOUR_MS,
    DAY + DAY_MS - 1,
    DAY + DAY_MS,
    DAY + 3 * DAY_MS + 90 * 60_000,
]


async def test_spending_is_exact_to_the_millisecond_at_every_edge(
    ledger: Ledger, database: Database
) -> None:
    costs = {moment: 1 << index for index, moment in enumerate(MOMENTS)}
    await add(
        database,
        *((attempt(opened_ms=moment), outcome(cost_nano=costs[moment])) for moment in MOMENTS),
    )
    for since in sorted({m + step for m in MOMENTS for step in (-1, 0, 1)}):
        expected = sum(cost for moment, cost in costs.items() if moment >= since)
        assert await ledger.spent(ORG, "org", ORG, since) == expected
        counted = sum(moment >= since for moment in MOMENTS)
        assert await ledger.requests(ORG, "key", KEY, since) == counted


DAYS_OF_ZONES = [
    ("Europe/Zurich", date(2025, 3, 30), 23),
    ("Europe/Zurich", date(2025, 10, 26), 25),
    ("Asia/Kolkata", date(2025, 6, 15), 24),
    ("Australia/Lord_Howe", date(2025, 4, 6), 24.5),
]


async def test_days_of_any_time_zone_can_be_summed(ledger: Ledger, database: Database) -> None:
    for zone, day, hours in DAYS_OF_ZONES:
        days = (day, day + timedelta(days=1))
        midnights = (datetime.combine(one, time(), ZoneInfo(zone)) for one in days)
        first, last = (int(midnight.timestamp() * 1000) for midnight in midnights)
        assert last - first == hours * HOUR_MS
        every_half_hour = range(first - DAY_MS, last + DAY_MS, HOUR_MS // 2)
        key_id = f"{zone} {day}"[:36]
        made = (attempt(opened_ms=moment, key_id=key_id) for moment in every_half_hour)
        await add(database, *((one, outcome(cost_nano=1)) for one in made))
        since = [await ledger.spent(ORG, "key", key_id, moment) for moment in (first, last)]
        assert (zone, since[0] - since[1]) == (zone, hours * 2)


async def test_a_report_shows_what_is_exact_estimated_and_unknown(
    ledger: Ledger, database: Database
) -> None:
    await add(
        database,
        (attempt(), outcome(cost_nano=1_500_000_000)),
        (attempt(number=2), estimated(cost_nano=250)),
        (attempt(), unpriced(usage=Usage(input=5, searches=1))),
        (attempt(opened_ms=START_MS + DAY_MS), outcome(ending="failed", cost_nano=1)),
    )
    report = await ledger.usage(ORG, UsageQuery(START_MS, START_MS + 2 * DAY_MS))
    assert report_json(report) == {
        "since_ms": START_MS - START_MS % HOUR_MS,
        "until_ms": START_MS + 2 * DAY_MS + -START_MS % HOUR_MS,
        "by": "day",
        "currency": "USD",
        "total": {
            "spent": "1.500000251",
            "exact": "1.500000001",
            "estimated": "0.00000025",
            "requests": 3,
            "attempts": 4,
            "failures": 2,
            "estimated_attempts": 1,
            "unpriced_attempts": 1,
            "tokens": {"input": 38, "cache_read": 9, "output": 21, "searches": 1},
        },
        "lines": [
            {
                "name": DAY,
                "spent": "1.50000025",
                "exact": "1.50",
                "estimated": "0.00000025",
                "requests": 2,
                "attempts": 3,
                "failures": 1,
                "estimated_attempts": 1,
                "unpriced_attempts": 1,
                "tokens": {"input": 27, "cache_read": 6, "output": 14, "searches": 1},
            },
            {
                "name": DAY + DAY_MS,
                "spent": "0.000000001",
                "exact": "0.000000001",
                "estimated": "0.00",
                "requests": 1,
                "attempts": 1,
                "failures": 1,
                "estimated_attempts": 0,
                "unpriced_attempts": 0,
                "tokens": {"input": 11, "cache_read": 3, "output": 7},
            },
        ],
    }


GROUPED: list[tuple[Dimension, dict[str | int | None, int]]] = [
    ("hour", {START_MS - START_MS % HOUR_MS: 11, START_MS - START_MS % HOUR_MS + HOUR_MS: 100}),
    ("day", {DAY: 111}),
    ("org", {ORG: 111}),
    ("team", {TEAM: 11, None: 100}),
    ("user", {USER: 111}),
    ("key", {KEY: 101, "k2": 10}),
    ("alias", {"fast": 111}),
    ("provider", {"openai": 101, "anthropic": 10}),
    ("model", {"openai/gpt-4o": 101, "anthropic/claude": 10}),
    ("tag", {"app=crm": 11, "env=prod": 10}),
]


async def test_usage_can_be_grouped_by_every_dimension(ledger: Ledger, database: Database) -> None:
    claude = {"provider": "anthropic", "model": "claude", "key_id": "k2"}
    await add(
        database,
        (attempt(tags=(("app", "crm"),)), outcome(cost_nano=1)),
        (attempt(tags=(("app", "crm"), ("env", "prod")), **claude), outcome(cost_nano=10)),
        (attempt(opened_ms=START_MS + HOUR_MS, team_id=None), outcome(cost_nano=100)),
        (attempt(org_id=OTHER_ORG, tags=(("app", "crm"),)), outcome(cost_nano=1000)),
    )
    for by, expected in GROUPED:
        for since, until in ((DAY, DAY + DAY_MS), (START_MS, START_MS + 2 * HOUR_MS)):
            report = await ledger.usage(ORG, UsageQuery(since, until, by))
            spent = {line.name: line.measures.spent_nano for line in report.lines}
            assert (by, spent) == (by, expected)
            assert report.total.spent_nano == 111
        everything = await ledger.usage(None, UsageQuery(DAY, DAY + DAY_MS, by))
        assert everything.total.spent_nano == 1111


async def test_a_report_can_be_narrowed_to_one_scope(ledger: Ledger, database: Database) -> None:
    await add(
        database,
        (attempt(model="a"), outcome(cost_nano=1)),
        (attempt(model="b", key_id="k2"), outcome(cost_nano=10)),
    )
    query = UsageQuery(DAY, DAY + DAY_MS, "model", "key", "k2")
    report = await ledger.usage(ORG, query)
    assert [(line.name, line.measures.spent_nano) for line in report.lines] == [("openai/b", 10)]
    theirs = await ledger.usage(OTHER_ORG, query)
    assert (theirs.lines, theirs.total) == ((), Measures())


@pytest.mark.parametrize(
    ("query", "param"),
    [
        (UsageQuery(DAY, DAY), "until"),
        (UsageQuery(DAY, DAY + 1, "tag", "key", KEY), "by"),
    ],
)
async def test_questions_without_an_answer_are_refused(
    sqlite_database: Database, query: UsageQuery, param: str
) -> None:
    ledger = Ledger(sqlite_database, FakeClock())
    with pytest.raises(InvalidRequest) as refused:
        await ledger.usage(ORG, query)
    assert refused.value.param == param


class PriceList:
    """Prices of models from moments on."""

    def __init__(self, prices: dict[str, list[tuple[int, Price]]]) -> None:
        self._prices = prices

    async def price_at(
        self, org_id: str, connection_id: str, provider: str, model: str, at_ms: int
    ) -> Price | None:
        assert (org_id, connection_id, provider) == (ORG, CONNECTION, "openai")
        begun = [price for since, price in self._prices.get(model, []) if since <= at_ms]
        return begun[-1] if begun else None


OLD = Price("old", Rates(input=1_000_000))
NEW = Price("new", RATES, variants=(Variant("flex", Rates(input=10, cache_read=10, output=10)),))
LATER = Price("later", Rates(input=1, cache_read=1, output=1))
USAGE = Usage(input=100, cache_read=10, output=30)
COST = 100 + 5 + 60

REPRICED = [
    # What it was; (state, nano-dollars, price) that it becomes, None where it stays.
    (unpriced(usage=USAGE), ("exact", COST, "new")),
    (unpriced(usage=USAGE, ending="client_gone"), ("estimated", COST, "new")),
    (outcome(usage=USAGE, cost_nano=7, price_ref="old"), ("exact", COST, "new")),
    (outcome(usage=USAGE, cost_nano=7, price_ref="new"), ("exact", COST, "new")),
    (outcome(usage=USAGE, cost_nano=7, service_tier="flex"), ("exact", 1, "new")),
    (outcome(usage=USAGE, cost_nano=COST, price_ref="old"), None),
    (estimated(usage=USAGE, cost_nano=7, price_ref="old"), ("estimated", COST, "new")),
    (estimated(usage=USAGE, cost_nano=7, price_ref="new"), None),
    (outcome(ending="refused", usage=Usage(), cost_nano=0), None),
    (unpriced(usage=Usage(input=1, audio_output=1)), None),
]


async def test_repricing_corrects_what_the_prices_of_the_moment_say_otherwise(
    ledger: Ledger, database: Database
) -> None:
    prices = PriceList({"gpt-4o": [(0, OLD), (DAY, NEW), (START_MS + 1, LATER)]})
    attempts = [attempt(tags=(("a", "b"),)) for _ in REPRICED]
    outside = attempt(opened_ms=DAY - 1), attempt(opened_ms=START_MS + DAY_MS)
    unknown = attempt(model="nobody-knows")
    await add(
        database,
        *((one, was) for one, (was, _) in zip(attempts, REPRICED, strict=True)),
        *((one, unpriced()) for one in (*outside, unknown)),
    )
    expected = Repricing(
        examined=11, corrected=6, priced=2, before_nano=28, after_nano=5 * COST + 1
    )
    before = await costs(database)
    dry = await ledger.reprice(DAY, DAY + DAY_MS, prices, dry_run=True)
    assert dry == expected
    assert await costs(database) == before
    assert await ledger.reprice(DAY, DAY + DAY_MS, prices, org_id=OTHER_ORG) == Repricing()
    assert await ledger.reprice(DAY, DAY + DAY_MS, prices, org_id=ORG) == expected
    after = await costs(database)
    for one, (was, becomes) in zip(attempts, REPRICED, strict=True):
        assert after[one.id] == (becomes or (was.cost_state, was.cost_nano, was.price_ref))
    assert await ledger.reconcile(DAY, DAY + DAY_MS) == []
    again = await ledger.reprice(DAY, DAY + DAY_MS, prices)
    assert again == Repricing(examined=11)
    async with database.read(ORG) as conn:
        kept = await conn.execute(
            select(correction.c.attempt_id, correction.c.reason, correction.c.cost_nano)
        )
        assert {tuple(row) for row in kept} == {
            (one.id, "reprice", was.cost_nano)
            for one, (was, becomes) in zip(attempts, REPRICED, strict=True)
            if becomes
        }


async def costs(database: Database) -> dict[str, tuple[str, int | None, str | None]]:
    row = attempt_table.c
    async with database.read(None) as conn:
        found = await conn.execute(select(row.id, row.cost_state, row.cost_nano, row.price_ref))
        return {id_: (state, nano, ref) for id_, state, nano, ref in found}


async def test_repricing_goes_through_all_pages_also_where_moments_are_equal(
    ledger: Ledger, database: Database
) -> None:
    await add(
        database,
        *(
            (attempt(opened_ms=START_MS + number // 400), unpriced(usage=USAGE))
            for number in range(1201)
        ),
    )
    prices = PriceList({"gpt-4o": [(0, NEW)]})
    result = await ledger.reprice(DAY, DAY + DAY_MS, prices)
    assert (result.examined, result.corrected, result.priced) == (1201, 1201, 1201)
    assert await ledger.spent(ORG, "org", ORG, DAY) == 1201 * COST
    assert await ledger.reconcile(DAY, DAY + DAY_MS) == []


async def test_a_second_corrector_of_the_same_state_changes_nothing(
    ledger: Ledger, database: Database
) -> None:
    one = attempt()
    await add(database, (one, estimated(cost_nano=7, usage=USAGE, price_ref="old")))

    class Interfering(PriceList):
        @override
        async def price_at(self, *args: Any) -> Price | None:
            await add(database, (one, outcome(cost_nano=9)))
            return await super().price_at(*args)

    result = await ledger.reprice(DAY, DAY + DAY_MS, Interfering({"gpt-4o": [(0, NEW)]}))
    assert result == Repricing(examined=1)
    assert (await costs(database))[one.id] == ("exact", 9, "openai/gpt-4o@1")
    assert await ledger.reconcile(DAY, DAY + DAY_MS) == []


async def test_reconciling_finds_what_the_rollups_miss(ledger: Ledger, database: Database) -> None:
    await add(database, (attempt(), outcome(cost_nano=5)), (attempt(), outcome(cost_nano=6)))
    assert await ledger.reconcile(START_MS, START_MS + 1) == []
    async with database.write(None) as conn:
        await conn.execute(
            update(usage_rollup)
            .where(usage_rollup.c.grain == "hour")
            .values(attempts=3, exact_nano=1)
        )
        who = await conn.scalar(select(attempt_table.c.attribution_id).limit(1))
    assert who is not None
    assert await ledger.reconcile(START_MS, START_MS + 1) == [
        Difference(
            ORG, "hour", START_MS - START_MS % HOUR_MS, who, {"attempts": -1, "exact_nano": 10}
        )
    ]
    assert await ledger.reconcile(START_MS + 2 * DAY_MS, START_MS + 3 * DAY_MS) == []
