"""Why each attempt was made, and with which of the connection's secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of earlier attempts only the first of a request is known for sure."""
    reason = sa.Column("reason", sa.String(15), nullable=False, server_default="first")
    op.add_column("attempt", reason)
    op.add_column("attempt", sa.Column("credential", sa.String(63)))


def downgrade() -> None:
    """Remove them again."""
    op.drop_column("attempt", "credential")
    op.drop_column("attempt", "reason")
