"""Corrections of costs: booked, told to all processes, and read by those who hear of them."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.ledger.repository.attempts import correct
from trunkline.ledger.repository.reports import Scope
from trunkline.ledger.rollups import Rollups
from trunkline.ledger.rows import Row
from trunkline.storage.changes import Change, append_change

# The kind of a change ends with the revision that the attempt has after it.
_KIND = "correction."


class CostChange(msgspec.Struct, frozen=True):
    """What one correction did to the cost of an attempt.

    Attributes:
        seq: of the change that told of it; rises in the order of the commits.
        scopes: the attempt's instance of each scope that it has one of.
        opened_ms: when the attempt was opened, Unix milliseconds.
        before_nano: what it counted as before; unpriced attempts count as nothing in sums.
        after_nano: what it cost after it, or None when nobody knows.
    """

    seq: int
    attempt_id: str
    org_id: str
    scopes: Mapping[Scope, str]
    opened_ms: int
    before_nano: int
    after_nano: int | None

    @property
    def delta_nano(self) -> int:
        """By how much sums over the ledger moved."""
        return (self.after_nano or 0) - self.before_nano


class Estimated(msgspec.Struct, frozen=True):
    """An attempt whose cost is an estimate that nobody has corrected.

    Attributes:
        scopes: the attempt's instance of each scope that it has one of.
        opened_ms: when the attempt was opened, Unix milliseconds.
        cost_nano: what it counts as; an unpriced attempt counts as nothing.
    """

    attempt_id: str
    org_id: str
    scopes: Mapping[Scope, str]
    opened_ms: int
    cost_nano: int


class Correcting:
    """Corrections inside one unit of work.

    Its state is whom it has to tell; the sums that move with the rows are the caller's.

    Args:
        conn: the unit of work.
        moved: gets the differences to the rollups; the caller adds them.
        reason: ``late_usage``, ``recount`` or ``reprice``.
        made_ms: Unix time in milliseconds.
    """

    def __init__(self, conn: AsyncConnection, moved: Rollups, *, reason: str, made_ms: int) -> None:
        self._conn = conn
        self._moved = moved
        self._reason = reason
        self._made_ms = made_ms
        self._made: list[Row] = []

    async def correct(self, row: Row, change: Row) -> bool:
        """Change the cost of an attempt, as it was read; False when another corrector was first."""
        made = await correct(self._conn, row, change, reason=self._reason, made_ms=self._made_ms)
        if made:
            self._moved.move(row, change)
            self._made.append(row)
        return made

    async def tell(self) -> None:
        """Tell all processes. The last step of the unit of work; see ``append_change``."""
        for row in self._made:
            await _tell(self._conn, row, row["revision"] + 1)


async def tell_it_stands(conn: AsyncConnection, row: Row) -> None:
    """Tell all processes that an attempt whose correction they await gets none."""
    await _tell(conn, row, row["revision"])


async def _tell(conn: AsyncConnection, row: Row, revision: int) -> None:
    await append_change(conn, row["org_id"], f"{_KIND}{revision}", row["id"])


def is_correction(change: Change) -> bool:
    """Whether a change tells of a corrected cost."""
    return change.kind.startswith(_KIND)


def cost_changes(
    changes: Sequence[Change], rows: Mapping[str, Row], before: Mapping[tuple[str, int], Row]
) -> list[CostChange]:
    """What these changes did, in their order; those of attempts that have no row are left out.

    Args:
        changes: of corrections only.
        rows: the attempts with their attribution, by identifier.
        before: the former costs, by attempt and the revision that took their place.
    """
    return [
        _cost_change(change, rows[change.id], before) for change in changes if change.id in rows
    ]


def estimated(row: Row) -> Estimated | None:
    """An attempt with its attribution; None where its cost is exact or was corrected."""
    if row["cost_state"] == "exact" or row["revision"]:
        return None
    return Estimated(
        row["id"], row["org_id"], _scopes(row), row["opened_ms"], row["cost_nano"] or 0
    )


def _cost_change(change: Change, row: Row, before: Mapping[tuple[str, int], Row]) -> CostChange:
    revision = int(change.kind.removeprefix(_KIND))
    after = before.get((change.id, revision + 1), row)["cost_nano"]
    former = before.get((change.id, revision))
    return CostChange(
        seq=change.seq,
        attempt_id=change.id,
        org_id=row["org_id"],
        scopes=_scopes(row),
        opened_ms=row["opened_ms"],
        before_nano=(after if former is None else former["cost_nano"]) or 0,
        after_nano=after,
    )


def _scopes(row: Row) -> dict[Scope, str]:
    scopes: dict[Scope, str | None] = {
        "org": row["org_id"],
        "team": row["team_id"],
        "user": row["user_id"],
        "key": row["key_id"],
        "alias": row["alias"],
    }
    return {scope: scope_id for scope, scope_id in scopes.items() if scope_id is not None}
