"""The comparison of every night."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy import update
from structlog.testing import capture_logs
from tests.ledger.examples import ORG, START_MS, attempt, outcome

from trunkline.kit.clock import FakeClock
from trunkline.ledger.booking import book
from trunkline.ledger.nightly import NightlyReconcile
from trunkline.ledger.records import Close
from trunkline.ledger.rollups import DAY_MS
from trunkline.ledger.service import Ledger
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import usage_rollup

# 12 hours minus 6 minutes and 40 seconds before the next night of 03:00 UTC.
TO_NIGHT = 11 * 3600 + 53 * 60 + 20


async def test_sums_that_differ_are_reported_once_a_night(sqlite_database: Database) -> None:
    clock = FakeClock(START_MS / 1000)
    nightly = NightlyReconcile(Ledger(sqlite_database, clock), clock)
    async with sqlite_database.write(None) as conn:
        await book(conn, [Close(attempt(), outcome(cost_nano=5))], START_MS)
    clock.advance(TO_NIGHT - 1)
    assert await nightly.run_if_due() is False
    clock.advance(1)
    assert await nightly.run_if_due() is True
    assert nightly.differences == 0
    assert await nightly.run_if_due() is False
    async with sqlite_database.write(None) as conn:
        await conn.execute(
            update(usage_rollup).where(usage_rollup.c.grain == "day").values(requests=3)
        )
    clock.advance(DAY_MS / 1000)
    with capture_logs() as logs:
        assert await nightly.run_if_due() is True
    assert nightly.differences == 1
    assert logs == [
        {
            "event": "rollup_differs",
            "log_level": "error",
            "org_id": ORG,
            "grain": "day",
            "start_ms": START_MS - START_MS % DAY_MS,
            "missing": {"requests": -2},
        }
    ]


async def test_a_database_that_fails_is_asked_again(
    sqlite_database: Database, data_dir: Path
) -> None:
    clock = FakeClock(START_MS / 1000)
    nightly = NightlyReconcile(Ledger(sqlite_database, clock), clock)
    clock.advance(TO_NIGHT)
    rename(data_dir, "attempt", "hidden")
    assert await nightly.run_if_due() is False
    rename(data_dir, "hidden", "attempt")
    stop = asyncio.Event()
    running = asyncio.create_task(nightly.run(stop))
    async with asyncio.timeout(10):
        while nightly.differences is None:  # noqa: ASYNC110 -- The run tells nobody.
            await asyncio.sleep(0.01)
    stop.set()
    await running
    assert nightly.differences == 0


def rename(data_dir: Path, table: str, to: str) -> None:
    with contextlib.closing(sqlite3.connect(data_dir / "trunkline.db")) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {to}")
