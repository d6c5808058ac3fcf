"""Sums over the ledger."""

from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.ledger.repository.statements import fetch
from trunkline.ledger.rollups import DAY_MS, Grain
from trunkline.ledger.rows import Row
from trunkline.storage.tables.ledger import (
    MEASURES,
    attempt,
    attribution,
    tag_rollup,
    usage_rollup,
)

Scope = Literal["org", "team", "user", "key", "alias"]
Dimension = Literal[
    "hour", "day", "org", "team", "user", "key", "alias", "provider", "model", "tag"
]

_SCOPES = {
    "team": attribution.c.team_id,
    "user": attribution.c.user_id,
    "key": attribution.c.key_id,
    "alias": attribution.c.alias,
}
_SPENT = usage_rollup.c.exact_nano + usage_rollup.c.estimated_nano


class Whose(msgspec.Struct, frozen=True):
    """Whose attempts are summed: a whole organisation's, or those of one part of it.

    Attributes:
        org_id: None for all organisations, on the system path only.
        scope_id: nothing for a whole organisation.
    """

    org_id: str | None
    scope: Scope = "org"
    scope_id: str = ""


class Period(msgspec.Struct, frozen=True):
    """Whole hours or days.

    Attributes:
        until_ms: exclusive; None for no end.
    """

    grain: Grain
    since_ms: int
    until_ms: int | None = None


async def sum_of_attempts(
    conn: AsyncConnection, whose: Whose, since_ms: int, until_ms: int
) -> tuple[int, int]:
    """(nano-dollars, requests) of the attempts opened in a period, from their rows."""
    row = attempt.c
    statement = select(
        func.coalesce(func.sum(row.cost_nano), 0),
        func.count().filter(row.number == 1),
    ).where(
        row.opened_ms >= since_ms,
        row.opened_ms < until_ms,
        *_belonging(row.org_id, row.attribution_id, whose),
    )
    nano, requests = (await conn.execute(statement)).one()
    return int(nano), int(requests)


async def sum_of_rollups(conn: AsyncConnection, whose: Whose, period: Period) -> tuple[int, int]:
    """(nano-dollars, requests) of whole hours or days."""
    row = usage_rollup.c
    statement = select(
        func.coalesce(func.sum(_SPENT), 0), func.coalesce(func.sum(row.requests), 0)
    ).where(*_in(period, usage_rollup), *_belonging(row.org_id, row.attribution_id, whose))
    nano, requests = (await conn.execute(statement)).one()
    return int(nano), int(requests)


async def usage_by(conn: AsyncConnection, whose: Whose, period: Period, by: Dimension) -> list[Row]:
    """Measures of a period by any dimension but the tag, from the rollups only."""
    row = usage_rollup.c
    who = (attribution.c.org_id == row.org_id) & (attribution.c.id == row.attribution_id)
    statement = (
        select(_group(by).label("name"), *_sums(usage_rollup))
        .join(attribution, who)
        .where(*_in(period, usage_rollup), *_belonging(row.org_id, row.attribution_id, whose))
        .group_by("name")
    )
    return await fetch(conn, statement)


async def usage_by_tag(conn: AsyncConnection, org_id: str | None, period: Period) -> list[Row]:
    """Measures of a period by tag; an attempt with several tags counts under each."""
    row = tag_rollup.c
    statement = (
        select(row.tag.label("name"), *_sums(tag_rollup))
        .where(*_in(period, tag_rollup))
        .group_by(row.tag)
    )
    if org_id is not None:
        statement = statement.where(row.org_id == org_id)
    return await fetch(conn, statement)


def _group(by: Dimension) -> ColumnElement[Any]:
    who, start = attribution.c, usage_rollup.c.start_ms
    match by:
        case "hour":
            return start
        case "day":
            return start - start % DAY_MS
        case "provider":
            return who.provider
        case "model":
            return who.provider + "/" + who.model
        case "team" | "user" | "key" | "alias":
            return _SCOPES[by]
        case _:
            return who.org_id


def _sums(table: Table) -> list[ColumnElement[Any]]:
    return [func.sum(table.c[name]).label(name) for name in MEASURES]


def _in(period: Period, table: Table) -> list[ColumnElement[bool]]:
    conditions = [table.c.grain == period.grain, table.c.start_ms >= period.since_ms]
    if period.until_ms is not None:
        conditions.append(table.c.start_ms < period.until_ms)
    return conditions


def _belonging(
    org_id: ColumnElement[str], attribution_id: ColumnElement[int], whose: Whose
) -> list[ColumnElement[bool]]:
    if whose.org_id is None:
        return []
    conditions = [org_id == whose.org_id]
    if whose.scope != "org":
        theirs = select(attribution.c.id).where(
            attribution.c.org_id == whose.org_id, _SCOPES[whose.scope] == whose.scope_id
        )
        conditions.append(attribution_id.in_(theirs))
    return conditions
