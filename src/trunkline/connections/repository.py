"""SQL of connections, published models and prices.

``org_id`` None means the rows that the operator shares; no query mixes them with an organisation's
unless it says so.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.connections.rows import (
    AliasRow,
    ConnectionRow,
    GuardrailRow,
    OwnedRows,
    PriceOverride,
    TargetRow,
)
from trunkline.storage.tables.connections import alias, alias_target, connection, price_override
from trunkline.storage.tables.guardrails import guardrail
from trunkline.storage.tables.identity import team

CONNECTION_COLUMNS = [connection.c[name] for name in ConnectionRow.__struct_fields__]
PRICE_COLUMNS = [price_override.c[name] for name in PriceOverride.__struct_fields__]
ALIAS_COLUMNS = [alias.c[name] for name in AliasRow.__struct_fields__ if name != "targets"]
GUARDRAIL_COLUMNS = [guardrail.c[name] for name in GuardrailRow.__struct_fields__]
TARGET_COLUMNS = [alias_target.c[name] for name in TargetRow._fields]
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
        further = row.pop("further_secrets")
        yield ConnectionRow(**row, further_secrets=tuple(further or ()))


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
        select(*ALIAS_COLUMNS, *TARGET_COLUMNS)
        .join(alias_target, alias_target.c.alias_id == alias.c.id)
        .order_by(alias.c.name, alias.c.id, alias_target.c.position)
    )
    if name is not None:
        query = query.where(alias.c.name == name)
    head: dict[str, Any] | None = None
    targets: list[TargetRow] = []
    async for row in _stream(conn, query, alias, orgs):
        target = TargetRow(*(row.pop(name) for name in TargetRow._fields))
        if head is not None and row != head:
            yield _alias_row(head, targets)
            targets = []
        head = row
        targets.append(target)
    if head is not None:
        yield _alias_row(head, targets)


def _alias_row(head: dict[str, Any], targets: Iterable[TargetRow]) -> AliasRow:
    values = {**head, "guardrails": tuple(head["guardrails"] or ())}
    return AliasRow(**values, targets=tuple(targets))


async def guardrails(
    conn: AsyncConnection, orgs: tuple[str | None, ...] | None = None
) -> AsyncIterator[GuardrailRow]:
    """Guardrails of these owners, or of all, by name."""
    query = select(*GUARDRAIL_COLUMNS).order_by(guardrail.c.name)
    async for row in _stream(conn, query, guardrail, orgs):
        yield GuardrailRow(**row)


async def team_ids(conn: AsyncConnection, orgs: Iterable[str]) -> dict[str, dict[str, str]]:
    """The ids of the teams of these organisations, by slug."""
    found: dict[str, dict[str, str]] = {}
    wanted = list(orgs)
    for start in range(0, len(wanted), PAGE):
        query = select(team.c.org_id, team.c.slug, team.c.id).where(
            team.c.org_id.in_(wanted[start : start + PAGE])
        )
        for org_id, slug, team_id in await conn.execute(query):
            found.setdefault(org_id, {})[slug] = team_id
    return found


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
    async for guardrail_row in guardrails(conn, orgs):
        found.of(guardrail_row.org_id).guardrails[guardrail_row.name] = guardrail_row.spec
    speaking = (org_id for org_id, rows in found.own.items() if _speak_of_teams(rows.aliases))
    for org_id, teams in (await team_ids(conn, speaking)).items():
        found.own[org_id].teams.update(teams)
    return found


def _speak_of_teams(aliases: Iterable[AliasRow]) -> bool:
    rules = (rule for row in aliases if row.route for rule in row.route.get("rules", ()))
    return any("team" in rule.get("when", ()) for rule in rules)


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
    conn: AsyncConnection, org_id: str | None, alias_id: str, targets: tuple[TargetRow, ...]
) -> None:
    """Replace the targets of a published model."""
    await conn.execute(delete(alias_target).where(alias_target.c.alias_id == alias_id))
    rows = [
        {"alias_id": alias_id, "position": position, "org_id": org_id, **target._asdict()}
        for position, target in enumerate(targets)
    ]
    if rows:
        await conn.execute(insert(alias_target), rows)


async def remove(conn: AsyncConnection, table: Table, row_id: str) -> None:
    """Delete a row of which nothing hangs any more."""
    await conn.execute(delete(table).where(table.c.id == row_id))


async def models_at(conn: AsyncConnection, org_id: str | None, name: str) -> list[str]:
    """The names of the published models that have a target at a connection of this owner.

    One that is shared may be meant by the models of every organisation that has none of its name.
    """
    own = select(connection.c.org_id).where(
        connection.c.name == name, connection.c.org_id.is_not(None)
    )
    users = owned_by(alias, org_id)
    if org_id is None:
        users = or_(users, alias.c.org_id.not_in(own))
    query = (
        select(alias.c.name)
        .join(alias_target, alias_target.c.alias_id == alias.c.id)
        .where(users, alias_target.c.connection == name)
        .distinct()
        .order_by(alias.c.name)
    )
    return list((await conn.execute(query)).scalars())
