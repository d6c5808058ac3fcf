"""What the journal does when its disk is full or broken."""

import asyncio
import json
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ledger.children import run_child
from tests.ledger.examples import attempt, estimated, outcome

from trunkline.errors import Unavailable
from trunkline.gateway.metering.event import Attempt, Progress
from trunkline.kit.clock import FakeClock
from trunkline.ledger.journal import Journal
from trunkline.ledger.records import Advanced, Carried, Close, Open
from trunkline.ledger.segments import read_all, read_batch, segments_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a file system that is small enough to be filled")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def record_until_refused(journal: Journal) -> tuple[list[Attempt], list[Attempt]]:
    """Open attempts until the disk is full, and close every second one; (opened, closed)."""
    opened: list[Attempt] = []
    closed: list[Attempt] = []
    while True:
        one = attempt()
        try:
            journal.opened(one)
        except Unavailable:
            return opened, closed
        opened.append(one)
        if len(opened) % 2:
            journal.closed(one, outcome())
            closed.append(one)


async def test_a_disk_without_space_takes_no_attempt_that_it_cannot_hold(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(64 * 1024))
    root = small_disk / "journal"
    journal = Journal(root, FakeClock())
    await journal.start()
    opened, closed = record_until_refused(journal)
    assert len(opened) > 50
    assert journal.stats().ready is False
    [segment] = segments_of(root / "0")
    full = read_batch(segment)
    assert (full.torn, full.damaged, full.whole) == (0, 0, True)
    assert full.size + 4096 > segment.stat().st_blocks * 512
    journal.closed(opened[1], outcome())
    with pytest.raises(Unavailable) as refused:
        journal.opened(attempt())
    assert refused.value.code == "journal_unavailable"
    assert journal.stats().pending == 1
    ballast.unlink()
    await until_ready(journal)
    last = attempt()
    journal.opened(last)
    await journal.close()
    records = [record for segment in segments_of(root / "0") for record in read_all(segment)]
    assert {r.attempt.id for r in records if isinstance(r, Open)} == {
        one.id for one in (*opened, last)
    }
    assert [r for r in records if isinstance(r, Close)] == [
        Close(one, outcome()) for one in (*closed, opened[1])
    ]


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
    async with asyncio.timeout(20):
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
    async with asyncio.timeout(20):
        while not journal.stats().ready:  # noqa: ASYNC110 -- The journal tells nobody.
            await asyncio.sleep(0.01)
