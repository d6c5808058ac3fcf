"""Row security on PostgreSQL: a transaction sees the rows of its organisation and no others.

``trunkline_app`` sees the rows whose column equals the setting ``trunkline.org_id``; without the
setting it sees none. ``trunkline_system`` serves the named system paths and sees all rows. The
owner of the tables is neither, and sees nothing while security is forced. SQLite has no roles; the
same migrations do nothing there.
"""

from alembic import op

from trunkline.storage.roles import APP_ROLE, SYSTEM_ROLE

TENANT = "current_setting('trunkline.org_id', true)"


def enable_row_security(table: str, *, column: str = "org_id") -> None:
    """Grant a table to both roles and force row security on it. For migrations.

    Args:
        table: its name.
        column: the column that holds the organisation.
    """
    restrict_rows(table, f'"{column}" = {{tenant}}')


def restrict_rows(table: str, condition: str) -> None:
    """As ``enable_row_security``, for a table whose rows are told apart in another way.

    Args:
        table: its name.
        condition: in SQL, with ``{tenant}`` where the organisation of the transaction stands.
    """
    if op.get_bind().dialect.name != "postgresql":
        return
    grant_access(table)
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    rule = condition.format(tenant=TENANT)
    op.execute(
        f'CREATE POLICY tenant ON "{table}" TO {APP_ROLE} USING ({rule}) WITH CHECK ({rule})'
    )
    op.execute(f'CREATE POLICY system ON "{table}" TO {SYSTEM_ROLE} USING (true) WITH CHECK (true)')


def grant_access(table: str, *roles: str) -> None:
    """Let the roles, by default both, read and write a table. For migrations."""
    if op.get_bind().dialect.name != "postgresql":
        return
    grantees = ", ".join(roles or (APP_ROLE, SYSTEM_ROLE))
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {grantees}')
