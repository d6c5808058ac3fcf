"""Guardrails that published models name."""

from sqlalchemy import Column, Index, String, Table, text

from trunkline.storage.tables.base import (
    id_column,
    json_column,
    metadata,
    org_column,
    timestamp_column,
)

SHARED = text("org_id IS NULL")

guardrail = Table(
    "guardrail",
    metadata,
    id_column(),
    org_column(nullable=True),
    Column("name", String(63), nullable=False),
    # What it looks for and what it does, as it is written.
    json_column("spec"),
    timestamp_column("created_ms"),
    Index("uq_guardrail_org_id_name", "org_id", "name", unique=True),
    Index(
        "uq_guardrail_shared_name",
        "name",
        unique=True,
        postgresql_where=SHARED,
        sqlite_where=SHARED,
    ),
)
