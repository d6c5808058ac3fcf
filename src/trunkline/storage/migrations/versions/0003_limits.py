"""Limits, budgets and quota tiers."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.rls import enable_row_security
from trunkline.storage.tables.base import id_column, nano_column, org_column, timestamp_column

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _create_limits()
    _create_budgets()
    _create_tiers()
    for table in ("limit_rule", "budget_rule", "quota_tier"):
        enable_row_security(table)


def downgrade() -> None:
    """Remove them again."""
    for table in ("quota_tier", "budget_rule", "limit_rule"):
        op.drop_table(table)


def _create_limits() -> None:
    op.create_table(
        "limit_rule",
        id_column(),
        org_column(),
        sa.Column("scope", sa.String(7), nullable=False),
        sa.Column("scope_id", sa.String(300)),
        sa.Column("counts", sa.String(15), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("algorithm", sa.String(15), nullable=False),
        sa.Column("per_seconds", sa.Integer, nullable=False),
        sa.Column("burst", sa.BigInteger),
        sa.Column("shadow", sa.Boolean, nullable=False),
        timestamp_column("created_ms"),
    )
    op.create_index("ix_limit_rule_org_id", "limit_rule", ["org_id"])


def _create_budgets() -> None:
    op.create_table(
        "budget_rule",
        id_column(),
        org_column(),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("scope", sa.String(7), nullable=False),
        sa.Column("scope_id", sa.String(300)),
        nano_column("amount_nano"),
        sa.Column("window", sa.String(7), nullable=False, quote=True),
        sa.Column("rolling_seconds", sa.Integer),
        sa.Column("time_zone", sa.String(64)),
        sa.Column("hard", sa.Boolean, nullable=False),
        sa.Column("shadow", sa.Boolean, nullable=False),
        sa.Column("reserve", sa.String(15), nullable=False),
        nano_column("overshoot_nano"),
        timestamp_column("created_ms"),
    )
    op.create_index("ix_budget_rule_org_id", "budget_rule", ["org_id"])


def _create_tiers() -> None:
    op.create_table(
        "quota_tier",
        id_column(),
        org_column(nullable=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("requests_per_day", sa.BigInteger, nullable=False),
        sa.Column("upgrade_hint", sa.String(300), nullable=False),
        sa.Column("scope", sa.String(7), nullable=False),
        timestamp_column("created_ms"),
    )
    op.create_index("uq_quota_tier_org_id_name", "quota_tier", ["org_id", "name"], unique=True)
    shared = sa.text("org_id IS NULL")
    op.create_index(
        "uq_quota_tier_shared_name",
        "quota_tier",
        ["name"],
        unique=True,
        postgresql_where=shared,
        sqlite_where=shared,
    )
