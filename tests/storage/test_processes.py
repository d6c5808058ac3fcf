"""One front without PostgreSQL and Redis; who lives is known."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from trunkline import __version__
from trunkline.errors import Conflict
from trunkline.kit.clock import FakeClock
from trunkline.storage.engine import Database
from trunkline.storage.processes import DataDirectoryLock, ProcessEntry, ProcessRegistry
from trunkline.storage.tables.process import process

NOW_MS = 1_750_000_000_000


def test_a_second_front_on_the_same_directory_is_refused_with_the_reason(tmp_path: Path) -> None:
    first = DataDirectoryLock(tmp_path / "data", alone=True)
    for alone in (True, False):
        with pytest.raises(Conflict, match="live in the memory of one front") as raised:
            DataDirectoryLock(tmp_path / "data", alone=alone)
        assert raised.value.code == "front_already_running"
        assert raised.value.hint is not None
        assert "Stop the other one" in raised.value.hint
    first.close()
    first.close()
    DataDirectoryLock(tmp_path / "data", alone=True).close()


def test_fronts_that_share_redis_may_share_the_directory(tmp_path: Path) -> None:
    first = DataDirectoryLock(tmp_path, alone=False)
    second = DataDirectoryLock(tmp_path, alone=False)
    with pytest.raises(Conflict):
        DataDirectoryLock(tmp_path, alone=True)
    first.close()
    second.close()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, time; from trunkline.storage.processes import DataDirectoryLock\n"
        "lock = DataDirectoryLock(pathlib.Path(sys.argv[1]), alone=True)\n"
        "print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(Conflict):
            DataDirectoryLock(tmp_path, alone=True)
        child.kill()
    DataDirectoryLock(tmp_path, alone=True).close()


async def enter(database: Database, **differences: object) -> ProcessEntry:
    """An entry as another process writes it."""
    fields: dict[str, object] = {
        "id": "other",
        "role": "front",
        "host": "elsewhere",
        "pid": 1,
        "version": "0.0.0",
        "started_ms": NOW_MS,
        "heartbeat_ms": NOW_MS,
    }
    fields |= differences
    async with database.write(None) as conn:
        await conn.execute(insert(process).values(fields))
    return ProcessEntry(**fields)  # type: ignore[arg-type]  # Fields of several types.


async def test_a_process_enters_the_table_and_leaves_it(database: Database) -> None:
    registry = ProcessRegistry(database, role="front", clock=FakeClock())
    assert not await registry.is_alive(registry.id)
    await registry.start(alone=True)
    assert await registry.is_alive(registry.id)
    (entry,) = await registry.living()
    assert (entry.id, entry.role, entry.pid) == (registry.id, "front", os.getpid())
    assert (entry.version, entry.started_ms) == (__version__, NOW_MS)
    await registry.stop()
    await registry.stop()
    assert await registry.living() == []


async def test_a_second_front_on_another_machine_is_refused_unless_it_may(
    database: Database,
) -> None:
    other = await enter(database)
    registry = ProcessRegistry(database, role="front", clock=FakeClock())
    with pytest.raises(Conflict, match="Another front runs on elsewhere as process 1"):
        await registry.start(alone=True)
    assert await registry.living() == [other]
    await registry.start(alone=False)
    assert [entry.id for entry in await registry.living()] == [registry.id, other.id]
    await registry.stop()


async def test_a_worker_may_run_beside_a_front(database: Database) -> None:
    await enter(database, role="worker")
    registry = ProcessRegistry(database, role="front", clock=FakeClock())
    await registry.start(alone=True)
    await registry.stop()


async def test_silence_of_fifteen_seconds_is_death(database: Database) -> None:
    await enter(database)
    clock = FakeClock()
    registry = ProcessRegistry(database, role="front", clock=clock)
    clock.advance(15)
    assert await registry.is_alive("other")
    clock.advance(0.001)
    assert not await registry.is_alive("other")
    await registry.start(alone=True)
    await registry.stop()


@pytest.fixture
def dead_pid() -> int:
    """The process id of a child that has ended and been waited for."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    return child.pid


async def test_on_our_own_machine_a_dead_process_is_known_at_once(
    database: Database, dead_pid: int
) -> None:
    host = os.uname().nodename
    await enter(database, id="gone", host=host, pid=dead_pid)
    await enter(database, id="before-us", host=host, pid=os.getpid())
    await enter(database, id="there", host=host, pid=1)
    registry = ProcessRegistry(database, role="front", clock=FakeClock())
    assert [entry.id for entry in await registry.living()] == ["there"]


async def test_entries_of_yesterday_are_removed_at_a_start(database: Database) -> None:
    await enter(database, heartbeat_ms=NOW_MS - 24 * 3600 * 1000 - 1)
    registry = ProcessRegistry(database, role="front", clock=FakeClock())
    await registry.start()
    async with database.read(None) as conn:
        assert list(await conn.scalars(select(process.c.id))) == [registry.id]
    await registry.stop()


async def test_the_heartbeat_goes_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.storage.processes.HEARTBEAT", 0.01)
    clock = FakeClock()
    registry = ProcessRegistry(database, role="front", clock=clock)
    await registry.start()
    clock.advance(60)
    for _ in range(500):
        if await registry.is_alive(registry.id):
            break
    (entry,) = await registry.living()
    assert (entry.started_ms, entry.heartbeat_ms) == (NOW_MS, NOW_MS + 60_000)
    await registry.stop()


async def test_a_database_that_fails_stops_neither_heartbeat_nor_shutdown(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("trunkline.storage.processes.HEARTBEAT", 0.0)
    registry = ProcessRegistry(sqlite_database, role="front", clock=FakeClock())
    await registry.start()
    async with sqlite_database.write(None) as conn:
        await conn.execute(update(process).values(role="front"))
        await conn.exec_driver_sql("ALTER TABLE process RENAME TO elsewhere")
    for _ in range(500):
        if caplog.records:
            break
        async with sqlite_database.read(None) as conn:
            await conn.execute(select(1))
    assert "The heartbeat could not be written" in caplog.records[0].message
    await registry.stop()
