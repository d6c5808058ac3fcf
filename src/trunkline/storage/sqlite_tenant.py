"""The row security of SQLite: views that show a connection the rows of its organisation only.

A temporary view hides the table of the same name, so that every statement of a reading connection
goes through it, whoever wrote the statement. The organisation is asked for once per statement,
through a function of the connection, and the view is folded into the query, so that indexes serve.
"""

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection

_INFO = "trunkline_tenant"
_TENANT = "(SELECT trunkline_org())"


class _Tenant:
    """The organisation of the transaction that a connection is in, None between transactions."""

    def __init__(self) -> None:
        self.org_id: str | None = None

    def read(self) -> str | None:
        return self.org_id


def show_one_tenant(engine: Engine) -> None:
    """Put the views of all rules in front of their tables, on each connection of the engine."""

    def connected(dbapi_connection: Any, record: Any) -> None:
        tenant = _Tenant()
        record.info[_INFO] = tenant
        dbapi_connection.create_function("trunkline_org", 0, tenant.read)
        cursor = dbapi_connection.cursor()
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'row_rule'")
        if cursor.fetchone() is not None:
            cursor.execute("SELECT name, rule FROM row_rule")
            for table, rule in cursor.fetchall():
                condition = rule.format(tenant=_TENANT)
                cursor.execute(
                    f'CREATE TEMP VIEW "{table}" AS SELECT * FROM main."{table}" WHERE {condition}'  # noqa: S608 - both come from our own migrations.
                )
        cursor.close()

    event.listen(engine, "connect", connected)


def enter_tenant(connection: AsyncConnection, org_id: str) -> None:
    """Show the rows of this organisation until the next call."""
    tenant: _Tenant = connection.sync_connection.info[_INFO]  # type: ignore[union-attr]  # An open connection has its synchronous side.
    tenant.org_id = org_id
