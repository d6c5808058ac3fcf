"""Units of work: what is committed, what is seen, and what is refused."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError

from trunkline.errors import InvalidRequest, Unavailable
from trunkline.storage.engine import Database
from trunkline.storage.filesystem import network_filesystem
from trunkline.storage.postgresql import asyncpg_url
from trunkline.storage.tables.identity import organisation, team


def row(number: int) -> dict[str, object]:
    return {
        "id": f"org-{number}",
        "slug": f"slug-{number}",
        "name": "Name",
        "time_zone": "UTC",
        "created_ms": 0,
    }


async def count(database: Database) -> int | None:
    async with database.read(None) as conn:
        return await conn.scalar(select(func.count()).select_from(organisation))


async def add(database: Database, number: int, *, then: Exception | None = None) -> None:
    async with database.write(None) as conn:
        await conn.execute(insert(organisation).values(row(number)))
        if then is not None:
            raise then


async def test_a_unit_of_work_is_committed_at_its_end(database: Database) -> None:
    await add(database, 1)
    assert await count(database) == 1


async def test_an_error_rolls_the_unit_of_work_back_and_passes(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await add(database, 1, then=ZeroDivisionError())
    assert await count(database) == 0


async def test_a_broken_constraint_is_about_the_statement_and_passes(database: Database) -> None:
    await add(database, 1)
    with pytest.raises(IntegrityError):
        await add(database, 1)
    with pytest.raises(IntegrityError):
        await add_orphan(database)
    assert await count(database) == 1


async def add_orphan(database: Database) -> None:
    async with database.write(None) as conn:
        values = {"id": "t", "org_id": "none", "slug": "t", "name": "T", "created_ms": 0}
        await conn.execute(insert(team).values(values))


async def test_a_reader_cannot_write(database: Database) -> None:
    for org_id in (None, "org-1"):
        with pytest.raises(Exception, match=r"does not answer|read-only transaction"):
            await write_while_reading(database, org_id)
    assert await count(database) == 0


async def write_while_reading(database: Database, org_id: str | None) -> None:
    async with database.read(org_id) as conn:
        await conn.execute(insert(organisation).values(row(1)))


async def test_a_reader_sees_one_state_while_a_writer_commits(sqlite_database: Database) -> None:
    async with sqlite_database.read(None) as conn:
        before = await conn.scalar(select(func.count()).select_from(organisation))
        await add(sqlite_database, 1)
        assert await conn.scalar(select(func.count()).select_from(organisation)) == before == 0
    assert await count(sqlite_database) == 1


async def test_many_writers_wait_for_each_other(database: Database) -> None:
    async def read_then_add(number: int) -> None:
        async with database.write(None) as conn:
            await conn.execute(select(func.count()).select_from(organisation))
            await asyncio.sleep(0)
            await conn.execute(insert(organisation).values(row(number)))

    await asyncio.gather(*(read_then_add(number) for number in range(30)))
    assert await count(database) == 30


async def test_a_cancelled_unit_of_work_is_rolled_back(database: Database) -> None:
    inside = asyncio.Event()

    async def work() -> None:
        async with database.write(None) as conn:
            await conn.execute(insert(organisation).values(row(1)))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(database) == 0
    await add(database, 2)
    assert await count(database) == 1


async def test_sqlite_runs_under_our_pragmas(sqlite_database: Database) -> None:
    async with sqlite_database.write(None) as conn:
        pragmas = {
            name: (await conn.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }
    assert sqlite_database.dialect == "sqlite"


async def test_a_database_locked_by_another_process_is_unavailable(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline.storage.sqlite.BUSY_TIMEOUT", 0.05)
    database = await Database.open(None, data_dir=data_dir)
    other = sqlite3.connect(data_dir / "trunkline.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Unavailable) as raised:
            await add(database, 1)
        assert raised.value.code == "database_unavailable"
        assert raised.value.reference == "OperationalError: database is locked"
        assert await count(database) == 0
    finally:
        other.close()
        await database.close()


async def test_waiting_too_long_for_the_writer_is_unavailable(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline.storage.sqlite.WRITER_TIMEOUT", 0.05)
    database = await Database.open(None, data_dir=data_dir)
    async with database.write(None):
        with pytest.raises(Unavailable) as raised:
            await add(database, 1)
    assert raised.value.reference == "TimeoutError: all its connections are in use"
    await database.close()


async def test_the_files_are_private(tmp_path: Path) -> None:
    database = await Database.open(None, data_dir=tmp_path / "deep" / "data")
    assert (tmp_path / "deep" / "data" / "trunkline.db").stat().st_mode & 0o777 == 0o600
    await database.close()


async def test_a_url_of_sqlite_names_the_file(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite:///{tmp_path}/other.db", data_dir=tmp_path / "data")
    assert (tmp_path / "other.db").is_file()
    assert not (tmp_path / "data").exists()
    await database.close()


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "nonsense", "sqlite://", "sqlite:///:memory:", "sqlite:x"]
)
async def test_another_url_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        await Database.open(url, data_dir=tmp_path)
    assert (raised.value.code, raised.value.param) == ("database_url_invalid", "database_url")
    assert "secret" not in f"{raised.value.message}{raised.value.hint}"


async def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidRequest, match="Not a directory") as raised:
        await Database.open(None, data_dir=tmp_path / "file" / "data")
    assert raised.value.code == "data_directory_unusable"


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "trunkline.db").write_text("Dear diary, " * 100)
    with pytest.raises(Unavailable) as raised:
        await Database.open(None, data_dir=tmp_path)
    assert raised.value.reference == "DatabaseError: file is not a database"


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as raised:
        await Database.open("postgresql://u@127.0.0.1:1/d", data_dir=tmp_path)
    assert raised.value.code == "database_unavailable"


async def test_a_connection_that_the_server_ended_is_replaced(
    postgresql_database: Database,
) -> None:
    with pytest.raises(Unavailable) as raised:
        await end_own_connection(postgresql_database)
    assert raised.value.code == "database_unavailable"
    await add(postgresql_database, 1)
    assert await count(postgresql_database) == 1
    assert postgresql_database.dialect == "postgresql"


async def end_own_connection(database: Database) -> None:
    async with database.read(None) as conn:
        await conn.execute(text("RESET ROLE"))
        await conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        await conn.execute(text("SELECT 1"))


async def test_transactions_run_under_the_two_roles(postgresql_database: Database) -> None:
    told = text("SELECT current_user, current_setting('trunkline.org_id')")
    async with postgresql_database.read("org-1") as conn:
        assert (await conn.execute(told)).one() == ("trunkline_app", "org-1")
    async with postgresql_database.write(None) as conn:
        assert (await conn.execute(told)).one() == ("trunkline_system", "")


def test_urls_become_those_of_asyncpg() -> None:
    shown = {
        url: asyncpg_url(url).render_as_string(hide_password=False)
        for url in (
            "postgres://u:p@h/d",
            "postgresql+asyncpg://h/d?prepared_statement_cache_size=0",
            "postgresql://h:1/d?sslmode=require",
        )
    }
    assert list(shown.values()) == [
        "postgresql+asyncpg://u:p@h/d",
        "postgresql+asyncpg://h/d?prepared_statement_cache_size=0",
        "postgresql+asyncpg://h:1/d?ssl=require",
    ]


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /mnt/nfs nfs4 rw 0 0
/dev/vdb /mnt/nfs/local\\040disk ext4 rw 0 0
user@host: /home/me/far fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/trunkline", None),
        ("/mnt/nfs/data", "nfs4"),
        ("/mnt/nfs/local disk/data", None),
        ("/home/me/far", "fuse.sshfs"),
        ("/home/me/farther", None),
    ],
)
def test_network_file_systems_are_told_from_local_ones(
    tmp_path: Path, path: str, kind: str | None
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert network_filesystem(Path(path), mounts) == kind
    assert network_filesystem(Path(path), tmp_path / "none") is None


async def test_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/export {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(
        "trunkline.storage.sqlite.network_filesystem",
        lambda path: network_filesystem(path, mounts),
    )
    with pytest.raises(InvalidRequest, match="network file system") as raised:
        await Database.open(None, data_dir=tmp_path / "data")
    assert raised.value.code == "data_directory_on_network"
