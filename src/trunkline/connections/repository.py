"""SQL of connections, published models and prices.

``org_id`` None means the rows that the operator shares; no query mixes them with an organisation's
unless it says so.
"""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.connections.rows import AliasRow, ConnectionRow, OwnedRows, PriceOverride
from trunkline.storage.tables.connections import alias, alias_target, connection, price_override

CONNECTION_COLUMNS = [connection.c[name] for name in ConnectionRow.__struct_fields__]
PRICE_COLUMNS = [price_override.c[name] for name in PriceOverride.__struct_fields__]
ALIAS_COLUMNS = [alias.c[name] for name in AliasRow.__struct_fields__ if name != "targets"]
PAGE = 100


def owned_by(table: Table, org_id: str | None) -> ColumnElement[bool]:
    """The rows of one organisation, or the shared ones."""
    column: ColumnElement[str | None] = table.c.org_id
    return column.is_(None) if org_id is None else column == org_id


async def connections(
    conn: AsyncConnection,
    orgs: tuple[str | None, ...] | None = None,
    *,
    name: str | None = None,
) -> AsyncIterator[ConnectionRow]:
    """Connections of these owners, or of all, by name; or only those of one name."""
    query = select(*CONNECTION_COLUMNS).order_by(connection.c.name)
    if name is not None:
        query = query.where(connection.c.name == name)
    async for row in _stream(conn, query, connection, orgs):
        yield ConnectionRow(**row)


async def prices(
    conn: AsyncConnection,
    orgs: tuple[str | None, ...] | None = None,
    *,
    model: str | None = None,
) -> AsyncIterator[PriceOverride]:
    """Prices set by hand of these owners, or of all, oldest first; or only those of one model."""
    query = select(*PRICE_COLUMNS).order_by(price_override.c.id)
    if model is not None:
        query = query.where(price_override.c.model == model)
    async for row in _stream(conn, query, price_override, orgs):
        yield PriceOverride(**row)


async def aliases(
    conn: AsyncConnection,
    orgs: tuple[str | None, ...] | None = None,
    *,
    name: str | None = None,
) -> AsyncIterator[AliasRow]:
    """Published models of these owners, or of all, by name, each with its targets in order.

    With a name only those of that name.
    """
    query = (
        select(*ALIAS_COLUMNS, alias_target.c.connection, alias_target.c.model)
        .join(alias_target, alias_target.c.alias_id == alias.c.id)
        .order_by(alias.c.name, alias.c.id, alias_target.c.position)
    )
    if name is not None:
        query = query.where(alias.c.name == name)
    head: dict[str, Any] | None = None
    targets: list[tuple[str, str]] = []
    async for row in _stream(conn, query, alias, orgs):
        target = (row.pop("connection"), row.pop("model"))
        if head is not None and row != head:
            yield AliasRow(**head, targets=tuple(targets))
            targets = []
        head = row
        targets.append(target)
    if head is not None:
        yield AliasRow(**head, targets=tuple(targets))


class Owners(NamedTuple):
    """The shared rows, and those of each organisation that has any."""

    shared: OwnedRows
    own: dict[str, OwnedRows]

    def of(self, org_id: str | None) -> OwnedRows:
        """The rows of one owner, to be added to."""
        return self.shared if org_id is None else self.own.setdefault(org_id, OwnedRows())


async def rows_by_owner(
    conn: AsyncConnection, orgs: tuple[str | None, ...] | None = None
) -> Owners:
    """The rows of these owners, or of all."""
    found = Owners(OwnedRows(), {})
    async for connection_row in connections(conn, orgs):
        found.of(connection_row.org_id).connections.append(connection_row)
    async for alias_row in aliases(conn, orgs):
        found.of(alias_row.org_id).aliases.append(alias_row)
    async for price_row in prices(conn, orgs):
        found.of(price_row.org_id).prices.append(price_row)
    return found


async def _stream(
    conn: AsyncConnection,
    query: Select[Any],
    table: Table,
    orgs: tuple[str | None, ...] | None,
) -> AsyncIterator[dict[str, Any]]:
    if orgs is not None:
        query = query.where(or_(*(owned_by(table, org_id) for org_id in orgs)))
    async with conn.stream(query) as result:
        async for page in result.partitions(PAGE):
            for row in page:
                yield dict(row._mapping)  # noqa: SLF001 - the public name of SQLAlchemy's mapping


async def put(conn: AsyncConnection, table: Table, values: dict[str, object], *, new: bool) -> None:
    """Insert a row, or replace the one of the same id."""
    if new:
        await conn.execute(insert(table).values(values))
    else:
        await conn.execute(update(table).where(table.c.id == values["id"]).values(values))


async def put_targets(
    conn: AsyncConnection, org_id: str | None, alias_id: str, targets: tuple[tuple[str, str], ...]
) -> None:
    """Replace the targets of a published model."""
    await conn.execute(delete(alias_target).where(alias_target.c.alias_id == alias_id))
    rows = [
        {
            "alias_id": alias_id,
            "position": position,
            "org_id": org_id,
            "connection": name,
            "model": model,
        }
        for position, (name, model) in enumerate(targets)
    ]
    if rows:
        await conn.execute(insert(alias_target), rows)


async def remove(conn: AsyncConnection, table: Table, row_id: str) -> None:
    """Delete a row of which nothing hangs any more."""
    await conn.execute(delete(table).where(table.c.id == row_id))


async def models_at(conn: AsyncConnection, org_id: str | None, name: str) -> list[str]:
    """The names of the published models of this owner that have a target at a connection."""
    query = (
        select(alias.c.name)
        .join(alias_target, alias_target.c.alias_id == alias.c.id)
        .where(owned_by(alias, org_id), alias_target.c.connection == name)
        .distinct()
        .order_by(alias.c.name)
    )
    return list((await conn.execute(query)).scalars())
