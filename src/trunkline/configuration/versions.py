"""Every configuration that was applied, by owner, in the order of their numbers."""

import msgspec
from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import NotFound
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.storage.tables.configuration import configuration_version

MAX_NOTE = 500

_COLUMNS = [configuration_version.c[name] for name in ("number", "document", "note", "created_ms")]


class Version(msgspec.Struct, frozen=True):
    """The whole configuration of an owner as it was after it had been applied.

    Attributes:
        number: counted from 1 for each owner.
        document: YAML, without the texts of secrets and keys.
        created_ms: Unix time in milliseconds.
    """

    number: int
    document: str
    note: str | None
    created_ms: int


async def list_versions(conn: AsyncConnection, org_id: str | None) -> list[Version]:
    """The versions of an owner, newest first; None for what is shared with all."""
    query = (
        select(*_COLUMNS).where(_owned_by(org_id)).order_by(configuration_version.c.number.desc())
    )
    return [Version(*row) for row in await conn.execute(query)]


async def find_version(conn: AsyncConnection, org_id: str | None, number: int) -> Version:
    """One version of an owner.

    Raises:
        NotFound: there is none of this number.
    """
    query = select(*_COLUMNS).where(_owned_by(org_id), configuration_version.c.number == number)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no version {number}.",
            code="version_not_found",
            param="to",
            hint="trunkline config versions shows them.",
        )
    return Version(*row)


async def newest_version(conn: AsyncConnection, org_id: str | None) -> Version | None:
    """The version of an owner that was applied last; None before the first."""
    query = (
        select(*_COLUMNS)
        .where(_owned_by(org_id))
        .order_by(configuration_version.c.number.desc())
        .limit(1)
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else Version(*row)


async def add_version(
    conn: AsyncConnection, org_id: str | None, document: str, note: str | None, clock: Clock
) -> int:
    """Keep a configuration; its number."""
    newest = select(func.coalesce(func.max(configuration_version.c.number), 0)).where(
        _owned_by(org_id)
    )
    number = int((await conn.execute(newest)).scalar_one()) + 1
    values = {
        "id": new_id(),
        "org_id": org_id,
        "number": number,
        "document": document,
        "note": note,
        "created_ms": int(clock.now() * 1000),
    }
    await conn.execute(insert(configuration_version).values(values))
    return number


def _owned_by(org_id: str | None) -> ColumnElement[bool]:
    column: ColumnElement[str | None] = configuration_version.c.org_id
    return column.is_(None) if org_id is None else column == org_id
