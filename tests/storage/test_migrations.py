"""The schema: from nothing to head and back, on both engines, and equal to the tables."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from tests.services.postgresql import PostgreSQLServer

from trunkline.errors import Unavailable
from trunkline.storage.engine import Database
from trunkline.storage.migrate import head_revision
from trunkline.storage.migrations.upgrade import alembic_config, owner_connection, upgrade
from trunkline.storage.postgresql import asyncpg_url
from trunkline.storage.schema import whole_schema
from trunkline.storage.sqlite import sqlite_url

# What a database has beside the tables that the code declares.
OWN_TABLES = {"alembic_version", "row_rule"}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of a database without tables."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "trunkline.db").render_as_string()
    url = asyncpg_url(request.getfixturevalue("empty_postgresql"))
    return url.render_as_string(hide_password=False)


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [
        step
        for step in compare_metadata(context, whole_schema())
        if not (step[0] == "remove_table" and step[1].name in OWN_TABLES)
    ]


async def test_the_migrations_make_the_tables_that_the_code_declares(empty_url: str) -> None:
    await upgrade(empty_url)
    await upgrade(empty_url)
    async with owner_connection(empty_url) as connection:
        assert await connection.run_sync(differences) == []


async def test_every_version_can_be_taken_back(empty_url: str) -> None:
    await upgrade(empty_url)
    async with owner_connection(empty_url) as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "base"))
        left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert left == ["alembic_version"]
    await upgrade(empty_url)
    async with owner_connection(empty_url) as connection:
        assert await connection.run_sync(differences) == []


def test_the_head_is_known_without_alembic(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db"):
        config = alembic_config(None)  # type: ignore[arg-type]  # Reading the scripts needs no connection.
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [head_revision()]
    chain = [script.revision for script in scripts.walk_revisions()]
    assert chain == sorted(chain, reverse=True)


async def test_every_table_is_forced_under_row_security(postgresql_database: Database) -> None:
    async with postgresql_database.read(None) as conn:
        rows = await conn.exec_driver_sql(
            "SELECT relname AS name, relrowsecurity AND relforcerowsecurity AS forced "
            "FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        secured = {row.name: row.forced for row in rows}
    tenants = {table.name for table in whole_schema().sorted_tables if "org_id" in table.c}
    assert {name for name, forced in secured.items() if forced} == tenants | {
        "organisation",
        "user",
    }


async def test_a_new_database_is_migrated_by_processes_that_start_together(
    tmp_path: Path,
) -> None:
    databases = [await Database.open(None, data_dir=tmp_path) for _ in range(2)]
    await asyncio.gather(*(database.migrate() for database in databases))
    for database in databases:
        await database.migrate()
        async with database.read("org") as conn:
            assert (await conn.exec_driver_sql("SELECT * FROM organisation")).all() == []
        await database.close()


async def test_postgresql_is_migrated_by_processes_that_start_together(
    empty_postgresql: str, tmp_path: Path
) -> None:
    databases = [await Database.open(empty_postgresql, data_dir=tmp_path) for _ in range(2)]
    await asyncio.gather(*(database.migrate() for database in databases))
    for database in databases:
        await database.migrate()
        await database.close()


async def test_a_database_of_a_newer_release_is_refused(database: Database) -> None:
    async with database._backend.owner() as conn:
        if database.dialect == "postgresql":
            await conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    if database.dialect == "sqlite":
        async with database.write(None) as conn:
            await conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unavailable, match="schema 9999") as raised:
        await database.migrate()
    assert raised.value.code == "database_too_new"


async def test_a_migration_that_fails_changes_nothing_and_says_why(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "trunkline.db") as other:
        other.execute("CREATE TABLE team (id INTEGER)")
    other.close()
    database = await Database.open(None, data_dir=tmp_path)
    with pytest.raises(Unavailable, match="table team already exists") as raised:
        await database.migrate()
    assert raised.value.code == "migration_failed"
    async with database.read(None) as conn:
        tables = await conn.run_sync(lambda sync: inspect(sync).get_table_names())
    assert tables == ["team"]
    await database.close()


async def test_a_migration_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline.storage.migrate.MIGRATION_TIMEOUT", 0.0)
    database = await Database.open(None, data_dir=tmp_path)
    with pytest.raises(Unavailable, match="it took too long"):
        await database.migrate()
    await database.close()


async def test_a_migration_that_orphans_a_row_on_sqlite_is_refused(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "trunkline.db").render_as_string()
    await upgrade(url)
    with pytest.raises(OSError, match="leaves a row of team without its organisation"):
        await orphan_a_team(url)
    async with owner_connection(url) as connection:
        assert (await connection.exec_driver_sql("SELECT * FROM team")).all() == []


async def orphan_a_team(url: str) -> None:
    async with owner_connection(url) as connection:
        await connection.exec_driver_sql("INSERT INTO team VALUES ('t', 'none', 't', 'T', 0)")


@pytest.fixture
def database_of_a_weak_user(postgresql_server: PostgreSQLServer) -> str:
    """A database whose owner may not make roles."""
    name = postgresql_server.create_database()
    for statement in (
        "DROP ROLE IF EXISTS weak",
        "CREATE ROLE weak LOGIN",
        f'ALTER DATABASE "{name}" OWNER TO weak',
    ):
        postgresql_server.execute(statement)
    return postgresql_server.url(name, "weak")


async def test_a_user_who_may_not_make_roles_is_told_the_statements(
    database_of_a_weak_user: str,
    tmp_path: Path,
) -> None:
    database = await Database.open(database_of_a_weak_user, data_dir=tmp_path)
    with pytest.raises(Unavailable, match='GRANT trunkline_app, trunkline_system TO "weak"'):
        await database.migrate()
    await database.close()
