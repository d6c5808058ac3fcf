"""From the journal's records to the ledger's rows. Pure.

Text of callers and providers is cut to what the columns hold and loses NUL, which PostgreSQL does
not store; counts are cut to what the columns and the sums over them hold. A record that the
database refused would stop the shipping of everything behind it.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.storage.tables.base import ID_LENGTH
from trunkline.storage.tables.ledger import TOKEN_BUCKETS

LONGEST_TEXT = 256
LONGEST_WORD = 63
LARGEST_INTEGER = (1 << 31) - 1
LARGEST_SMALL = (1 << 15) - 1
# Nine million dollars for one attempt; a thousand such rows still have a sum of 64 bits.
LARGEST_NANO = 1 << 53

Row = dict[str, Any]

_ATTRIBUTION = (
    "team_id",
    "user_id",
    "key_id",
    "alias",
    "provider",
    "connection_id",
    "model",
    "wire",
    "operation",
)


def attribution_row(attempt: Attempt) -> Row:
    """Who called what, with an identifier that follows from it."""
    row: Row = {
        "org_id": text(attempt.org_id, ID_LENGTH),
        "team_id": text(attempt.team_id, ID_LENGTH),
        "user_id": text(attempt.user_id, ID_LENGTH),
        "key_id": text(attempt.key_id, ID_LENGTH),
        "alias": text(attempt.alias),
        "provider": text(attempt.provider),
        "connection_id": text(attempt.connection_id, LONGEST_WORD),
        "model": text(attempt.model),
        "wire": text(attempt.wire, LONGEST_WORD),
        "operation": text(attempt.operation, LONGEST_WORD),
    }
    content = msgspec.msgpack.encode([row[name] for name in _ATTRIBUTION])
    row["id"] = int.from_bytes(blake2b(content, digest_size=8).digest()) >> 1
    return row


def attempt_row(attempt: Attempt, outcome: Outcome, attribution_id: int) -> Row:
    """The row of a closed attempt."""
    served = text(outcome.served_model)
    return {
        "id": text(attempt.id, ID_LENGTH),
        "org_id": text(attempt.org_id, ID_LENGTH),
        "attribution_id": attribution_id,
        "request_id": text(attempt.request_id, ID_LENGTH),
        "client_request_id": text(attempt.client_request_id),
        "number": count(attempt.number, LARGEST_SMALL),
        "opened_ms": attempt.opened_ms,
        "closed_ms": outcome.closed_ms,
        "stream": attempt.stream,
        "reason": attempt.reason,
        "credential": text(attempt.credential, LONGEST_WORD),
        "ending": outcome.ending,
        "status": count(outcome.status, LARGEST_SMALL),
        "error_code": text(outcome.error_code, LONGEST_WORD),
        "revision": 0,
        "floor_nano": count(attempt.floor_nano, LARGEST_NANO),
        "hold_nano": count(attempt.hold_nano, LARGEST_NANO),
        "served_model": None if served == attempt.model else served,
        "service_tier": text(outcome.service_tier, LONGEST_WORD),
        "upstream_id": text(outcome.upstream_id),
        "first_byte_ms": count(outcome.first_byte_ms, LARGEST_INTEGER),
        "first_token_ms": count(outcome.first_token_ms, LARGEST_INTEGER),
        "output_bytes": outcome.output_bytes,
        "end_user": text(attempt.end_user),
        "tags": [[text(name), text(value)] for name, value in attempt.tags] or None,
        **cost_columns(outcome),
    }


def cost_columns(outcome: Outcome) -> Row:
    """What a correction can change: the cost, its state, its price and the usage."""
    return {
        "cost_state": outcome.cost_state,
        "cost_nano": count(outcome.cost_nano, LARGEST_NANO),
        "price_ref": text(outcome.price_ref),
        **{name: count(getattr(outcome.usage, name), LARGEST_INTEGER) for name in TOKEN_BUCKETS},
    }


COST_COLUMNS = ("cost_state", "cost_nano", "price_ref", *TOKEN_BUCKETS)


def tags_of(row: Mapping[str, Any]) -> list[str]:
    """The ``name=value`` texts under which an attempt is counted, each once."""
    return sorted({f"{name}={value}"[:LONGEST_TEXT] for name, value in row["tags"] or ()})


def text(value: str | None, longest: int = LONGEST_TEXT) -> str | None:
    """A text that both engines store."""
    return None if value is None else value.replace("\0", "")[:longest]


def count(value: int | None, largest: int) -> int | None:
    """A number that the column and sums over it can hold."""
    return None if value is None else max(-largest, min(value, largest))
