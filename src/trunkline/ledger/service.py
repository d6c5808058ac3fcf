"""Questions to the ledger, and the corrections that an administrator orders."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.gateway.metering.price import Price
from trunkline.kit.clock import Clock
from trunkline.ledger.corrections import (
    Correcting,
    CostChange,
    Estimated,
    cost_changes,
    estimated,
    is_correction,
)
from trunkline.ledger.reports import UsageQuery, UsageReport, report_from
from trunkline.ledger.repository.attempts import (
    attributed_attempts,
    corrections_of,
    page_of_attempts,
)
from trunkline.ledger.repository.reports import (
    Period,
    Scope,
    Whose,
    sum_of_attempts,
    sum_of_rollups,
    usage_by,
    usage_by_tag,
)
from trunkline.ledger.repository.rollups import add_to_rollups, find_differences
from trunkline.ledger.repricing import REPRICE, Prices, Repricing, repriced
from trunkline.ledger.rollups import DAY_MS, HOUR_MS, LENGTHS, Grain, Rollups
from trunkline.ledger.rows import Row
from trunkline.storage.changes import Change, newest_change
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import MEASURES

PAGE_ROWS = 500


class Difference(msgspec.Struct, frozen=True):
    """A rollup row that is not the sum of its attempts.

    Attributes:
        missing: attempts minus rollup, by measure; only those that differ.
    """

    org_id: str
    grain: Grain
    start_ms: int
    attribution_id: int
    missing: dict[str, int]


class Ledger:
    """What was used and spent; has no state of its own.

    An attempt belongs to the moment at which it was opened, whenever its cost became known.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def spent(self, org_id: str, scope: Scope, scope_id: str, since_ms: int) -> int:
        """Nano-dollars, exact and estimated, of attempts opened at or after ``since_ms``."""
        async with self._database.read(org_id) as conn:
            return (await _sums(conn, Whose(org_id, scope, scope_id), since_ms))[0]

    async def history(
        self, org_id: str, scope: Scope, scope_id: str, since_ms: Sequence[int]
    ) -> tuple[list[int], int]:
        """``spent`` since each of these moments, and the newest change at the time of the answer.

        Exactly the corrections that were told of up to that change are in the sums.
        """
        whose = Whose(org_id, scope, scope_id)
        async with self._database.read(org_id) as conn:
            sums = [(await _sums(conn, whose, since))[0] for since in since_ms]
            return sums, await newest_change(conn)

    async def requests(self, org_id: str, scope: Scope, scope_id: str, since_ms: int) -> int:
        """Requests whose first attempt was opened at or after ``since_ms``."""
        async with self._database.read(org_id) as conn:
            return (await _sums(conn, Whose(org_id, scope, scope_id), since_ms))[1]

    async def cost_changes(self, changes: Iterable[Change]) -> list[CostChange]:
        """What the corrections among these changes did to the costs of their attempts.

        Raises:
            Unavailable: the database does not answer.
        """
        told = [change for change in changes if is_correction(change)]
        if not told:
            return []
        ids = {change.id for change in told}
        async with self._database.read(None) as conn:
            rows = await attributed_attempts(conn, ids)
            before = await corrections_of(conn, ids)
        return cost_changes(told, rows, before)

    async def estimates(self, attempt_ids: Sequence[str]) -> list[Estimated]:
        """Those of these attempts whose costs are estimates that nobody has corrected yet.

        Raises:
            Unavailable: the database does not answer.
        """
        found: list[Estimated] = []
        async with self._database.read(None) as conn:
            for start in range(0, len(attempt_ids), PAGE_ROWS):
                page = attempt_ids[start : start + PAGE_ROWS]
                rows = await attributed_attempts(conn, page)
                found += [made for row in rows.values() if (made := estimated(row)) is not None]
        return found

    async def usage(self, org_id: str | None, query: UsageQuery) -> UsageReport:
        """A report from the rollups.

        Args:
            org_id: the organisation, or None for all of them, which only the operator may ask for.
            query: what is asked for.

        Raises:
            InvalidRequest: see ``UsageQuery.aligned``.
        """
        query = query.aligned()
        period = Period(query.grain, query.since_ms, query.until_ms)
        whose = Whose(org_id, query.scope, query.scope_id)
        async with self._database.read(org_id) as conn:
            if query.by != "tag":
                return report_from(query, await usage_by(conn, whose, period, query.by), None)
            tagged = await usage_by_tag(conn, org_id, period)
            everything = await usage_by(conn, whose, period, "org")
        return report_from(query, tagged, report_from(query, everything, None).total)

    async def reprice(
        self,
        since_ms: int,
        until_ms: int,
        prices: Prices,
        *,
        org_id: str | None = None,
        dry_run: bool = False,
    ) -> Repricing:
        """Compute the costs of a period again with the prices valid when each attempt was opened.

        Every change leaves a correction row; rollups move with it. A dry run changes nothing.
        Safe to repeat and to interrupt: pages are units of work of their own.
        """
        result = Repricing()
        after = (since_ms, "")
        while True:
            async with self._database.read(org_id) as conn:
                page = await page_of_attempts(
                    conn,
                    since_ms=since_ms,
                    until_ms=until_ms,
                    after=after,
                    org_id=org_id,
                    size=PAGE_ROWS,
                )
            if not page:
                return result
            after = (page[-1]["opened_ms"], page[-1]["id"])
            result.examined += len(page)
            changes = [
                (row, change)
                for row in page
                if (change := repriced(row, await _price(prices, row)))
            ]
            if dry_run:
                applied = changes
            else:
                applied = await self._apply(org_id, changes)
            _count(result, applied)

    async def reconcile(self, since_ms: int, until_ms: int) -> list[Difference]:
        """Where rollups of the whole days between two moments differ from their attempts."""
        start, end = since_ms - since_ms % DAY_MS, until_ms + -until_ms % DAY_MS
        differences: list[Difference] = []
        async with self._database.read(None) as conn:
            for grain in LENGTHS:
                rows = await find_differences(conn, grain, start, end)
                differences += [_difference(grain, row) for row in rows]
        return differences

    async def _apply(
        self, org_id: str | None, changes: list[tuple[Row, Row]]
    ) -> list[tuple[Row, Row]]:
        """Those of the changes that nobody else's correction came before."""
        if not changes:
            return []
        now_ms = int(self._clock.now() * 1000)
        moved, applied = Rollups(), []
        async with self._database.write(org_id) as conn:
            correcting = Correcting(conn, moved, reason=REPRICE, made_ms=now_ms)
            for row, change in changes:
                if await correcting.correct(row, change):
                    applied.append((row, change))
            await add_to_rollups(conn, moved)
            await correcting.tell()
        return applied


