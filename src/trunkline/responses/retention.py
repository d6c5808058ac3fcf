"""Removing responses whose time is over."""

from trunkline.responses import repository
from trunkline.storage.engine import Database


async def remove_expired(database: Database, now_ms: int) -> int:
    """Remove what has expired, some rows in each unit of work; how many rows it were."""
    total = 0
    while True:
        async with database.write(None) as conn:
            removed = await repository.purge(conn, now_ms)
        total += removed
        if removed == 0:
            return total
