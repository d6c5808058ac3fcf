"""From the journal into the ledger, on both engines."""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from tests.ledger.examples import ORG, START_MS, attempt, estimated, outcome, unpriced

from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.clock import FakeClock, SystemClock
from trunkline.ledger.journal import Journal
from trunkline.ledger.rollups import DAY_MS, HOUR_MS
from trunkline.ledger.segments import segments_of
from trunkline.ledger.service import Ledger
from trunkline.ledger.shipping import Shipper
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import (
    attempt as attempt_table,
)
from trunkline.storage.tables.ledger import (
    correction,
    journal_position,
    tag_rollup,
    usage_rollup,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START_MS / 1000 + 60)


@pytest.fixture
async def journal(root: Path, clock: FakeClock) -> AsyncIterator[Journal]:
    opened = Journal(root, clock)
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
def shipper(database: Database, root: Path, clock: FakeClock) -> Shipper:
    return Shipper(database, root, clock)


def record(journal: Journal, *pairs: tuple[Attempt, Outcome]) -> None:
    for opened, ended in pairs:
        journal.opened(opened)
        journal.closed(opened, ended)


async def rows(database: Database, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    chosen = [table.c[name] for name in columns]
    async with database.read(None) as conn:
        return [tuple(row) for row in await conn.execute(select(*chosen).order_by(*chosen))]


async def is_balanced(database: Database, clock: FakeClock) -> bool:
    return await Ledger(database, clock).reconcile(START_MS - 9 * DAY_MS, START_MS + DAY_MS) == []


async def test_a_closed_attempt_becomes_one_row_with_everything_known_of_it(
    journal: Journal, shipper: Shipper, database: Database
) -> None:
    opened = attempt(tags=(("app", "crm"),), end_user="u-1")
    record(journal, (opened, outcome()))
    assert await shipper.drain() == 1
    async with database.read(ORG) as conn:
        row = dict((await conn.execute(select(attempt_table))).mappings().one())
    assert row.pop("attribution_id") > 0
    assert row == {
        "id": opened.id,
        "org_id": ORG,
        "request_id": opened.request_id,
        "client_request_id": "client-1",
        "number": 1,
        "opened_ms": START_MS,
        "closed_ms": START_MS + 1500,
        "stream": True,
        "reason": "first",
        "credential": None,
        "ending": "completed",
        "status": 200,
        "error_code": None,
        "cost_state": "exact",
        "cost_nano": 5_000,
        "price_ref": "openai/gpt-4o@1",
        "revision": 0,
        "floor_nano": 1_000,
        "hold_nano": 90_000,
        "input": 11,
        "cache_read": 3,
        "cache_write": 0,
        "cache_write_5m": 0,
        "cache_write_1h": 0,
        "audio_input": 0,
        "output": 7,
        "reasoning": 0,
        "audio_output": 0,
        "searches": 0,
        "served_model": "gpt-4o-2024-08-06",
        "service_tier": None,
        "upstream_id": "chatcmpl-1",
        "first_byte_ms": 100,
        "first_token_ms": 200,
        "output_bytes": 28,
        "end_user": "u-1",
        "tags": [["app", "crm"]],
    }


async def test_an_open_attempt_is_not_in_the_ledger_while_its_owner_lives(
    journal: Journal, shipper: Shipper, database: Database
) -> None:
    journal.opened(attempt())
    assert await shipper.drain() == 0
    assert await rows(database, attempt_table, "id") == []


async def test_shipping_goes_on_where_it_ended_also_in_another_process(
    journal: Journal, shipper: Shipper, database: Database, root: Path, clock: FakeClock
) -> None:
    first, second = attempt(), attempt()
    record(journal, (first, outcome()))
    assert await shipper.drain() == 1
    record(journal, (second, outcome()))
    assert await Shipper(database, root, clock).drain() == 1
    assert await shipper.drain() == 0
    assert await rows(database, attempt_table, "id") == [(first.id,), (second.id,)]
    assert await is_balanced(database, clock)


async def test_shipping_everything_again_changes_nothing(
    journal: Journal, shipper: Shipper, database: Database, root: Path, clock: FakeClock
) -> None:
    record(journal, *((attempt(), outcome()) for _ in range(1203)))
    assert await shipper.drain() == 1203
    before = await rows(database, usage_rollup, "grain", "start_ms", "attempts", "exact_nano")
    async with database.write(None) as conn:
        await conn.execute(update(journal_position).values(position=0))
    assert await Shipper(database, root, clock).drain() == 0
    after = await rows(database, usage_rollup, "grain", "start_ms", "attempts", "exact_nano")
    assert (
        before
        == after
        == [
            ("day", START_MS - START_MS % DAY_MS, 1203, 1203 * 5000),
            ("hour", START_MS - START_MS % HOUR_MS, 1203, 1203 * 5000),
        ]
    )


async def test_two_shippers_at_once_count_each_attempt_once(
    journal: Journal, database: Database, root: Path, tmp_path: Path, clock: FakeClock
) -> None:
    record(journal, *((attempt(tags=(("n", str(i % 7)),)), outcome()) for i in range(2100)))
    shippers = [Shipper(database, root, clock) for _ in range(3)]
    added = await asyncio.gather(*(shipper.drain() for shipper in shippers))
    assert sum(added) == 2100
    assert len(await rows(database, attempt_table, "id")) == 2100
    assert await is_balanced(database, clock)
    async with database.read(None) as conn:
        tagged = select(func.sum(tag_rollup.c.attempts)).where(tag_rollup.c.grain == "day")
        assert await conn.scalar(tagged) == 2100


async def test_shipping_keeps_up_while_the_front_appends(root: Path, database: Database) -> None:
    journal = Journal(root, SystemClock(), segment_bytes=40_000)
    await journal.start()
    shipper = Shipper(database, root, SystemClock())
    stop = asyncio.Event()
    running = asyncio.create_task(shipper.run(stop))
    randomness = random.Random(7)
    made = []
    for _ in range(60):
        for _ in range(randomness.randrange(20)):
            opened = attempt()
            made.append((opened.id,))
            record(journal, (opened, outcome()))
        await asyncio.sleep(0.005)
    await journal.close()
    stop.set()
    await running
    await shipper.drain()
    assert await rows(database, attempt_table, "id") == sorted(made)
    assert len(segments_of(root / "0")) > 5
    assert shipper.stats().behind_bytes == 0
    assert shipper.stats().last_error is None


@pytest.mark.parametrize(
    "first", [estimated(cost_nano=9_000), unpriced()], ids=lambda o: o.cost_state
)
async def test_an_exact_cost_that_comes_late_corrects_what_was_not(
    journal: Journal,
    shipper: Shipper,
    database: Database,
    clock: FakeClock,
    first: Outcome,
) -> None:
    opened = attempt(tags=(("app", "crm"),))
    record(journal, (opened, first))
    await shipper.drain()
    journal.closed(opened, outcome(cost_nano=4_000, usage=Usage(input=10, output=8)))
    assert await shipper.drain() == 0
    now = ("cost_state", "cost_nano", "input", "cache_read", "output", "revision")
    assert await rows(database, attempt_table, *now) == [("exact", 4_000, 10, 0, 8, 1)]
    was = ("reason", "revision", "cost_state", "cost_nano", "input", "cache_read", "output")
    assert await rows(database, correction, *was) == [
        ("late_usage", 1, first.cost_state, first.cost_nano, 11, 3, 7)
    ]
    sums = ("attempts", "exact_nano", "estimated_nano", "estimated_attempts", "unpriced_attempts")
    for table in (usage_rollup, tag_rollup):
        assert await rows(database, table, *sums) == [(1, 4_000, 0, 0, 0)] * 2
    assert await is_balanced(database, clock)


async def test_both_closes_of_an_attempt_may_come_in_one_batch(
    journal: Journal, shipper: Shipper, database: Database, clock: FakeClock
) -> None:
    opened = attempt()
    record(journal, (opened, estimated(cost_nano=9_000)))
    journal.closed(opened, outcome(cost_nano=4_000))
    assert await shipper.drain() == 1
    assert await rows(database, attempt_table, "cost_state", "cost_nano") == [("exact", 4_000)]
    assert await is_balanced(database, clock)


async def test_an_estimate_never_replaces_an_exact_cost(
    journal: Journal, shipper: Shipper, database: Database
) -> None:
    opened = attempt()
    record(journal, (opened, outcome(cost_nano=4_000)))
    journal.closed(opened, estimated(cost_nano=9_000))
    await shipper.drain()
    assert await rows(database, attempt_table, "cost_state", "cost_nano") == [("exact", 4_000)]
    assert await rows(database, correction, "attempt_id") == []


async def test_text_and_numbers_that_no_column_holds_do_not_stop_the_shipping(
    journal: Journal, shipper: Shipper, database: Database, clock: FakeClock
) -> None:
    opened = attempt(
        end_user="a\0b" + "x" * 400, tags=(("k\0", "v" * 300),), client_request_id="\0"
    )
    strange = outcome(
        usage=Usage(input=2**70, output=5),
        cost_nano=2**80,
        status=10**9,
        upstream_id="\ud800",
        error_code="e" * 99,
    )
    record(journal, (opened, strange), (attempt(model="m" * 700), outcome()))
    assert await shipper.drain() == 2
    columns = (
        "end_user",
        "tags",
        "client_request_id",
        "input",
        "cost_nano",
        "status",
        "upstream_id",
    )
    found = [row for row in await rows_unordered(database, *columns) if row[0] is not None]
    assert found == [("ab" + "x" * 254, [["k", "v" * 256]], "", 2**31 - 1, 2**53, 2**15 - 1, "?")]
    assert await is_balanced(database, clock)


async def rows_unordered(database: Database, *columns: str) -> list[tuple[Any, ...]]:
    async with database.read(None) as conn:
        chosen = [attempt_table.c[name] for name in columns]
        return [tuple(row) for row in await conn.execute(select(*chosen))]


async def test_shipped_segments_go_after_the_retention_but_not_the_one_in_use(
    root: Path, database: Database
) -> None:
    clock = FakeClock(4_000_000_000.0)
    journal = Journal(root, clock, segment_bytes=2_000)
    await journal.start()
    record(journal, *((attempt(), outcome()) for _ in range(20)))
    newest = segments_of(root / "0")[-1]
    shipper = Shipper(database, root, clock)
    await shipper.clean()
    assert len(segments_of(root / "0")) > 5
    assert await shipper.drain() == 20
    await shipper.clean()
    assert segments_of(root / "0") == [newest]
    assert await rows(database, journal_position, "segment") == [(newest.name,)]
    record(journal, (attempt(), outcome()))
    assert await shipper.drain() == 1
    await journal.close()
    await shipper.drain()
    await shipper.clean()
    assert segments_of(root / "0") == []
    assert await rows(database, journal_position, "segment") == []


async def test_segments_stay_for_the_time_of_the_retention(root: Path, database: Database) -> None:
    clock = SystemClock()
    journal = Journal(root, clock, segment_bytes=2_000)
    await journal.start()
    record(journal, *((attempt(), outcome()) for _ in range(20)))
    await journal.close()
    shipper = Shipper(database, root, clock)
    await shipper.drain()
    before = segments_of(root / "0")
    await shipper.clean()
    assert segments_of(root / "0") == before


async def test_a_damaged_segment_is_shipped_around_the_damage_reported_and_kept(
    root: Path, database: Database
) -> None:
    clock = FakeClock(4_000_000_000.0)
    journal = Journal(root, clock)
    await journal.start()
    record(journal, *((attempt(), outcome()) for _ in range(9)))
    await journal.close()
    [segment] = segments_of(root / "0")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    shipper = Shipper(database, root, clock)
    added = await shipper.drain()
    stats = shipper.stats()
    # The flipped bit was in an open or in a close; a close without its open is complete, and an
    # open whose close was lost is adopted.
    assert added in {8, 9}
    assert 0 < stats.damaged_bytes < 2_000
    await shipper.clean()
    assert segments_of(root / "0") == []
    assert [path.name for path in (root / "0").glob("*.damaged")] == [
        segment.with_suffix(".damaged").name
    ]


async def test_a_database_that_fails_is_tried_again(root: Path, data_dir: Path) -> None:
    database = await Database.open(None, data_dir=data_dir)
    journal = Journal(root, SystemClock())
    await journal.start()
    record(journal, (attempt(), outcome()))
    file = data_dir / "trunkline.db"
    rename(file, "attempt", "hidden")
    shipper = Shipper(database, root, SystemClock())
    stop = asyncio.Event()
    running = asyncio.create_task(shipper.run(stop))
    await until(lambda: shipper.stats().failures > 0)
    assert shipper.stats().last_error == "The database does not answer."
    rename(file, "hidden", "attempt")
    await until(lambda: shipper.stats().shipped == 1)
    stop.set()
    await running
    assert shipper.stats().last_error is None
    assert len(await rows(database, attempt_table, "id")) == 1
    await journal.close()
    await database.close()


def rename(file: Path, table: str, to: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {to}")


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a state that other tasks bring about."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 -- The shipper tells nobody about a failed pass.
            await asyncio.sleep(0.01)
