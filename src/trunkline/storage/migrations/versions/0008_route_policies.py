"""Route and cache policies, guardrails by name, weights and states of targets, more secrets."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.tables.base import json_column

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was published before is tried in order, as it was."""
    op.add_column("alias", json_column("route", nullable=True))
    op.add_column("alias", json_column("cache", nullable=True))
    op.add_column("alias", json_column("guardrails", nullable=True))
    weight = sa.Column("weight", sa.Integer, nullable=False, server_default="1")
    op.add_column("alias_target", weight)
    state = sa.Column("state", sa.String(15), nullable=False, server_default="active")
    op.add_column("alias_target", state)
    op.add_column("connection", json_column("further_secrets", nullable=True))


def downgrade() -> None:
    """Remove them again."""
    op.drop_column("connection", "further_secrets")
    for name in ("state", "weight"):
        op.drop_column("alias_target", name)
    for name in ("guardrails", "cache", "route"):
        op.drop_column("alias", name)
