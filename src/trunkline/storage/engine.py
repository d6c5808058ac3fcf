"""The database of one process: units of work on SQLite or PostgreSQL, one tenant at a time."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.storage.backend import Backend, Look
from trunkline.storage.migrate import bring_to_head
from trunkline.storage.postgresql import PostgreSQLBackend
from trunkline.storage.sqlite import FILE_NAME, SQLiteBackend, sqlite_file


class Database:
    """Gives out connections, each for one unit of work.

    Its state is the pools of its backend. ``app.py`` or a command opens it, owns it and closes it.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which engine stands behind it."""
        return self._backend.dialect

    @classmethod
    async def open(
        cls,
        url: str | None,
        *,
        data_dir: Path,
        pool_size: int = 5,
        application: str = "trunkline",
    ) -> "Database":
        """Open the database; nothing is created in it before ``migrate``.

        Args:
            url: ``postgresql://`` or ``sqlite:///`` URL, or None for the file ``trunkline.db`` in
                the data directory.
            data_dir: made if absent; must be on a local disk.
            pool_size: most connections of this process, beside SQLite's one writer.
            application: name under which PostgreSQL lists the connections.

        Raises:
            InvalidRequest: the URL is neither, or the directory cannot hold SQLite.
            Unavailable: the server or the file cannot be opened.
        """
        backend: Backend
        if url is None:
            backend = await SQLiteBackend.open(data_dir / FILE_NAME, pool_size=pool_size)
        elif url.startswith("sqlite"):
            backend = await SQLiteBackend.open(sqlite_file(url), pool_size=pool_size)
        else:
            backend = await PostgreSQLBackend.open(
                url, pool_size=pool_size, application=application
            )
        return cls(backend)

    def read(self, org_id: str | None) -> AbstractAsyncContextManager[AsyncConnection]:
        """A consistent view that changes nothing.

        Args:
            org_id: the organisation whose rows may be seen, or None for the system paths that
                serve all organisations, such as the key ring and the shipping of the ledger.

        Raises:
            Unavailable: no connection could be had in time, or it broke.
        """
        return self._backend.read(org_id)

    def write(self, org_id: str | None) -> AbstractAsyncContextManager[AsyncConnection]:
        """One unit of work: committed at the end of the block, rolled back on any error.

        ``org_id`` and errors are those of ``read``. On SQLite a process has one writer, so keep
        the block short and await nothing else in it.
        """
        return self._backend.write(org_id)

    def watch(self) -> AbstractAsyncContextManager[Look]:
        """A look that answers whether anything can have been committed since the last look."""
        return self._backend.watch()

    async def migrate(self) -> None:
        """Bring the schema to the newest version; safe to call from several processes at once.

        Raises:
            Unavailable: the migration failed; the message says why.
        """
        await bring_to_head(self._backend)

    async def close(self) -> None:
        """Close all connections. Nothing may be borrowed any more."""
        await self._backend.close()
