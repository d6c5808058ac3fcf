"""Guardrails that models name."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.rls import enable_row_security
from trunkline.storage.tables.base import (
    id_column,
    json_column,
    org_column,
    timestamp_column,
)

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "guardrail",
        id_column(),
        org_column(nullable=True),
        sa.Column("name", sa.String(63), nullable=False),
        json_column("spec"),
        timestamp_column("created_ms"),
    )
    op.create_index("uq_guardrail_org_id_name", "guardrail", ["org_id", "name"], unique=True)
    op.create_index(
        "uq_guardrail_shared_name",
        "guardrail",
        ["name"],
        unique=True,
        sqlite_where=sa.text("org_id IS NULL"),
        postgresql_where=sa.text("org_id IS NULL"),
    )
    enable_row_security("guardrail")


def downgrade() -> None:
    """Remove it again."""
    op.drop_table("guardrail")
