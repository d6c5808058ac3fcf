"""What is left of a process that is killed while it records, and while another one reads."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.ledger.children import run_child
from tests.ledger.examples import START_MS

from trunkline.kit.clock import SystemClock
from trunkline.ledger.records import Record
from trunkline.ledger.segments import read_all, read_batch, segments_of
from trunkline.ledger.service import Ledger
from trunkline.ledger.shipping import Shipper
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import attempt as attempt_table

FOLLOWED_RECORDS = 3000
FILLED_ATTEMPTS = 10_000
WORDS = ("opened", "closed")


@pytest.mark.parametrize("seed", range(2))
async def test_kill_9_at_any_moment_leaves_one_row_for_each_attempt(
    seed: int, tmp_path: Path, database: Database
) -> None:
    root, notes = tmp_path / "journal", tmp_path / "notes"
    randomness = random.Random(seed)
    for round_ in range(4):
        before = len(lines_of(notes))
        with run_child("appender", root, notes, seed * 100 + round_) as child:
            await asyncio.to_thread(_wait_for_lines, notes, before + 1)
            await asyncio.sleep(randomness.random() * 0.15)
            os.kill(child.pid, signal.SIGKILL)
    noted = {word: {one for said, one in lines_of(notes) if said == word} for word in WORDS}
    shipper = Shipper(database, root, SystemClock())
    await shipper.drain()
    columns = (attempt_table.c.id, attempt_table.c.ending, attempt_table.c.cost_state)
    async with database.read(None) as conn:
        rows = {
            row.id: (row.ending, row.cost_state) for row in await conn.execute(select(*columns))
        }
    assert set(rows.values()) == {("completed", "exact"), ("lost", "estimated")}
    completed = {one for one, (ending, _) in rows.items() if ending == "completed"}
    # The kill may come between the journal's write and the child's own note of it.
    assert set(rows) >= noted["opened"]
    assert completed >= noted["closed"]
    assert len(set(rows) - noted["opened"]) + len(completed - noted["closed"]) <= 4
    assert len(rows) - len(completed) < 80
    ledger = Ledger(database, SystemClock())
    assert await ledger.reconcile(START_MS, START_MS + 1) == []
    assert await shipper.drain() == 0


@pytest.mark.parametrize("seed", range(2))
def test_a_reader_that_follows_a_writer_until_its_death_gets_each_record_once(
    seed: int, tmp_path: Path
) -> None:
    slot = tmp_path / "journal" / "0"
    randomness = random.Random(seed)
    places: dict[Path, int] = {}
    followed: dict[Path, list[Record]] = {}
    deadline = time.monotonic() + 20
    with run_child("appender", slot.parent, tmp_path / "notes", seed) as child:
        while sum(map(len, followed.values())) < FOLLOWED_RECORDS:
            assert time.monotonic() < deadline, "the child records too slowly"
            follow(slot, places, followed)
            time.sleep(randomness.random() * 0.002)
        os.kill(child.pid, signal.SIGKILL)
    follow(slot, places, followed)
    assert followed == {segment: read_all(segment) for segment in segments_of(slot)}
    assert len(followed) > 10


@pytest.mark.parametrize("seed", range(2))
def test_a_reader_never_passes_over_a_record_that_is_being_written(
    seed: int, tmp_path: Path
) -> None:
    slot = tmp_path / "journal" / "0"
    places: dict[Path, int] = {}
    followed: dict[Path, list[Record]] = {}
    with run_child("filler", slot.parent, seed, FILLED_ATTEMPTS) as child:
        while child.poll() is None:
            follow(slot, places, followed)
    assert child.returncode == 0
    follow(slot, places, followed)
    assert sum(map(len, followed.values())) >= 2 * FILLED_ATTEMPTS
    assert followed == {segment: read_all(segment) for segment in segments_of(slot)}


def follow(slot: Path, places: dict[Path, int], followed: dict[Path, list[Record]]) -> None:
    """Read on in every segment of a slot."""
    for segment in segments_of(slot):
        batch = read_batch(segment, places.get(segment, 0))
        assert (batch.damaged, batch.unreadable) == (0, 0)
        places[segment] = batch.position
        followed.setdefault(segment, []).extend(record for _, record in batch.records)


def lines_of(notes: Path) -> list[tuple[str, str]]:
    """What the child noted: (word, id of the attempt)."""
    if not notes.exists():
        return []
    noted = notes.read_text().rpartition("\n")[0].split()
    return list(zip(noted[::2], noted[1::2], strict=True))


def _wait_for_lines(file: Path, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(lines_of(file)) < count:
        assert time.monotonic() < deadline, "the child did not begin"
        time.sleep(0.005)
