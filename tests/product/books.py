"""Two books of the same calls: our ledger, and what the simulator saw and would charge."""

from collections.abc import Iterable, Sequence
from typing import Any

from trunkline.ledger.repository.attempts import page_of_attempts
from trunkline.ledger.rows import Row
from trunkline.simulator.ledger import SeenAttempt
from trunkline.storage.engine import Database

FOR_EVER = 2**62
MOST_ROWS = 1_000_000


async def ledger_rows(database: Database) -> list[Row]:
    """All attempts of all organisations, oldest first."""
    async with database.read(None) as conn:
        return await page_of_attempts(
            conn, since_ms=0, until_ms=FOR_EVER, after=(0, ""), org_id=None, size=MOST_ROWS
        )


def uncounted(rows: Iterable[Row]) -> list[Row]:
    """Rows of whole answers without a usage: their holds stay until their tokens are counted."""
    return [row for row in rows if (row["ending"], row["cost_state"]) == ("completed", "estimated")]


def spent(rows: Iterable[Row]) -> int:
    """Nano-dollars that these rows took from a budget."""
    return sum(row["cost_nano"] or 0 for row in rows)


def disagreements(rows: Sequence[Row], seen: Iterable[SeenAttempt]) -> list[str]:
    """Where the ledger contradicts what the simulator saw; nothing when the money is right.

    Every attempt that was seen has exactly one row. A row called exact is the simulator's bill to
    the nano-dollar; any other is estimated, between the input alone and the hold.
    """
    found = []
    by_id: dict[str, Row] = {}
    for row in rows:
        if row["id"] in by_id:
            found.append(f"{row['id']} has two rows")
        by_id[row["id"]] = row
    met = set()
    for attempt in seen:
        reference = attempt.reference
        if reference is None or reference not in by_id:
            found.append(f"{reference} was seen and has no row")
        elif reference in met:
            found.append(f"{reference} was sent twice")
        else:
            met.add(reference)
            found += _contradictions(by_id[reference], attempt)
    for identifier in by_id.keys() - met:
        found += _unseen(by_id[identifier])
    return found


def _contradictions(row: Row, seen: SeenAttempt) -> list[str]:
    name = f"{row['id']} ({row['ending']}, {seen.fault or 'no fault'})"
    cost = row["cost_nano"]
    if row["cost_state"] == "exact":
        if cost == seen.bill_nano:
            return []
        return [f"{name} costs exactly {cost} and the bill says {seen.bill_nano}"]
    if row["cost_state"] != "estimated":
        return [f"{name} is {row['cost_state']}"]
    found = []
    least = min(row["floor_nano"], seen.input_only_nano)
    if not least <= cost <= row["hold_nano"]:
        found.append(f"{name} is estimated at {cost}, not in {least}..{row['hold_nano']}")
    if seen.bill_nano > row["hold_nano"]:
        found.append(f"{name} may be billed {seen.bill_nano}, above its hold {row['hold_nano']}")
    return found


def _unseen(row: Row) -> list[str]:
    """The provider never got the whole request; at worst it charges the input."""
    if row["cost_state"] == "exact" and row["cost_nano"] == 0:
        return []
    if row["cost_state"] == "estimated" and 0 <= row["cost_nano"] <= row["hold_nano"]:
        return []
    return [f"{row['id']} was never seen and is {row['cost_state']} {row['cost_nano']}"]


def row_summary(row: Row) -> dict[str, Any]:
    """The columns of a row that people look at first."""
    names = ("ending", "cost_state", "cost_nano", "floor_nano", "hold_nano", "error_code")
    return {name: row[name] for name in names}
