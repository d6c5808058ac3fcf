"""What becomes of the parts of a request that a target of a published model cannot do."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was published before drops, as it did."""
    column = sa.Column("on_unsupported", sa.String(15), nullable=False, server_default="drop")
    op.add_column("alias", column)


def downgrade() -> None:
    """Remove it again."""
    op.drop_column("alias", "on_unsupported")
