"""What an engine must offer, and the translation of its failures."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Literal, Protocol

from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import Unavailable

Look = Callable[[], Awaitable[bool]]


class Backend(Protocol):
    """SQLite or PostgreSQL behind ``Database``; the meaning of each method is told there."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which of the two it is."""
        ...

    @property
    def migration_url(self) -> str:
        """SQLAlchemy URL, with its password, under which the schema is changed."""
        ...

    def read(self, org_id: str | None) -> AbstractAsyncContextManager[AsyncConnection]: ...

    def write(self, org_id: str | None) -> AbstractAsyncContextManager[AsyncConnection]: ...

    def owner(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection as the owner of the schema, for looking at the schema itself."""
        ...

    def watch(self) -> AbstractAsyncContextManager[Look]: ...

    async def forget_connections(self) -> None:
        """Let go of idle connections, since the schema under them has changed."""
        ...

    async def close(self) -> None: ...


@contextmanager
def failures_are_unavailability() -> Iterator[None]:
    """Turn what a dead, frozen or locked database raises into ``Unavailable``.

    Broken constraints and wrong SQL pass as they are: they are about the statement.
    """
    try:
        yield
    except PoolTimeout as error:
        raise _unavailable("all its connections are in use", error) from error
    except (OperationalError, InterfaceError) as error:
        raise _unavailable(_first_line(error.orig), error) from error
    except DBAPIError as error:
        # SQLite has no word of its own for a file that is damaged or no database at all.
        if not error.connection_invalidated and type(error) is not DatabaseError:
            raise
        raise _unavailable(_first_line(error.orig), error) from error
    except (OSError, TimeoutError) as error:
        raise _unavailable(_first_line(error), error) from error


def _first_line(error: BaseException | None) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def _unavailable(reason: str, error: BaseException) -> Unavailable:
    return Unavailable(
        "The database does not answer.",
        code="database_unavailable",
        hint="Try again in a moment; the operator finds the reason in the log.",
        retry_after=1,
        reference=f"{type(error).__name__}: {reason}",
    )
