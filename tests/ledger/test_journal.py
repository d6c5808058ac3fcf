"""What the journal records, and what it does when its disk or its process fails."""

import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from tests.ledger.examples import START_MS, attempt, estimated, outcome

from trunkline.errors import Unavailable
from trunkline.gateway.metering.event import Progress
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.clock import FakeClock, SystemClock
from trunkline.ledger.journal import Journal, JournalStats
from trunkline.ledger.records import Advanced, Carried, Close, Open
from trunkline.ledger.segments import read_all, segments_of
from trunkline.ledger.service import Ledger
from trunkline.ledger.shipping import Shipper
from trunkline.ledger.slots import slots_of
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import attempt as attempt_table

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
async def journal(root: Path) -> AsyncIterator[Journal]:
    opened = Journal(root, FakeClock(START_MS / 1000))
    await opened.start()
    yield opened
    await opened.close()


def run_child(module: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.ledger.{module}", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}/src:{REPOSITORY}"},  # noqa: TID251 -- A child needs what we have.
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_an_attempt_leaves_an_open_its_progress_and_a_close(
    journal: Journal, root: Path
) -> None:
    first, second = attempt(), attempt()
    progress = journal.opened(first)
    journal.opened(second)
    progress.output_bytes = 120
    journal.tick()
    journal.tick()
    journal.closed(first, outcome())
    assert read_all(segments_of(root / "0")[0]) == [
        Carried(0),
        Open(first),
        Open(second),
        Advanced((Progress(first.id, 120),)),
        Close(first, outcome()),
    ]


async def test_a_new_segment_carries_over_what_is_unfinished(root: Path) -> None:
    journal = Journal(root, FakeClock(), segment_bytes=700)
    await journal.start()
    first, second = attempt(), attempt()
    journal.opened(first).output_bytes = 9
    journal.opened(second)
    journal.closed(second, outcome())
    third = attempt()
    journal.opened(third)
    assert [read_all(segment) for segment in segments_of(root / "0")] == [
        [Carried(0), Open(first), Open(second)],
        [
            Open(first),
            Open(second),
            Advanced((Progress(first.id, 9),)),
            Carried(2),
            Close(second, outcome()),
        ],
        [Open(first), Advanced((Progress(first.id, 9),)), Carried(1), Open(third)],
    ]
    await journal.close()


async def test_the_newest_requests_can_be_looked_up_and_older_ones_are_forgotten(
    root: Path,
) -> None:
    journal = Journal(root, FakeClock(), recent_requests=2)
    await journal.start()
    first, second, third, fourth, fifth = made = [attempt() for _ in range(5)]
    retries = [attempt(request_id=one.request_id, number=2) for one in (third, fourth)]
    for one in (first, second, third, fourth, retries[0], fifth, retries[1]):
        journal.opened(one)
        journal.closed(one, outcome())
    assert [journal.recent(one.request_id) for one in made] == [
        (),
        (),
        ((third, outcome()), (retries[0], outcome())),
        ((fourth, outcome()), (retries[1], outcome())),
        ((fifth, outcome()),),
    ]
    await journal.close()


async def test_a_close_tells_what_it_was_given_although_another_attempt_was_opened(
    journal: Journal, root: Path
) -> None:
    opened = attempt()
    changed = msgspec.structs.replace(opened, model="gpt-4o-mini")
    journal.opened(opened)
    journal.closed(changed, outcome())
    journal.closed(changed, outcome(cost_nano=1))
    assert read_all(segments_of(root / "0")[0]) == [
        Carried(0),
        Open(opened),
        Close(changed, outcome()),
        Close(changed, outcome(cost_nano=1)),
    ]
    assert journal.under_way() == []


async def test_an_attempt_is_under_way_until_it_is_closed(root: Path) -> None:
    journal = Journal(root, FakeClock())
    await journal.start()
    first, second = attempt(), attempt()
    journal.opened(first)
    journal.opened(second)
    assert journal.under_way() == [first, second]
    journal.closed(first, outcome())
    assert journal.under_way() == [second]
    await journal.close()


