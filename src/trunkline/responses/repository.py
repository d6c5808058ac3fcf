"""SQL of the kept responses and of their items."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, and_, delete, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.storage.tables.responses import kept_item as items
from trunkline.storage.tables.responses import kept_response as responses

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]

RUNNING: tuple[Status, ...] = ("queued", "in_progress")
PURGE_BATCH = 100  # Rows of up to some megabytes that one unit of work removes.


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One kept response.

    Attributes:
        key_id: of the request that it answers.
        user_id: of the person behind that key, if any.
        model: as the caller named it.
        owner: the run of the process that it is made by, for one in the background.
        input: JSON array of the items that led to it; None where they were too large.
        response: JSON object; None where it was too large.
    """

    org_id: str
    id: str
    key_id: str
    user_id: str | None
    model: str
    status: Status
    background: bool = False
    owner: str | None = None
    input: bytes | None
    response: bytes | None
    created_ms: int
    expires_ms: int


async def insert(conn: AsyncConnection, kept: Kept) -> bool:
    """Keep a response; false where there is one of this id, which stays as it is."""
    inserted = await conn.execute(_INSERT, msgspec.structs.asdict(kept))
    return inserted.rowcount == 1


# Both engines read these sentences; SQLAlchemy has them per engine only.
_INSERT = text(
    "INSERT INTO kept_response (org_id, id, key_id, user_id, model, status, background, owner, "
    "input, response, created_ms, expires_ms) VALUES (:org_id, :id, :key_id, :user_id, :model, "
    ":status, :background, :owner, :input, :response, :created_ms, :expires_ms) "
    "ON CONFLICT DO NOTHING"
)
_INSERT_ITEM = text(
    "INSERT INTO kept_item (org_id, id, response_id, expires_ms) VALUES (:org_id, :id, "
    ":response_id, :expires_ms) ON CONFLICT DO NOTHING"
)


async def insert_items(conn: AsyncConnection, kept: Kept, item_ids: Iterable[str]) -> None:
    """Have the items of a response's output found by their ids."""
    rows = [
        {
            "org_id": kept.org_id,
            "id": item_id,
            "response_id": kept.id,
            "expires_ms": kept.expires_ms,
        }
        for item_id in item_ids
    ]
    if rows:
        await conn.execute(_INSERT_ITEM, rows)


async def find(conn: AsyncConnection, org_id: str, response_id: str, now_ms: int) -> Kept | None:
    """The response of this id, unless its time is over."""
    wanted = select(responses).where(_is(org_id, response_id), responses.c.expires_ms > now_ms)
    row = (await conn.execute(wanted)).mappings().first()
    return None if row is None else Kept(**row)


async def find_by_items(
    conn: AsyncConnection, org_id: str, item_ids: tuple[str, ...], now_ms: int
) -> list[Kept]:
    """The responses that have one of these items in their output."""
    rows = await conn.execute(
        select(responses)
        .where(
            responses.c.org_id == org_id,
            responses.c.expires_ms > now_ms,
            responses.c.id.in_(
                select(items.c.response_id).where(
                    items.c.org_id == org_id, items.c.id.in_(item_ids)
                )
            ),
        )
        .order_by(responses.c.created_ms)
    )
    return [Kept(**row) for row in rows.mappings()]


async def end(
    conn: AsyncConnection, org_id: str, response_id: str, status: Status, response: bytes | None
) -> bool:
    """Give a running response its end; false where it is over or gone."""
    ended = await conn.execute(
        update(responses)
        .where(_is(org_id, response_id), responses.c.status.in_(RUNNING))
        .values(status=status, response=response, owner=None)
    )
    return ended.rowcount == 1


async def remove(conn: AsyncConnection, org_id: str, response_id: str) -> None:
    """Forget a response and its items."""
    await conn.execute(
        delete(items).where(items.c.org_id == org_id, items.c.response_id == response_id)
    )
    await conn.execute(delete(responses).where(_is(org_id, response_id)))


async def purge(conn: AsyncConnection, now_ms: int) -> int:
    """Remove some of what has expired; how many rows."""
    removed = 0
    for table in (items, responses):
        place = tuple(table.primary_key.columns)
        expired = select(*place).where(table.c.expires_ms <= now_ms).limit(PURGE_BATCH)
        removed += (await conn.execute(delete(table).where(tuple_(*place).in_(expired)))).rowcount
    return removed


def _is(org_id: str, response_id: str) -> ColumnElement[bool]:
    return and_(responses.c.org_id == org_id, responses.c.id == response_id)
