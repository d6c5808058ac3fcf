"""Answers what a past request used and cost, from the ledger and from what is on its way there."""

from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import Generations
from trunkline.kit.money import format_usd
from trunkline.ledger.journal import Journal
from trunkline.ledger.repository.attempts import find_request
from trunkline.ledger.rows import Row, attempt_row, attribution_row
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import TOKEN_BUCKETS

# A request is known no better than the least known of its attempts.
_LEAST_KNOWN_FIRST = ("unpriced", "estimated", "exact")


class LedgerGenerations(Generations):
    """Looks in the ledger and in the journal's newest closes; has no state of its own."""

    def __init__(self, database: Database, journal: Journal | None = None) -> None:
        self._database = database
        self._journal = journal

    @override
    async def find(self, caller: Caller, request_id: str) -> dict[str, object] | None:
        if not (request_id.isascii() and request_id.isprintable()):
            return None
        async with self._database.read(caller.org_id) as conn:
            shipped = await find_request(conn, caller.org_id, request_id)
        rows = {row["id"]: row for row in self._recent(caller.org_id, request_id)}
        # A row of the ledger may have been corrected since it was closed.
        rows |= {row["id"]: row for row in shipped}
        ordered = sorted(rows.values(), key=lambda row: row["number"])
        return generation_json(ordered) if ordered else None

    def _recent(self, org_id: str, request_id: str) -> list[Row]:
        if self._journal is None:
            return []
        rows = []
        for attempt, outcome in self._journal.recent(request_id):
            who = attribution_row(attempt)
            if who["org_id"] == org_id:
                rows.append({**who, **attempt_row(attempt, outcome, who["id"])})
        return rows


def generation_json(rows: list[Row]) -> dict[str, object]:
    """The object of one request from its attempts, in their order. Times are in milliseconds."""
    first, answered = rows[0], _answered(rows)
    states = {row["cost_state"] for row in rows}
    state = next(name for name in _LEAST_KNOWN_FIRST if name in states)
    costs = [row["cost_nano"] for row in rows]
    return {
        "object": "generation",
        "id": first["request_id"],
        "client_request_id": first["client_request_id"],
        "created_at": _iso(first["opened_ms"]),
        "model": answered["alias"],
        "provider": answered["provider"],
        "operation": answered["operation"],
        "streamed": answered["stream"],
        "usage": {name: sum(row[name] for row in rows) for name in TOKEN_BUCKETS},
        # Unknown is not zero: with one attempt unpriced there is no total.
        "total_cost": None if None in costs else format_usd(sum(costs)),
        "cost_state": state,
        "currency": "USD",
        "latency_ms": answered["closed_ms"] - first["opened_ms"],
        "ttft_ms": _since_begin(first, answered, answered["first_token_ms"]),
        "end_user": first["end_user"],
        "tags": dict(first["tags"] or []),
        "attempts": [_attempt_json(row) for row in rows],
    }


def _answered(rows: list[Row]) -> Row:
    """The attempt whose answer the caller got: the one that came to its end, or else the last.

    Of two side by side the first may win, and another one is then superseded after it.
    """
    whole = [row for row in rows if row["ending"] == "completed"]
    return (whole or rows)[-1]


def _attempt_json(row: Row) -> dict[str, Any]:
    cost = row["cost_nano"]
    return {
        "id": row["id"],
        "number": row["number"],
        "reason": row["reason"],
        "created_at": _iso(row["opened_ms"]),
        "provider": row["provider"],
        "model": row["model"],
        "served_model": row["served_model"] or row["model"],
        "service_tier": row["service_tier"],
        "upstream_id": row["upstream_id"],
        "ending": row["ending"],
        "status": row["status"],
        "error_code": row["error_code"],
        "cost": None if cost is None else format_usd(cost),
        "cost_state": row["cost_state"],
        "price_ref": row["price_ref"],
        "usage": {name: row[name] for name in TOKEN_BUCKETS if row[name]},
        "latency_ms": row["closed_ms"] - row["opened_ms"],
        "first_byte_ms": row["first_byte_ms"],
        "first_token_ms": row["first_token_ms"],
    }


def _since_begin(first: Row, answered: Row, after_open_ms: int | None) -> int | None:
    if after_open_ms is None:
        return None
    return int(answered["opened_ms"] - first["opened_ms"] + after_open_ms)


def _iso(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
