"""SQL of guardrails. ``org_id`` None means the rows that the operator shares."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.guardrails.rows import GuardrailRow
from trunkline.storage.tables.connections import alias
from trunkline.storage.tables.guardrails import guardrail

COLUMNS = [guardrail.c[name] for name in GuardrailRow.__struct_fields__]


def owned_by(table: Table, org_id: str | None) -> ColumnElement[bool]:
    """The rows of one organisation, or the shared ones."""
    column: ColumnElement[str | None] = table.c.org_id
    return column.is_(None) if org_id is None else column == org_id


async def guardrails(conn: AsyncConnection, orgs: Sequence[str | None]) -> list[GuardrailRow]:
    """Guardrails of these owners, by name."""
    query = select(*COLUMNS).where(or_(*(owned_by(guardrail, org) for org in orgs)))
    rows = await conn.execute(query.order_by(guardrail.c.name, guardrail.c.id))
    return [GuardrailRow(**row) for row in rows.mappings()]


async def put(conn: AsyncConnection, row: GuardrailRow, *, created_ms: int | None = None) -> None:
    """Insert a guardrail made at this time, or without one replace the spec of the same id."""
    if created_ms is None:
        query = update(guardrail).where(guardrail.c.id == row.id, owned_by(guardrail, row.org_id))
        await conn.execute(query.values(spec=row.spec))
        return
    await conn.execute(
        insert(guardrail).values(
            id=row.id, org_id=row.org_id, name=row.name, spec=row.spec, created_ms=created_ms
        )
    )


async def remove(conn: AsyncConnection, row: GuardrailRow) -> None:
    """Delete a guardrail."""
    await conn.execute(
        delete(guardrail).where(guardrail.c.id == row.id, owned_by(guardrail, row.org_id))
    )


async def models_naming(conn: AsyncConnection, org_id: str | None, name: str) -> list[str]:
    """Published models that name a guardrail; a shared one may be named by every organisation's."""
    query = select(alias.c.name, alias.c.guardrails).where(alias.c.guardrails.is_not(None))
    if org_id is not None:
        query = query.where(owned_by(alias, org_id))
    rows = await conn.execute(query.order_by(alias.c.name))
    return [row.name for row in rows if name in (row.guardrails or ())]
