"""Attempts, who they are attributed to, and their corrections."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.ledger.repository.statements import fetch, insert_into
from trunkline.ledger.rows import COST_COLUMNS, Row
from trunkline.storage.tables.ledger import attempt, attribution, correction

_WHO = [column for column in attribution.c if column.name not in {"org_id", "id"}]


async def insert_attributions(conn: AsyncConnection, rows: Sequence[Row]) -> None:
    """Add those that are not there yet, in a fixed order so that two writers cannot deadlock."""
    ordered = sorted(rows, key=lambda row: (row["org_id"], row["id"]))
    await conn.execute(insert_into(conn, attribution).on_conflict_do_nothing(), ordered)


async def insert_attempts(conn: AsyncConnection, rows: Sequence[Row]) -> set[str]:
    """Add those that are not there yet; the identifiers of these."""
    statement = insert_into(conn, attempt).on_conflict_do_nothing().returning(attempt.c.id)
    return set(await conn.scalars(statement, rows))


async def find_attempts(conn: AsyncConnection, ids: Iterable[str]) -> dict[str, Row]:
    """Rows of attempts as they are now, by identifier."""
    statement = select(attempt).where(attempt.c.id.in_(list(ids)))
    return {row["id"]: row for row in await fetch(conn, statement)}


async def attributed_attempts(conn: AsyncConnection, ids: Iterable[str]) -> dict[str, Row]:
    """As ``find_attempts``, with what they are attributed to."""
    statement = _attributed().where(attempt.c.id.in_(list(ids)))
    return {row["id"]: row for row in await fetch(conn, statement)}


async def corrections_of(conn: AsyncConnection, ids: Iterable[str]) -> dict[tuple[str, int], Row]:
    """The former costs of attempts, by attempt and the revision that took their place."""
    statement = select(correction).where(correction.c.attempt_id.in_(list(ids)))
    rows = await fetch(conn, statement)
    return {(row["attempt_id"], row["revision"]): row for row in rows}


async def find_request(conn: AsyncConnection, org_id: str, request_id: str) -> list[Row]:
    """The attempts of one request of an organisation with what they are attributed to."""
    statement = (
        _attributed()
        .where(attempt.c.request_id == request_id, attempt.c.org_id == org_id)
        .order_by(attempt.c.number)
    )
    return await fetch(conn, statement)


async def page_of_attempts(
    conn: AsyncConnection,
    *,
    since_ms: int,
    until_ms: int,
    after: tuple[int, str],
    org_id: str | None,
    size: int,
) -> list[Row]:
    """Attempts opened in a period with their attribution, behind a place in their order.

    Args:
        conn: the unit of work.
        since_ms: first millisecond of the period.
        until_ms: first millisecond behind it.
        after: (opened_ms, id) of the last row of the page before.
        org_id: one organisation, or None for all of them.
        size: most rows.
    """
    opened_ms, last_id = after
    statement = (
        _attributed()
        .where(
            attempt.c.opened_ms >= max(since_ms, opened_ms),
            attempt.c.opened_ms < until_ms,
            (attempt.c.opened_ms > opened_ms) | (attempt.c.id > last_id),
        )
        .order_by(attempt.c.opened_ms, attempt.c.id)
        .limit(size)
    )
    if org_id is not None:
        statement = statement.where(attempt.c.org_id == org_id)
    return await fetch(conn, statement)


async def correct(
    conn: AsyncConnection, row: Mapping[str, Any], change: Row, *, reason: str, made_ms: int
) -> bool:
    """Change an attempt's cost and keep what it was; False when another corrector was first.

    Args:
        conn: the unit of work.
        row: the attempt as it was read; nothing happens when it has changed since.
        change: new values of ``COST_COLUMNS``, all of them.
        reason: ``late_usage``, ``recount`` or ``reprice``.
        made_ms: Unix time in milliseconds.
    """
    revision = row["revision"] + 1
    changed = await conn.execute(
        update(attempt)
        .where(attempt.c.id == row["id"], attempt.c.revision == row["revision"])
        .values(revision=revision, **change)
    )
    if changed.rowcount != 1:
        return False
    before = {name: row[name] for name in COST_COLUMNS}
    await conn.execute(
        insert(correction).values(
            attempt_id=row["id"],
            revision=revision,
            org_id=row["org_id"],
            made_ms=made_ms,
            reason=reason,
            **before,
        )
    )
    return True


def _attributed() -> Select[Any]:
    return select(attempt, *_WHO).join(
        attribution,
        (attribution.c.org_id == attempt.c.org_id) & (attribution.c.id == attempt.c.attribution_id),
    )
