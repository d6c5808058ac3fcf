"""Connections, published models with their targets, and prices set by hand."""

import sqlalchemy as sa
from alembic import op

from trunkline.storage.rls import enable_row_security
from trunkline.storage.tables.base import (
    id_column,
    json_column,
    nano_column,
    org_column,
    reference_column,
    timestamp_column,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("connection", "alias", "alias_target", "price_override")


def upgrade() -> None:
    """Make the tables."""
    _create_connections()
    _create_aliases()
    _create_prices()
    for table in TABLES:
        enable_row_security(table)


def downgrade() -> None:
    """Remove them again."""
    for table in ("price_override", "alias_target", "alias", "connection"):
        op.drop_table(table)


def _create_connections() -> None:
    op.create_table(
        "connection",
        id_column(),
        org_column(nullable=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("provider", sa.String(63), nullable=False),
        sa.Column("base_url", sa.String(500)),
        sa.Column("secret", sa.String(500)),
        json_column("headers"),
        sa.Column("cancels_on_close", sa.Boolean),
        sa.Column("private", sa.Boolean, nullable=False),
        timestamp_column("created_ms"),
    )
    _make_names_unique("connection")


def _create_aliases() -> None:
    op.create_table(
        "alias",
        id_column(),
        org_column(nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(31), nullable=False),
        sa.Column("max_tokens", sa.Integer),
        sa.Column("hold_headers", sa.Float),
        timestamp_column("created_ms"),
    )
    _make_names_unique("alias")
    op.create_table(
        "alias_target",
        reference_column("alias_id", "alias.id", primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        org_column(nullable=True),
        sa.Column("connection", sa.String(63), nullable=False),
        sa.Column("model", sa.String(300), nullable=False),
    )


def _create_prices() -> None:
    op.create_table(
        "price_override",
        id_column(),
        org_column(nullable=True),
        sa.Column("provider", sa.String(63)),
        sa.Column("connection", sa.String(63)),
        sa.Column("model", sa.String(300), nullable=False),
        timestamp_column("since_ms"),
        json_column("rates"),
        nano_column("request_nano"),
        timestamp_column("created_ms"),
    )
    op.create_index("ix_price_override_org_id", "price_override", ["org_id"])


def _make_names_unique(table: str) -> None:
    """Once in each organisation, and once among the shared rows, whose organisation is NULL."""
    op.create_index(f"uq_{table}_org_id_name", table, ["org_id", "name"], unique=True)
    shared = sa.text("org_id IS NULL")
    op.create_index(
        f"uq_{table}_shared_name",
        table,
        ["name"],
        unique=True,
        postgresql_where=shared,
        sqlite_where=shared,
    )
