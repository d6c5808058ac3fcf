"""SQL of the answers that are kept for repeats."""

from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, and_, delete, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.gateway.ports import StoredAnswer
from trunkline.storage.tables.repeats import idempotent_answer as answers

State = Literal["running", "done", "too_large"]

PURGE_BATCH = 200  # Rows of up to 1 MB that one unit of work removes.

_PLACE = (answers.c.org_id, answers.c.key_id, answers.c.idempotency_key)


class Place(msgspec.Struct, frozen=True):
    """Which repeat it is about: the key of the client's choice, per credential."""

    org_id: str
    key_id: str
    idempotency_key: str


class Claim(msgspec.Struct, frozen=True):
    """What the first request leaves when it takes a key.

    Attributes:
        fingerprint: the same for the same request.
        owner: the run of the process that serves it.
    """

    fingerprint: bytes
    owner: str
    created_ms: int
    expires_ms: int


class Kept(msgspec.Struct, frozen=True):
    """A claim and what has become of it; the answer is there when ``done``."""

    claim: Claim
    state: State
    answer: StoredAnswer | None


async def claim(conn: AsyncConnection, place: Place, claim: Claim) -> bool:
    """Take the key if it is free or its time is over; true for exactly one of several at once."""
    values = {
        "org_id": place.org_id,
        "key_id": place.key_id,
        "idempotency_key": place.idempotency_key,
        "fingerprint": claim.fingerprint,
        "owner": claim.owner,
        "created_ms": claim.created_ms,
        "expires_ms": claim.expires_ms,
    }
    inserted = await conn.execute(_INSERT, values)
    if inserted.rowcount == 1:
        return True
    taken = await conn.execute(
        update(answers)
        .where(_is(place), answers.c.expires_ms <= claim.created_ms)
        .values(**values, state="running", status=None, headers=None, body=None)
    )
    return taken.rowcount == 1


# Both engines read this sentence; SQLAlchemy has it per engine only.
_INSERT = text(
    "INSERT INTO idempotent_answer (org_id, key_id, idempotency_key, fingerprint, state, owner, "
    "created_ms, expires_ms) VALUES (:org_id, :key_id, :idempotency_key, :fingerprint, 'running', "
    ":owner, :created_ms, :expires_ms) ON CONFLICT DO NOTHING"
)


async def find(conn: AsyncConnection, place: Place) -> Kept | None:
    """What is kept under a key."""
    row = (await conn.execute(select(answers).where(_is(place)))).first()
    if row is None:
        return None
    answer = None
    if row.state == "done":
        headers = msgspec.msgpack.decode(row.headers, type=tuple[tuple[bytes, bytes], ...])
        answer = StoredAnswer(row.status, headers, row.body)
    claimed = Claim(row.fingerprint, row.owner, row.created_ms, row.expires_ms)
    return Kept(claimed, row.state, answer)


async def keep(conn: AsyncConnection, place: Place, owner: str, answer: StoredAnswer) -> None:
    """Store the answer of the request that took the key."""
    await conn.execute(
        update(answers)
        .where(_is(place), answers.c.owner == owner)
        .values(
            state="done",
            status=answer.status,
            headers=msgspec.msgpack.encode(answer.headers),
            body=answer.body,
        )
    )


async def keep_that_it_was_too_large(conn: AsyncConnection, place: Place, owner: str) -> None:
    """Store that there was an answer."""
    await conn.execute(
        update(answers).where(_is(place), answers.c.owner == owner).values(state="too_large")
    )


async def give_back(conn: AsyncConnection, place: Place, owner: str) -> None:
    """Free the key for the next request."""
    await conn.execute(delete(answers).where(_is(place), answers.c.owner == owner))


async def purge(conn: AsyncConnection, now_ms: int) -> int:
    """Remove some of what has expired; how many rows."""
    expired = select(*_PLACE).where(answers.c.expires_ms <= now_ms).limit(PURGE_BATCH)
    removed = await conn.execute(delete(answers).where(tuple_(*_PLACE).in_(expired)))
    return removed.rowcount


def _is(place: Place) -> ColumnElement[bool]:
    return and_(
        answers.c.org_id == place.org_id,
        answers.c.key_id == place.key_id,
        answers.c.idempotency_key == place.idempotency_key,
    )
