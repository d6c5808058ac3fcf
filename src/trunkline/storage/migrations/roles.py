"""Make the two roles of PostgreSQL, where the migrating user may."""

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from trunkline.errors import Unavailable
from trunkline.storage.roles import APP_ROLE, SYSTEM_ROLE

# Roles belong to the whole server, so another database's migration may make them at the same time.
_CREATE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN
    CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""

_JOIN = """
DO $$ BEGIN
  IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
    EXECUTE format('GRANT {role} TO %I', current_user);
  END IF;
EXCEPTION WHEN unique_violation THEN NULL;
END $$
"""


def create_roles() -> None:
    """Make ``trunkline_app`` and ``trunkline_system`` and become a member of both.

    Raises:
        Unavailable: the user may not; the message has the statements for an administrator.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for role in (APP_ROLE, SYSTEM_ROLE):
        for statement in (_CREATE, _JOIN):
            try:
                connection.execute(text(statement.format(role=role)))
            except DBAPIError as error:
                user = connection.engine.url.username
                raise Unavailable(
                    "The database user may not make roles. Let an administrator run: "
                    f"CREATE ROLE {APP_ROLE}; CREATE ROLE {SYSTEM_ROLE}; "
                    f'GRANT {APP_ROLE}, {SYSTEM_ROLE} TO "{user}"',
                    code="database_roles_missing",
                ) from error
