"""Circuits that people hold open or closed."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.rls import enable_row_security
from trunkline.storage.tables.base import id_column, org_column, timestamp_column

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "circuit_override",
        id_column(),
        org_column(nullable=True),
        sa.Column("connection", sa.String(63), nullable=False),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("state", sa.String(15), nullable=False),
        sa.Column("reason", sa.String(500)),
        timestamp_column("created_ms"),
        sa.CheckConstraint("state IN ('open', 'closed')", name="state"),
    )
    op.create_index(
        "uq_circuit_override_org_id_target",
        "circuit_override",
        ["org_id", "connection", "model"],
        unique=True,
    )
    op.create_index(
        "uq_circuit_override_shared_target",
        "circuit_override",
        ["connection", "model"],
        unique=True,
        sqlite_where=sa.text("org_id IS NULL"),
        postgresql_where=sa.text("org_id IS NULL"),
    )
    enable_row_security("circuit_override")


def downgrade() -> None:
    """Remove it again."""
    op.drop_table("circuit_override")
