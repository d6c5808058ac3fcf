"""SQL of organisations."""

from msgspec.structs import asdict
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.identity.records import Organisation
from trunkline.storage.tables.identity import organisation


async def add_organisation(conn: AsyncConnection, row: Organisation) -> None:
    """Insert an organisation."""
    await conn.execute(insert(organisation).values(**asdict(row)))


async def change_organisation(conn: AsyncConnection, row: Organisation) -> None:
    """Write all columns of an organisation that is there."""
    await conn.execute(
        update(organisation).where(organisation.c.id == row.id).values(**asdict(row))
    )


async def organisation_by_slug(conn: AsyncConnection, slug: str) -> Organisation | None:
    """The organisation of this short name."""
    row = (
        (await conn.execute(select(organisation).where(organisation.c.slug == slug)))
        .mappings()
        .first()
    )
    return None if row is None else Organisation(**row)


async def all_organisations(conn: AsyncConnection) -> list[Organisation]:
    """All that the connection may see, oldest first."""
    rows = await conn.execute(select(organisation).order_by(organisation.c.id))
    return [Organisation(**row) for row in rows.mappings()]
