"""Row security: a transaction sees the rows of its organisation and no others.

On PostgreSQL ``trunkline_app`` sees the rows whose column equals the setting ``trunkline.org_id``;
without the setting it sees none. ``trunkline_system`` serves the named system paths and sees all
rows. The owner of the tables sees nothing while security is forced, so a migration that moves
rows does it under ``SET LOCAL ROLE trunkline_system``.

SQLite has no roles. There the same rules are kept in the table ``row_rule``, and each connection
that reads for an organisation puts a view of that rule in front of the table; see
``storage.sqlite_tenant``. Writing is not bound there, so statements that write name the
organisation themselves, as they do anyway.
"""

from alembic import op
from sqlalchemy import Column, String, text

from trunkline.storage.roles import APP_ROLE, SYSTEM_ROLE

TENANT = "current_setting('trunkline.org_id', true)"
# Said again in the policy, because a policy binds members of its role too, and the owner is one.
AS_SYSTEM = f"(SELECT current_user) = '{SYSTEM_ROLE}'"


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
    if op.get_bind().dialect.name == "sqlite":
        op.get_bind().execute(
            text("INSERT OR REPLACE INTO row_rule VALUES (:name, :rule)"),
            {"name": table, "rule": condition},
        )
        return
    grant_access(table)
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
    rule = condition.format(tenant=TENANT)
    op.execute(
        f'CREATE POLICY tenant ON "{table}" TO {APP_ROLE} USING ({rule}) WITH CHECK ({rule})'
    )
    op.execute(
        f'CREATE POLICY system ON "{table}" TO {SYSTEM_ROLE} '
        f"USING ({AS_SYSTEM}) WITH CHECK ({AS_SYSTEM})"
    )


def lift_row_security(table: str) -> None:
    """Take the rules of a table away, for one that stands in the way of dropping another."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f'DROP POLICY tenant ON "{table}"')
        op.execute(f'DROP POLICY system ON "{table}"')


def drop_row_rules() -> None:
    """Undo ``create_row_rules``."""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_table("row_rule")


def create_row_rules() -> None:
    """Make the table that keeps the rules where the engine cannot. For the first migration."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_table(
            "row_rule",
            Column("name", String(63), primary_key=True),
            Column("rule", String, nullable=False),
        )


def grant_access(table: str, *roles: str) -> None:
    """Let the roles, by default both, read and write a table. For migrations."""
    if op.get_bind().dialect.name != "postgresql":
        return
    grantees = ", ".join(roles or (APP_ROLE, SYSTEM_ROLE))
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON "{table}" TO {grantees}')
