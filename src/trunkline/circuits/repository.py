"""SQL of the circuits that people hold."""

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, and_, delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.circuits.records import HeldCircuit
from trunkline.storage.tables.connections import circuit_override, connection

COLUMNS = [circuit_override.c[name] for name in HeldCircuit.__struct_fields__]


async def of_owner(conn: AsyncConnection, org_id: str | None) -> list[HeldCircuit]:
    """The held circuits of exactly this owner, by connection and model."""
    query = select(*COLUMNS).where(_owned_by(org_id))
    query = query.order_by(circuit_override.c.connection, circuit_override.c.model)
    return [HeldCircuit(**row) for row in (await conn.execute(query)).mappings()]


async def find(
    conn: AsyncConnection, org_id: str | None, connection_name: str, model: str
) -> HeldCircuit | None:
    """The held circuit of a target, if it is held."""
    query = select(*COLUMNS).where(
        _owned_by(org_id),
        circuit_override.c.connection == connection_name,
        circuit_override.c.model == model,
    )
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else HeldCircuit(**row)


async def put(conn: AsyncConnection, held: HeldCircuit) -> None:
    """Keep it, in the place of one of the same target."""
    await remove(conn, held)
    await conn.execute(insert(circuit_override).values(**asdict(held)))


async def remove(conn: AsyncConnection, held: HeldCircuit) -> None:
    """Remove the one of the same owner and target."""
    await conn.execute(
        delete(circuit_override).where(
            _owned_by(held.org_id),
            circuit_override.c.connection == held.connection,
            circuit_override.c.model == held.model,
        )
    )


async def owns(conn: AsyncConnection, org_id: str | None, connection_name: str) -> bool:
    """Whether a connection of this name has a row of exactly this owner."""
    query = select(connection.c.id).where(connection.c.name == connection_name)
    mine = connection.c.org_id.is_(None) if org_id is None else connection.c.org_id == org_id
    return (await conn.execute(query.where(mine))).first() is not None


async def with_connections(conn: AsyncConnection) -> list[tuple[HeldCircuit, str | None]]:
    """All held circuits, each with the id of its owner's connection of that name, if it has a row.

    An organisation's own connection may have the name of a shared one: only owner and name
    together find it. Needs a system path (``read(None)``).
    """
    same_owner = or_(
        connection.c.org_id == circuit_override.c.org_id,
        and_(connection.c.org_id.is_(None), circuit_override.c.org_id.is_(None)),
    )
    query = select(*COLUMNS, connection.c.id.label("connection_id")).outerjoin(
        connection, and_(connection.c.name == circuit_override.c.connection, same_owner)
    )
    found: list[tuple[HeldCircuit, str | None]] = []
    for row in (await conn.execute(query)).mappings():
        values = dict(row)
        connection_id: str | None = values.pop("connection_id")
        found.append((HeldCircuit(**values), connection_id))
    return found


def _owned_by(org_id: str | None) -> ColumnElement[bool]:
    """The rows of one organisation, or those of the operator."""
    column: ColumnElement[str | None] = circuit_override.c.org_id
    return column.is_(None) if org_id is None else column == org_id