async def test_figures_tell_what_is_written_and_not_yet_on_the_disk(root: Path) -> None:
    clock = FakeClock()
    journal = Journal(root, clock)
    await journal.start()
    journal.opened(attempt())
    clock.advance(0.1)
    written = journal.stats().appended_bytes
    assert written == segments_of(root / "0")[0].stat().st_size
    stats = journal.stats()
    assert stats == JournalStats(
        ready=True,
        appended_bytes=written,
        unsynced_bytes=written,
        lag_seconds=stats.lag_seconds,
        live=1,
        pending=0,
        adopted=0,
        last_error=None,
    )
    assert stats.lag_seconds == pytest.approx(0.1)
    async with asyncio.timeout(5):
        while journal.stats().unsynced_bytes:  # noqa: ASYNC110 -- The sync tells nobody.
            await asyncio.sleep(0.01)
    assert journal.stats().lag_seconds == 0
    await journal.close()


async def test_progress_is_written_without_being_asked_for(root: Path) -> None:
    clock = FakeClock()
    journal = Journal(root, clock)
    await journal.start()
    one = attempt()
    journal.opened(one).output_bytes = 77
    clock.advance(2.0)
    expected = Advanced((Progress(one.id, 77),))
    async with asyncio.timeout(5):
        while expected not in read_all(segments_of(root / "0")[0]):  # noqa: ASYNC110 -- As above.
            await asyncio.sleep(0.02)
    await journal.close()


async def test_nothing_is_opened_before_the_start_or_after_the_close(root: Path) -> None:
    journal = Journal(root, FakeClock())
    with pytest.raises(Unavailable) as before:
        journal.opened(attempt())
    assert before.value.code == "journal_unavailable"
    await journal.start()
    await journal.close()
    with pytest.raises(Unavailable):
        journal.opened(attempt())
    await journal.close()


async def test_a_journal_that_never_started_can_be_closed(root: Path) -> None:
    await Journal(root, FakeClock()).close()
    assert slots_of(root) == []


async def test_each_process_takes_the_lowest_free_slot(root: Path) -> None:
    first, second, third = (Journal(root, FakeClock()) for _ in range(3))
    await first.start()
    await second.start()
    await first.close()
    await third.start()
    assert {slot.name: len(segments_of(slot)) for slot in slots_of(root)} == {"0": 2, "1": 1}
    await second.close()
    await third.close()


async def test_a_directory_that_cannot_be_used_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    journal = Journal(tmp_path / "journal", FakeClock())
    with pytest.raises(Unavailable) as refused:
        await journal.start()
    assert refused.value.code == "journal_unavailable"
    assert str(tmp_path) in refused.value.message
    await journal.close()


async def test_what_a_provider_exaggerates_is_recorded_within_bounds(
    journal: Journal, root: Path
) -> None:
    one = attempt(end_user="\ud800" + "x" * 2_000_000)
    journal.opened(one)
    journal.closed(one, outcome(usage=Usage(input=2**70), cost_nano=2**90))
    [_, opened, closed] = read_all(segments_of(root / "0")[0])
    assert isinstance(opened, Open)
    assert isinstance(closed, Close)
    assert opened.attempt.end_user == "?" + "x" * 255
    assert closed.outcome.usage == Usage(input=2**53)
    assert closed.outcome.cost_nano == 2**53


def test_a_full_disk_refuses_attempts_keeps_ends_and_recovers(root: Path, tmp_path: Path) -> None:
    with run_child("full_disk", root) as child:
        output, _ = child.communicate(timeout=30)
    assert child.returncode == 0
    said = json.loads(output)
    assert said["refusals"] == ["journal_unavailable"] * 2
    assert said["ready"] is False
    assert said["pending"] == 3
    assert "could be written" in said["error"] or "too large" in said["error"]
    records = [record for segment in segments_of(root / "0") for record in read_all(segment)]
    closed = [record.attempt.id for record in records if isinstance(record, Close)]
    assert closed == said["closed"]
    # What was never closed is carried over into the segment that the recovery began.
    carried = [r.attempt.id for r in read_all(segments_of(root / "0")[-1]) if isinstance(r, Open)]
    assert carried[:-1] == said["lost"]


