"""SQL of users and of their membership."""

from msgspec.structs import asdict
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.identity.records import User
from trunkline.storage.tables.identity import member, user


async def add_user(conn: AsyncConnection, row: User) -> None:
    """Insert a person."""
    await conn.execute(insert(user).values(**asdict(row)))


async def change_user(conn: AsyncConnection, row: User) -> None:
    """Write the name of a person."""
    await conn.execute(update(user).where(user.c.id == row.id).values(name=row.name))


async def user_by_email(conn: AsyncConnection, email: str) -> User | None:
    """The person of this address, wherever a member. For system paths."""
    row = (await conn.execute(select(user).where(user.c.email == email))).mappings().first()
    return None if row is None else User(**row)


async def members_of(conn: AsyncConnection, org_id: str) -> list[tuple[User, str]]:
    """The people of an organisation with their roles, oldest first."""
    rows = await conn.execute(
        select(*user.c, member.c.role)
        .join_from(member, user, member.c.user_id == user.c.id)
        .where(member.c.org_id == org_id)
        .order_by(user.c.id)
    )
    return [(User(*row[:-1]), row.role) for row in rows]


async def role_of(conn: AsyncConnection, org_id: str, user_id: str) -> str | None:
    """What a person may do in an organisation; None for one who is no member."""
    query = select(member.c.role).where(member.c.org_id == org_id, member.c.user_id == user_id)
    return (await conn.execute(query)).scalar_one_or_none()


async def add_member(
    conn: AsyncConnection, org_id: str, user_id: str, role: str, created_ms: int
) -> None:
    """Make a person a member of an organisation."""
    await conn.execute(
        insert(member).values(org_id=org_id, user_id=user_id, role=role, created_ms=created_ms)
    )


async def change_role(conn: AsyncConnection, org_id: str, user_id: str, role: str) -> None:
    """Write what a member may do."""
    await conn.execute(
        update(member)
        .where(member.c.org_id == org_id, member.c.user_id == user_id)
        .values(role=role)
    )
