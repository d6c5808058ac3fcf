"""Attempts with their costs, corrections, rollups, and how far each journal was shipped."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

from trunkline.storage.rls import enable_row_security, grant_access
from trunkline.storage.roles import SYSTEM_ROLE
from trunkline.storage.tables.base import id_column, json_column, nano_column, timestamp_column

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BUCKETS = (
    "input",
    "cache_read",
    "cache_write",
    "cache_write_5m",
    "cache_write_1h",
    "audio_input",
    "output",
    "reasoning",
    "audio_output",
    "searches",
)
MEASURES = (
    "attempts",
    "requests",
    "failures",
    "estimated_attempts",
    "unpriced_attempts",
    "exact_nano",
    "estimated_nano",
    *BUCKETS,
)
OF_ORGANISATIONS = ("attribution", "attempt", "correction", "usage_rollup", "tag_rollup")


def upgrade() -> None:
    """Make the tables."""
    _create_attribution()
    _create_attempt()
    _create_correction()
    _create_rollup("usage_rollup", _key("attribution_id", sa.BigInteger))
    _create_rollup("tag_rollup", _key("tag", sa.String(256)))
    _create_position()
    for table in OF_ORGANISATIONS:
        enable_row_security(table)
    grant_access("journal_position", SYSTEM_ROLE)


def downgrade() -> None:
    """Remove them again."""
    op.drop_table("journal_position")
    for table in reversed(OF_ORGANISATIONS):
        op.drop_table(table)


def _create_attribution() -> None:
    op.create_table(
        "attribution",
        _key("org_id", sa.String(36)),
        _key("id", sa.BigInteger),
        sa.Column("team_id", sa.String(36)),
        sa.Column("user_id", sa.String(36)),
        sa.Column("key_id", sa.String(36), nullable=False),
        sa.Column("alias", sa.String(256), nullable=False),
        sa.Column("provider", sa.String(256), nullable=False),
        sa.Column("connection_id", sa.String(63), nullable=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("wire", sa.String(63), nullable=False),
        sa.Column("operation", sa.String(63), nullable=False),
    )


def _create_attempt() -> None:
    op.create_table(
        "attempt",
        id_column(),
        sa.Column("org_id", sa.String(36), nullable=False),
        sa.Column("attribution_id", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.String(36), nullable=False),
        sa.Column("client_request_id", sa.String(256), nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        timestamp_column("opened_ms"),
        timestamp_column("closed_ms"),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("ending", sa.String(15), nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("error_code", sa.String(63)),
        sa.Column("cost_state", sa.String(15), nullable=False),
        nano_column("cost_nano", nullable=True),
        sa.Column("price_ref", sa.String(256)),
        sa.Column("revision", sa.SmallInteger, nullable=False),
        nano_column("floor_nano", nullable=True),
        nano_column("hold_nano", nullable=True),
        *_counts(BUCKETS, sa.Integer),
        sa.Column("served_model", sa.String(256)),
        sa.Column("service_tier", sa.String(63)),
        sa.Column("upstream_id", sa.String(256)),
        sa.Column("first_byte_ms", sa.Integer),
        sa.Column("first_token_ms", sa.Integer),
        sa.Column("output_bytes", sa.BigInteger, nullable=False),
        sa.Column("end_user", sa.String(256)),
        json_column("tags", nullable=True),
    )
    op.create_index("ix_attempt_org_id_opened_ms", "attempt", ["org_id", "opened_ms"])
    op.create_index("ix_attempt_request_id", "attempt", ["request_id"])


def _create_correction() -> None:
    op.create_table(
        "correction",
        _key("attempt_id", sa.String(36)),
        _key("revision", sa.SmallInteger),
        sa.Column("org_id", sa.String(36), nullable=False),
        timestamp_column("made_ms"),
        sa.Column("reason", sa.String(31), nullable=False),
        sa.Column("cost_state", sa.String(15), nullable=False),
        nano_column("cost_nano", nullable=True),
        sa.Column("price_ref", sa.String(256)),
        *_counts(BUCKETS, sa.Integer),
    )
    op.create_index("ix_correction_org_id_made_ms", "correction", ["org_id", "made_ms"])


def _create_rollup(name: str, counted_by: sa.Column[Any]) -> None:
    op.create_table(
        name,
        _key("org_id", sa.String(36)),
        _key("grain", sa.String(7)),
        _key("start_ms", sa.BigInteger),
        counted_by,
        *_counts(MEASURES, sa.BigInteger),
    )


def _create_position() -> None:
    op.create_table(
        "journal_position",
        _key("segment", sa.String(255)),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("damaged", sa.BigInteger, nullable=False),
        timestamp_column("moved_ms"),
    )


def _key(
    name: str, kind: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]
) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _counts(names: Iterable[str], kind: type[sa.types.TypeEngine[int]]) -> list[sa.Column[int]]:
    return [sa.Column(name, kind, nullable=False) for name in names]
