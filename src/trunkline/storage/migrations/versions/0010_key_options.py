"""What a key wants of every answer: from the cache, and held until it is whole."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; keys that were made before leave it to others."""
    op.add_column("api_key", sa.Column("cache", sa.Boolean))
    buffered = sa.Column("buffered", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("api_key", buffered)


def downgrade() -> None:
    """Remove them again."""
    op.drop_column("api_key", "buffered")
    op.drop_column("api_key", "cache")