async def _sums(conn: AsyncConnection, whose: Whose, since_ms: int) -> tuple[int, int]:
    """(nano-dollars, requests) since a moment.

    Attempts up to the next full hour, hours up to the next full day, then days: all in UTC,
    where neither has gaps. Days of other time zones begin at some hour, or half hour, of it.
    """
    hour = since_ms + -since_ms % HOUR_MS
    day = hour + -hour % DAY_MS
    parts = [
        await sum_of_attempts(conn, whose, since_ms, hour),
        await sum_of_rollups(conn, whose, Period("hour", hour, day)),
        await sum_of_rollups(conn, whose, Period("day", day)),
    ]
    return sum(nano for nano, _ in parts), sum(requests for _, requests in parts)


async def _price(prices: Prices, row: Row) -> Price | None:
    return await prices.price_at(
        row["org_id"], row["connection_id"], row["provider"], row["model"], row["opened_ms"]
    )


def _count(result: Repricing, applied: list[tuple[Row, Row]]) -> None:
    for row, change in applied:
        result.corrected += 1
        result.priced += row["cost_state"] == "unpriced"
        result.before_nano += row["cost_nano"] or 0
        result.after_nano += change["cost_nano"]


def _difference(grain: Grain, row: Row) -> Difference:
    missing = {name: int(row[name]) for name in MEASURES if row[name]}
    return Difference(row["org_id"], grain, row["start_ms"], row["attribution_id"], missing)
