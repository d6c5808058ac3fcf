"""SQL of keys."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import asdict
from sqlalchemy import ColumnElement, RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.identity.records import Key, StoredKey
from trunkline.storage.tables.identity import api_key, organisation

_KEY_COLUMNS = [api_key.c[name] for name in Key.__struct_fields__]


async def add_key(conn: AsyncConnection, key: Key, digest: bytes) -> None:
    """Insert a key."""
    await conn.execute(insert(api_key).values(**asdict(key), digest=digest))


async def change_key(conn: AsyncConnection, key: Key) -> None:
    """Write all columns of a key that is there."""
    await conn.execute(
        update(api_key)
        .where(api_key.c.org_id == key.org_id, api_key.c.id == key.id)
        .values(**asdict(key))
    )


async def keys_of(conn: AsyncConnection, org_id: str) -> list[Key]:
    """All keys of an organisation, oldest first, revoked ones included."""
    query = select(*_KEY_COLUMNS).where(api_key.c.org_id == org_id).order_by(api_key.c.id)
    return [_key(row) for row in (await conn.execute(query)).mappings()]


async def key_by_handle(conn: AsyncConnection, org_id: str, handle: str) -> Key | None:
    """The key of this identifier or public id in an organisation."""
    query = select(*_KEY_COLUMNS).where(
        api_key.c.org_id == org_id, (api_key.c.id == handle) | (api_key.c.public_id == handle)
    )
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else _key(row)


async def live_keys_by_name(conn: AsyncConnection, org_id: str, name: str) -> list[Key]:
    """The keys of this name that are not revoked, oldest first."""
    query = (
        select(*_KEY_COLUMNS)
        .where(api_key.c.org_id == org_id, api_key.c.name == name, api_key.c.revoked_ms.is_(None))
        .order_by(api_key.c.id)
    )
    return [_key(row) for row in (await conn.execute(query)).mappings()]


async def stored_keys(
    conn: AsyncConnection,
    *,
    ids: Sequence[str] | None = None,
    org_ids: Sequence[str] | None = None,
    public_id: str | None = None,
) -> list[StoredKey]:
    """Keys with their digests, of all organisations unless narrowed. For system paths."""
    conditions: list[ColumnElement[bool]] = []
    if ids is not None:
        conditions.append(api_key.c.id.in_(ids))
    if org_ids is not None:
        conditions.append(api_key.c.org_id.in_(org_ids))
    if public_id is not None:
        conditions.append(api_key.c.public_id == public_id)
    rows = await conn.execute(
        select(*_KEY_COLUMNS, api_key.c.digest, organisation.c.tier.label("org_tier"))
        .join_from(api_key, organisation, api_key.c.org_id == organisation.c.id)
        .where(*conditions)
    )
    return [StoredKey(_key(row), row["digest"], row["org_tier"]) for row in rows.mappings()]


def _key(row: RowMapping) -> Key:
    return msgspec.convert({name: row[name] for name in Key.__struct_fields__}, Key)
