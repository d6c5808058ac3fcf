"""Responses kept for later requests, and where their items are found."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.rls import enable_row_security
from trunkline.storage.tables.base import org_column, timestamp_column

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "kept_response",
        org_column(primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("key_id", sa.String(36), nullable=False),
        sa.Column("user_id", sa.String(36)),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("background", sa.Boolean, nullable=False),
        sa.Column("owner", sa.String(36)),
        sa.Column("input", sa.LargeBinary),
        sa.Column("response", sa.LargeBinary),
        timestamp_column("created_ms"),
        timestamp_column("expires_ms"),
        sa.CheckConstraint(
            "status IN ('queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled')",
            name="status",
        ),
    )
    op.create_index("ix_kept_response_expires_ms", "kept_response", ["expires_ms"])
    enable_row_security("kept_response")
    op.create_table(
        "kept_item",
        org_column(primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("response_id", sa.String(128), primary_key=True),
        timestamp_column("expires_ms"),
    )
    op.create_index("ix_kept_item_org_id_response_id", "kept_item", ["org_id", "response_id"])
    op.create_index("ix_kept_item_expires_ms", "kept_item", ["expires_ms"])
    enable_row_security("kept_item")


def downgrade() -> None:
    """Remove them again."""
    op.drop_table("kept_item")
    op.drop_table("kept_response")
