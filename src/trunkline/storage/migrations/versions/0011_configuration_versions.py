"""Every configuration that was applied, for going back to one."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.rls import enable_row_security
from trunkline.storage.tables.base import id_column, org_column, timestamp_column

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "configuration_version",
        id_column(),
        org_column(nullable=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("note", sa.String(500)),
        timestamp_column("created_ms"),
    )
    op.create_index(
        "uq_configuration_version_org_id_number",
        "configuration_version",
        ["org_id", "number"],
        unique=True,
    )
    op.create_index(
        "uq_configuration_version_shared_number",
        "configuration_version",
        ["number"],
        unique=True,
        sqlite_where=sa.text("org_id IS NULL"),
        postgresql_where=sa.text("org_id IS NULL"),
    )
    enable_row_security("configuration_version")


def downgrade() -> None:
    """Remove it again."""
    op.drop_table("configuration_version")
