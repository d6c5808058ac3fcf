"""What most commands need: the settings and the database, for as long as the command runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import InvalidRequest
from trunkline.identity.records import Organisation
from trunkline.identity.service.organisations import find_organisation, list_organisations
from trunkline.kit.clock import Clock, SystemClock
from trunkline.settings import Settings, load_settings
from trunkline.storage.engine import Database

Result = TypeVar("Result")


class Session(msgspec.Struct, frozen=True):
    """The parts of the product that a command works with."""

    settings: Settings
    database: Database
    clock: Clock


@asynccontextmanager
async def open_session(settings: Settings | None = None) -> AsyncIterator[Session]:
    """Read the settings and open the database, brought to the newest schema."""
    settings = settings or load_settings()
    url = settings.database_url
    database = await Database.open(
        None if url is None else url.get_secret_value(),
        data_dir=settings.data_dir,
        pool_size=2,
        application="trunkline command",
    )
    try:
        await database.migrate()
        yield Session(settings, database, SystemClock())
    finally:
        await database.close()


def in_session(work: Callable[[Session], Awaitable[Result]]) -> Result:
    """Run the work of a command inside a session."""

    async def run() -> Result:
        async with open_session() as session:
            return await work(session)

    return asyncio.run(run())


async def choose_organisation(conn: AsyncConnection, slug: str | None) -> Organisation:
    """The organisation of this slug; without one the only organisation that there is.

    Raises:
        NotFound: there is none of this slug.
        InvalidRequest: no slug was given and there is not exactly one organisation.
    """
    if slug is not None:
        return await find_organisation(conn, slug)
    present = await list_organisations(conn)
    if len(present) == 1:
        return present[0]
    if not present:
        raise InvalidRequest(
            "There is no organisation yet.",
            code="organisation_missing",
            hint="Make one with: trunkline organisations create NAME",
        )
    raise InvalidRequest(
        "There is more than one organisation.",
        code="organisation_ambiguous",
        param="org",
        hint=f"Choose with --org: {', '.join(org.slug for org in present)}",
    )
