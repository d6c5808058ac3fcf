"""How far each segment of the journal has come into the ledger."""

from collections.abc import Collection

from sqlalchemy import case, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.ledger.repository.statements import insert_into
from trunkline.storage.tables.ledger import journal_position


async def find_positions(
    conn: AsyncConnection, segments: Collection[str]
) -> dict[str, tuple[int, int]]:
    """(position, damaged bytes before it) of those segments that were ever read."""
    table = journal_position
    statement = select(table.c.segment, table.c.position, table.c.damaged).where(
        table.c.segment.in_(list(segments))
    )
    return {row.segment: (row.position, row.damaged) for row in await conn.execute(statement)}


async def move_position(
    conn: AsyncConnection, *, segment: str, slot: int, position: int, damaged: int, moved_ms: int
) -> None:
    """Remember a position, in the transaction of the rows before it; it never goes back."""
    statement = insert_into(conn, journal_position).values(
        segment=segment, slot=slot, position=position, damaged=damaged, moved_ms=moved_ms
    )
    new, old = statement.excluded, journal_position.c
    further = new.position > old.position
    names = ("position", "damaged", "moved_ms")
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=["segment"],
            set_={name: case((further, new[name]), else_=old[name]) for name in names},
        )
    )


async def forget_position(conn: AsyncConnection, segment: str) -> None:
    """Forget a segment that has been removed."""
    await conn.execute(delete(journal_position).where(journal_position.c.segment == segment))
