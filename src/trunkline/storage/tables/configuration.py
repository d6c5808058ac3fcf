"""Every configuration that was applied, by owner."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from trunkline.storage.tables.base import id_column, metadata, org_column, timestamp_column

SHARED = text("org_id IS NULL")

configuration_version = Table(
    "configuration_version",
    metadata,
    id_column(),
    org_column(nullable=True),
    # Counted from 1 for each owner.
    Column("number", Integer, nullable=False),
    # The owner's whole configuration after it was applied, as YAML without secrets.
    Column("document", Text, nullable=False),
    Column("note", String(500)),
    timestamp_column("created_ms"),
    Index("uq_configuration_version_org_id_number", "org_id", "number", unique=True),
    Index(
        "uq_configuration_version_shared_number",
        "number",
        unique=True,
        postgresql_where=SHARED,
        sqlite_where=SHARED,
    ),
)
