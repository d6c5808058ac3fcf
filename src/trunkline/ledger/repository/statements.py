"""What the statements of this folder have in common."""

from typing import Any

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.ledger.rows import Row


def insert_into(conn: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what happens on a conflict, for the engine of the connection.

    Both engines spell it alike; only the imports differ.
    """
    if conn.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


async def fetch(conn: AsyncConnection, statement: Executable) -> list[Row]:
    """All rows of a query, by the names of its columns."""
    return [_row(mapping) for mapping in (await conn.execute(statement)).mappings()]


def _row(mapping: Any) -> Row:
    return {str(name): value for name, value in mapping.items()}
