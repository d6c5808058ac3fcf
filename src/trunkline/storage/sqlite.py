"""SQLite in WAL mode: one writer per process, a pool of readers, on a local disk only."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from trunkline.errors import InvalidRequest, Unavailable
from trunkline.storage.backend import Backend, Look, failures_are_unavailability
from trunkline.storage.filesystem import network_filesystem
from trunkline.storage.sqlite_tenant import enter_tenant, show_one_tenant

FILE_NAME = "trunkline.db"
BUSY_TIMEOUT = 5.0  # Seconds to wait for another process's writer.
WRITER_TIMEOUT = 30.0  # Seconds to wait for this process's writer.
# The default of 2 MB for each connection would grow the front by a dozen MB over its first hours,
# and what is read often is in memory anyway.
PAGE_CACHE_KIB = 256
_NEWEST_CHANGE = "SELECT coalesce(max(seq), 0) FROM change"


class SQLiteBackend(Backend):
    """The embedded database.

    Its state is three pools: one writer, readers that see one organisation, and readers that see
    all of them. Connections are made when they are first needed.
    """

    def __init__(self, url: URL, pool_size: int) -> None:
        self._url = url
        self._writer = sqlite_engine(url, pool_size=1, begin="BEGIN IMMEDIATE")
        self._tenant_readers = sqlite_engine(
            url, pool_size=pool_size, begin="BEGIN", read_only=True, one_tenant=True
        )
        # One more than asked for: the watch keeps it for good.
        self._system_readers = sqlite_engine(
            url, pool_size=pool_size + 1, begin="BEGIN", read_only=True
        )

    @classmethod
    async def open(cls, file: Path, *, pool_size: int) -> "SQLiteBackend":
        """Make or open the file and switch it to WAL."""
        _prepare(file)
        url = sqlite_url(file)
        backend = cls(url, pool_size)
        try:
            with failures_are_unavailability():
                await _switch_to_wal(backend._writer)
        except BaseException:
            await backend.close()
            raise
        return backend

    @property
    @override
    def dialect(self) -> Literal["sqlite"]:
        return "sqlite"

    @property
    @override
    def migration_url(self) -> str:
        return self._url.render_as_string(hide_password=False)

    @override
    @asynccontextmanager
    async def read(self, org_id: str | None) -> AsyncIterator[AsyncConnection]:
        readers = self._system_readers if org_id is None else self._tenant_readers
        with failures_are_unavailability():
            async with readers.connect() as connection:
                if org_id is not None:
                    enter_tenant(connection, org_id)
                async with connection.begin():
                    yield connection

    @override
    @asynccontextmanager
    async def write(self, org_id: str | None) -> AsyncIterator[AsyncConnection]:
        with failures_are_unavailability():
            async with self._writer.begin() as connection:
                yield connection

    @override
    @asynccontextmanager
    async def owner(self) -> AsyncIterator[AsyncConnection]:
        async with self.read(None) as connection:
            yield connection

    @override
    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Look]:
        """Look at ``PRAGMA data_version``, then at the newest change.

        The version moves with every commit of another connection, such as each batch that the
        ledger takes in, so the log itself says whether there is something to read. Both are asked
        of the driver: this runs several times a second, and a transaction costs ten times as much.

        The connection is kept for as long as the watch lasts, because the number means something
        only on one and the same connection; being a reader, it never commits anything itself.
        """
        with failures_are_unavailability():
            async with self._system_readers.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                seen, newest = -1, -1

                async def moved() -> bool:
                    nonlocal seen, newest
                    with failures_are_unavailability():
                        version = await _number(driver, "PRAGMA data_version")
                        if version == seen:
                            return False
                        seen, before = version, newest
                        newest = await _number(driver, _NEWEST_CHANGE)
                    return newest != before

                yield moved

    @override
    async def forget_connections(self) -> None:
        for engine in (self._tenant_readers, self._system_readers, self._writer):
            await engine.dispose()

    @override
    async def close(self) -> None:
        await self.forget_connections()


async def _number(driver: Any, statement: str) -> int:
    try:
        [[number]] = await driver.execute_fetchall(statement)
    except sqlite3.Error as error:
        raise OperationalError(statement, None, error) from error
    return int(number)


def sqlite_url(file: Path) -> URL:
    """The SQLAlchemy URL of a database file."""
    return URL.create("sqlite+aiosqlite", database=str(file))


def sqlite_file(url: str) -> Path:
    """The file of a ``sqlite:///`` URL.

    Raises:
        InvalidRequest: the URL names no file; a database in memory has no second reader.
    """
    try:
        database = make_url(url).database
    except ArgumentError:
        database = None
    if not database or database == ":memory:":
        raise InvalidRequest(
            "The SQLite URL names no file.",
            code="database_url_invalid",
            param="database_url",
            hint="Write sqlite:////absolute/path/trunkline.db, or leave it out.",
        )
    return Path(database)


def sqlite_engine(
    url: URL,
    *,
    pool_size: int,
    begin: str,
    read_only: bool = False,
    one_tenant: bool = False,
    foreign_keys: bool = True,
) -> AsyncEngine:
    """An engine whose transactions start with the given statement, under our pragmas."""
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=WRITER_TIMEOUT,
        # The driver must not begin transactions by itself: it would defer the writer's lock.
        connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None},
    )
    pragmas = [
        "PRAGMA synchronous = NORMAL",
        f"PRAGMA cache_size = -{PAGE_CACHE_KIB}",
        f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}",
        f"PRAGMA query_only = {'ON' if read_only else 'OFF'}",
    ]
    if one_tenant:
        show_one_tenant(engine.sync_engine)
    _run_on_connect(engine.sync_engine, pragmas)
    _begin_with(engine.sync_engine, begin)
    return engine


def _run_on_connect(engine: Engine, statements: list[str]) -> None:
    def connected(dbapi_connection: Any, _record: object) -> None:
        cursor = dbapi_connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    event.listen(engine, "connect", connected)


def _begin_with(engine: Engine, statement: str) -> None:
    def began(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(engine, "begin", began)


async def _switch_to_wal(writer: AsyncEngine) -> None:
    # The mode is kept in the file and cannot be changed inside a transaction, hence the raw call.
    async with writer.connect() as connection:
        raw = await connection.get_raw_connection()
        cursor = await raw.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]  # aiosqlite's own connection, typed as Any or None.
        row = await cursor.fetchone()
        await cursor.close()
    if row[0] != "wal":
        raise Unavailable(
            f"SQLite stays in {row[0]} mode on this file system and cannot serve several readers.",
            code="database_unavailable",
            hint="Put the data directory on a local disk, or set TRUNKLINE_DATABASE_URL.",
        )


def _prepare(file: Path) -> None:
    data_dir = file.parent
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Readable by its owner only: it holds the digests of keys and the books of all tenants.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise InvalidRequest(
            f"The data directory {data_dir} cannot be used: {error.strerror}.",
            code="data_directory_unusable",
            param="data_dir",
            hint="Choose a directory that this user may write to.",
        ) from error
    kind = network_filesystem(data_dir)
    if kind is not None:
        raise InvalidRequest(
            f"The data directory {data_dir} is on a network file system ({kind}), where SQLite "
            "loses data.",
            code="data_directory_on_network",
            param="data_dir",
            hint="Use a local disk, or PostgreSQL by TRUNKLINE_DATABASE_URL.",
        )
