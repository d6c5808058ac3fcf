"""SQL of teams."""

from msgspec.structs import asdict
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.identity.records import Team
from trunkline.storage.tables.identity import team


async def add_team(conn: AsyncConnection, row: Team) -> None:
    """Insert a team."""
    await conn.execute(insert(team).values(**asdict(row)))


async def change_team(conn: AsyncConnection, row: Team) -> None:
    """Write the name of a team."""
    await conn.execute(
        update(team).where(team.c.id == row.id, team.c.org_id == row.org_id).values(name=row.name)
    )


async def team_by_slug(conn: AsyncConnection, org_id: str, slug: str) -> Team | None:
    """The team of this short name in an organisation."""
    query = select(team).where(team.c.org_id == org_id, team.c.slug == slug)
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else Team(**row)


async def teams_of(conn: AsyncConnection, org_id: str) -> list[Team]:
    """The teams of an organisation, oldest first."""
    rows = await conn.execute(select(team).where(team.c.org_id == org_id).order_by(team.c.id))
    return [Team(**row) for row in rows.mappings()]


async def team_exists(conn: AsyncConnection, org_id: str, team_id: str) -> bool:
    """Whether a team is one of the organisation's."""
    query = select(team.c.id).where(team.c.org_id == org_id, team.c.id == team_id)
    return (await conn.execute(query)).first() is not None
