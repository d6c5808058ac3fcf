"""Run the migrations on one connection, in one transaction, one process at a time."""

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.storage.postgresql import postgresql_engine
from trunkline.storage.sqlite import sqlite_engine

# Any number that nothing else in the database uses; it spells "migr".
UPGRADE_LOCK = 0x6D696772


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for work on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


async def upgrade(url: str, revision: str = "head") -> None:
    """Upgrade the database behind a SQLAlchemy URL; all or nothing, and nothing if it is there."""
    async with owner_connection(url) as connection:
        await connection.run_sync(
            lambda sync: command.upgrade(alembic_config(sync), revision),
        )


@asynccontextmanager
async def owner_connection(url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction as the owner of the schema that no other migration runs beside."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        # Foreign keys are off, because SQLite alters a table by building it anew.
        engine = sqlite_engine(parsed, pool_size=1, begin="BEGIN IMMEDIATE", foreign_keys=False)
        lock = _file_lock(Path(str(parsed.database)).parent / "migrate.lock")
    else:
        engine = postgresql_engine(parsed, pool_size=1, application="trunkline migrations")
        lock = _file_lock(None)
    try:
        with lock:
            async with engine.begin() as connection:
                if engine.dialect.name == "postgresql":
                    await connection.execute(
                        text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK}
                    )
                yield connection
                if engine.dialect.name == "sqlite":
                    await _check_foreign_keys(connection)
    finally:
        await engine.dispose()


@contextmanager
def _file_lock(path: Path | None) -> Iterator[None]:
    """Wait for the lock on a file, so that a second process does not run into a busy database."""
    if path is None:
        yield
        return
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def _check_foreign_keys(connection: AsyncConnection) -> None:
    broken = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).mappings().first()
    if broken is not None:
        raise OSError(
            f"the migration leaves a row of {broken['table']} without its {broken['parent']}"
        )
