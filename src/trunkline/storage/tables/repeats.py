"""Answers that are kept for repeats of a request; see ``repeats``."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, String, Table

from trunkline.storage.tables.base import ID_LENGTH, metadata, org_column, timestamp_column

idempotent_answer = Table(
    "idempotent_answer",
    metadata,
    org_column(primary_key=True),
    # No foreign key: what was billed stays answered after the key is gone.
    Column("key_id", String(ID_LENGTH), primary_key=True),
    Column("idempotency_key", String(255), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("state", String(16), nullable=False),
    # The run of the process that serves the first request; see ``storage.processes``.
    Column("owner", String(ID_LENGTH), nullable=False),
    Column("status", Integer),
    Column("headers", LargeBinary),
    Column("body", LargeBinary),
    timestamp_column("created_ms"),
    timestamp_column("expires_ms"),
    CheckConstraint("state IN ('running', 'done', 'too_large')", name="state"),
    Index(None, "expires_ms"),
)
