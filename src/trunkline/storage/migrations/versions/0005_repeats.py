"""Processes with their heartbeats, and answers kept for repeats."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.rls import enable_row_security, grant_access
from trunkline.storage.roles import SYSTEM_ROLE
from trunkline.storage.tables.base import id_column, org_column, timestamp_column

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "process",
        id_column(),
        sa.Column("role", sa.String(31), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("version", sa.String(31), nullable=False),
        timestamp_column("started_ms"),
        timestamp_column("heartbeat_ms"),
    )
    op.create_index("ix_process_heartbeat_ms", "process", ["heartbeat_ms"])
    grant_access("process", SYSTEM_ROLE)
    op.create_table(
        "idempotent_answer",
        org_column(primary_key=True),
        sa.Column("key_id", sa.String(36), primary_key=True),
        sa.Column("idempotency_key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(36), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", sa.LargeBinary),
        sa.Column("body", sa.LargeBinary),
        timestamp_column("created_ms"),
        timestamp_column("expires_ms"),
        sa.CheckConstraint("state IN ('running', 'done', 'too_large')", name="state"),
    )
    op.create_index("ix_idempotent_answer_expires_ms", "idempotent_answer", ["expires_ms"])
    enable_row_security("idempotent_answer")


def downgrade() -> None:
    """Remove them again."""
    op.drop_table("idempotent_answer")
    op.drop_table("process")
