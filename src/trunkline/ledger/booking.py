"""Booking closes into the ledger: each attempt once, and the better of two costs.

Everything happens in one transaction, so that rows, rollups and the position in the journal agree
whatever happens in between.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.ledger.corrections import Correcting
from trunkline.ledger.records import Close
from trunkline.ledger.repository.attempts import (
    find_attempts,
    insert_attempts,
    insert_attributions,
)
from trunkline.ledger.repository.rollups import add_to_rollups
from trunkline.ledger.rollups import Rollups
from trunkline.ledger.rows import Row, attempt_row, attribution_row, cost_columns

LATE_USAGE = "late_usage"


async def book(conn: AsyncConnection, closes: Sequence[Close], now_ms: int) -> int:
    """Add the attempts that are not in the ledger yet; their number.

    A close of an attempt that is there already is a replay, unless it is exact where the ledger
    has only an estimate: then it becomes a correction.
    """
    if not closes:
        return 0
    attributions: dict[tuple[str, int], Row] = {}
    rows: dict[str, Row] = {}
    again: list[Close] = []
    for close in closes:
        who = attribution_row(close.attempt)
        attributions[who["org_id"], who["id"]] = who
        row = attempt_row(close.attempt, close.outcome, who["id"])
        if row["id"] in rows:
            again.append(close)
        else:
            rows[row["id"]] = row
    await insert_attributions(conn, list(attributions.values()))
    inserted = await insert_attempts(conn, list(rows.values()))
    changes = Rollups()
    for attempt_id in inserted:
        changes.add(rows[attempt_id])
    known = [close for close in closes if close.attempt.id not in inserted]
    better = Correcting(conn, changes, reason=LATE_USAGE, made_ms=now_ms)
    await _improve(conn, [*known, *again], better)
    await add_to_rollups(conn, changes)
    await better.tell()
    return len(inserted)


async def _improve(conn: AsyncConnection, closes: Sequence[Close], better: Correcting) -> None:
    """Let exact costs take the place of estimated and unknown ones."""
    exact = {c.attempt.id: c.outcome for c in closes if c.outcome.cost_state == "exact"}
    if not exact:
        return
    for attempt_id, row in (await find_attempts(conn, exact)).items():
        if row["cost_state"] == "exact":
            continue
        await better.correct(row, cost_columns(exact[attempt_id]))
