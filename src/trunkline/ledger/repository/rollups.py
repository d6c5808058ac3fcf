"""Writing the rollups, and comparing them with the attempts that they sum up."""

from sqlalchemy import Select, Table, case, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.ledger.repository.statements import fetch, insert_into
from trunkline.ledger.rollups import LENGTHS, Grain, Rollups
from trunkline.ledger.rows import Row
from trunkline.storage.tables.ledger import (
    MEASURES,
    TOKEN_BUCKETS,
    attempt,
    tag_rollup,
    usage_rollup,
)


async def add_to_rollups(conn: AsyncConnection, changes: Rollups) -> None:
    """Count changes in."""
    await _add(conn, usage_rollup, changes.usage_rows())
    await _add(conn, tag_rollup, changes.tag_rows())


async def _add(conn: AsyncConnection, table: Table, rows: list[Row]) -> None:
    if not rows:
        return
    statement = insert_into(conn, table)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=[column.name for column in table.primary_key],
            set_={name: table.c[name] + statement.excluded[name] for name in MEASURES},
        ),
        rows,
    )


async def find_differences(
    conn: AsyncConnection, grain: Grain, since_ms: int, until_ms: int
) -> list[Row]:
    """Attempts minus rollups wherever that is not zero, between two starts of the grain.

    One statement, so that both sides are seen at one moment while rows keep coming.
    """
    both = union_all(
        _from_attempts(grain, since_ms, until_ms), _from_rollups(grain, since_ms, until_ms)
    ).subquery()
    sums = [func.sum(both.c[name]).label(name) for name in MEASURES]
    keys = [both.c.org_id, both.c.start_ms, both.c.attribution_id]
    wrong = select(*keys, *sums).group_by(*keys).subquery()
    differs = [wrong.c[name] != 0 for name in MEASURES]
    condition = differs[0]
    for other in differs[1:]:
        condition |= other
    return await fetch(conn, select(wrong).where(condition))


def _from_attempts(grain: Grain, since_ms: int, until_ms: int) -> Select[tuple[int, ...]]:
    row, length = attempt.c, LENGTHS[grain]
    exact, estimated = row.cost_state == "exact", row.cost_state == "estimated"
    nano = func.coalesce(row.cost_nano, 0)
    measures = {
        "attempts": literal(1),
        "requests": case((row.number == 1, 1), else_=0),
        "failures": case((row.ending != "completed", 1), else_=0),
        "estimated_attempts": case((estimated, 1), else_=0),
        "unpriced_attempts": case((row.cost_state == "unpriced", 1), else_=0),
        "exact_nano": case((exact, nano), else_=0),
        "estimated_nano": case((estimated, nano), else_=0),
        **{bucket: row[bucket] for bucket in TOKEN_BUCKETS},
    }
    return select(
        row.org_id,
        (row.opened_ms - row.opened_ms % length).label("start_ms"),
        row.attribution_id,
        *(measures[name].label(name) for name in MEASURES),
    ).where(row.opened_ms >= since_ms, row.opened_ms < until_ms)


def _from_rollups(grain: Grain, since_ms: int, until_ms: int) -> Select[tuple[int, ...]]:
    row = usage_rollup.c
    return select(
        row.org_id,
        row.start_ms,
        row.attribution_id,
        *((-row[name]).label(name) for name in MEASURES),
    ).where(row.grain == grain, row.start_ms >= since_ms, row.start_ms < until_ms)
