"""Roles, the log of changes, organisations, teams, users and keys."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.migrations.roles import create_roles
from trunkline.storage.rls import (
    create_row_rules,
    drop_row_rules,
    enable_row_security,
    lift_row_security,
    restrict_rows,
)
from trunkline.storage.tables.base import (
    id_column,
    json_column,
    org_column,
    reference_column,
    sequence_type,
    timestamp_column,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    create_roles()
    create_row_rules()
    _create_change()
    _create_organisations()
    _create_people()
    _create_keys()
    enable_row_security("change")
    enable_row_security("organisation", column="id")
    for table in ("team", "member", "api_key"):
        enable_row_security(table)
    # A user belongs to no single organisation; one that is a member may be seen by it.
    restrict_rows(
        "user",
        'EXISTS (SELECT 1 FROM member WHERE user_id = "user".id AND org_id = {tenant})',
    )


def downgrade() -> None:
    """Remove them again; the roles stay, because other databases of the server may use them."""
    lift_row_security("user")  # Its rule reads the members, who are dropped before it.
    for table in ("api_key", "member", "user", "team", "organisation", "change"):
        op.drop_table(table)
    drop_row_rules()


def _create_change() -> None:
    op.create_table(
        "change",
        sa.Column("seq", sequence_type(), sa.Identity(), primary_key=True),
        sa.Column("org_id", sa.String(36)),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sqlite_autoincrement=True,
    )


def _create_organisations() -> None:
    op.create_table(
        "organisation",
        id_column(),
        sa.Column("slug", sa.String(63), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("tier", sa.String(63)),
        timestamp_column("created_ms"),
    )
    op.create_table(
        "team",
        id_column(),
        org_column(),
        sa.Column("slug", sa.String(63), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        timestamp_column("created_ms"),
        sa.UniqueConstraint("org_id", "slug"),
    )


def _create_people() -> None:
    op.create_table(
        "user",
        id_column(),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
        timestamp_column("created_ms"),
    )
    op.create_table(
        "member",
        org_column(primary_key=True),
        reference_column("user_id", "user.id", primary_key=True),
        sa.Column("role", sa.String(31), nullable=False),
        timestamp_column("created_ms"),
    )


def _create_keys() -> None:
    op.create_table(
        "api_key",
        id_column(),
        org_column(),
        reference_column("team_id", "team.id", nullable=True),
        reference_column("user_id", "user.id", nullable=True),
        sa.Column("public_id", sa.String(16), nullable=False, unique=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        json_column("scopes"),
        json_column("aliases"),
        json_column("tags"),
        sa.Column("tier", sa.String(63)),
        timestamp_column("created_ms"),
        timestamp_column("expires_ms", nullable=True),
        timestamp_column("revoked_ms", nullable=True),
    )
    op.create_index(None, "api_key", ["org_id", "name"])