async def test_a_write_that_was_cut_short_leaves_no_torn_frame(root: Path) -> None:
    journal = Journal(root, FakeClock())
    await journal.start()
    live = attempt()
    progress = journal.opened(live)
    [segment] = segments_of(root / "0")
    size = segment.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
    try:
        with pytest.raises(Unavailable):
            journal.opened(attempt())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert segment.stat().st_size == size
    assert journal.stats().ready is False
    progress.output_bytes = 5
    journal.tick()
    one = attempt()
    journal.closed(one, estimated())
    assert journal.stats().pending == 1
    await journal.close()
    assert read_all(segments_of(root / "0")[-1]) == [
        Open(live),
        Advanced((Progress(live.id, 5),)),
        Close(one, estimated()),
        Carried(1),
    ]


async def test_a_journal_that_cannot_begin_a_segment_tries_until_it_can(root: Path) -> None:
    in_the_way = root / "0" / "next.tmp"
    in_the_way.mkdir(parents=True)
    journal = Journal(root, FakeClock())
    await journal.start()
    assert journal.stats().ready is False
    assert "Is a directory" in str(journal.stats().last_error)
    in_the_way.rmdir()
    await until_ready(journal)
    journal.opened(attempt())
    await journal.close()


async def test_a_file_that_cannot_be_synced_is_given_up_and_its_progress_carried_over(
    root: Path,
) -> None:
    journal = Journal(root, FakeClock())
    await journal.start()
    one = attempt()
    progress = journal.opened(one)
    assert journal._segment is not None
    reading, writing = os.pipe()
    # A pipe takes writes and cannot be synced, like a disk that has begun to fail.
    os.dup2(writing, journal._segment._descriptor)
    async with asyncio.timeout(5):
        while len(segments_of(root / "0")) < 2:
            await asyncio.sleep(0.01)
            progress.output_bytes += 1
            journal.tick()
    assert "Invalid argument" in str(journal.stats().last_error)
    opened, advanced, carried = read_all(segments_of(root / "0")[1])[:3]
    assert (opened, carried) == (Open(one), Carried(1))
    assert isinstance(advanced, Advanced)
    assert 0 < advanced.live[0].output_bytes <= progress.output_bytes
    await journal.close()
    os.close(reading)
    os.close(writing)


async def until_ready(journal: Journal) -> None:
    async with asyncio.timeout(5):
        while not journal.stats().ready:  # noqa: ASYNC110 -- The journal tells nobody.
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", range(2))
async def test_kill_9_at_any_moment_leaves_one_row_for_each_attempt(
    seed: int, tmp_path: Path, database: Database
) -> None:
    root, opened_file = tmp_path / "journal", tmp_path / "opened"
    randomness = random.Random(seed)
    opened: set[str] = set()
    for round_ in range(4):
        with run_child("appender", root, opened_file, seed * 100 + round_) as child:
            await asyncio.to_thread(_wait_for_lines, opened_file, len(opened) + 1)
            await asyncio.sleep(randomness.random() * 0.15)
            os.kill(child.pid, signal.SIGKILL)
        opened = set(opened_file.read_text().split())
    shipper = Shipper(database, root, SystemClock())
    await shipper.drain()
    columns = (attempt_table.c.id, attempt_table.c.ending, attempt_table.c.cost_state)
    async with database.read(None) as conn:
        rows = {
            row.id: (row.ending, row.cost_state) for row in await conn.execute(select(*columns))
        }
    # The kill may come between the journal's write and the child's own note of it.
    assert set(rows) >= opened
    assert len(set(rows) - opened) <= 4
    assert set(rows.values()) <= {("completed", "exact"), ("lost", "estimated")}
    assert 0 < sum(ending == "lost" for ending, _ in rows.values()) < 80
    ledger = Ledger(database, SystemClock())
    assert await ledger.reconcile(START_MS, START_MS + 1) == []
    assert await shipper.drain() == 0


def _wait_for_lines(file: Path, count: int) -> None:
    deadline = time.monotonic() + 20
    while not file.exists() or file.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline, "the child did not begin"
        time.sleep(0.005)
