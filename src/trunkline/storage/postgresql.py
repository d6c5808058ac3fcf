"""PostgreSQL through asyncpg: each transaction runs under a role that row security binds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from trunkline.errors import InvalidRequest
from trunkline.storage.backend import Backend, Look, failures_are_unavailability
from trunkline.storage.roles import APP_ROLE, SYSTEM_ROLE

CONNECT_TIMEOUT = 10.0  # Seconds.
STATEMENT_TIMEOUT = 60.0  # Seconds after which a frozen server counts as dead.
POOL_TIMEOUT = 10.0  # Seconds to wait for a free connection.

# One round trip enters the transaction. set_config takes bound values where SET does not, and its
# last argument makes each setting end with the transaction.
_ENTER = text(
    "SELECT set_config('role', :role, true), set_config('trunkline.org_id', :org_id, true), "
    "set_config('transaction_read_only', :read_only, true)"
)


class PostgreSQLBackend(Backend):
    """A server shared by several processes. Its state is one pool of connections."""

    def __init__(self, url: URL, engine: AsyncEngine) -> None:
        self._url = url
        self._engine = engine
        # All statements of one view see the same moment.
        self._views = engine.execution_options(isolation_level="REPEATABLE READ")

    @classmethod
    async def open(cls, url: str, *, pool_size: int, application: str) -> "PostgreSQLBackend":
        """Check the URL and that the server answers."""
        address = asyncpg_url(url)
        engine = postgresql_engine(address, pool_size=pool_size, application=application)
        backend = cls(address, engine)
        try:
            async with backend.owner() as connection:
                await connection.execute(text("SELECT 1"))
        except BaseException:
            await backend.close()
            raise
        return backend

    @property
    @override
    def dialect(self) -> Literal["postgresql"]:
        return "postgresql"

    @property
    @override
    def migration_url(self) -> str:
        return self._url.render_as_string(hide_password=False)

    @override
    @asynccontextmanager
    async def read(self, org_id: str | None) -> AsyncIterator[AsyncConnection]:
        async with self._transaction(self._views, org_id, read_only="on") as connection:
            yield connection

    @override
    @asynccontextmanager
    async def write(self, org_id: str | None) -> AsyncIterator[AsyncConnection]:
        async with self._transaction(self._engine, org_id, read_only="off") as connection:
            yield connection

    @override
    @asynccontextmanager
    async def owner(self) -> AsyncIterator[AsyncConnection]:
        with failures_are_unavailability():
            async with self._engine.begin() as connection:
                yield connection

    @override
    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Look]:
        """Always yes: looking for changes is one indexed query anyway."""

        async def always() -> bool:
            return True

        yield always

    @override
    async def forget_connections(self) -> None:
        await self._engine.dispose()

    @override
    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(
        self, engine: AsyncEngine, org_id: str | None, *, read_only: str
    ) -> AsyncIterator[AsyncConnection]:
        role = SYSTEM_ROLE if org_id is None else APP_ROLE
        with failures_are_unavailability():
            async with engine.begin() as connection:
                await connection.execute(
                    _ENTER, {"role": role, "org_id": org_id or "", "read_only": read_only}
                )
                yield connection


def asyncpg_url(url: str) -> URL:
    """The SQLAlchemy URL of a ``postgres://`` or ``postgresql://`` URL, with libpq's ``sslmode``.

    Raises:
        InvalidRequest: it is not such a URL. The message never repeats it: it holds a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
        raise InvalidRequest(
            "The database URL is not one of PostgreSQL.",
            code="database_url_invalid",
            param="database_url",
            hint="Write postgresql://user:password@host:5432/name, or leave it out for SQLite.",
        ) from None
    sslmode = parsed.query.get("sslmode")
    parsed = parsed.difference_update_query(["sslmode"]).set(drivername="postgresql+asyncpg")
    return parsed if sslmode is None else parsed.update_query_dict({"ssl": sslmode})


def postgresql_engine(url: URL, *, pool_size: int, application: str) -> AsyncEngine:
    """An engine with bounds on every wait."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT,
        pool_pre_ping=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": STATEMENT_TIMEOUT,
            "server_settings": {"application_name": application},
        },
    )
