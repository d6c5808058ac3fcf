"""Responses that are kept for later requests; see ``responses``."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, LargeBinary, String, Table

from trunkline.storage.tables.base import ID_LENGTH, metadata, org_column, timestamp_column

# OpenAI's ids have 55 characters; other makers of its API choose their own.
LONGEST_ID = 128

kept_response = Table(
    "kept_response",
    metadata,
    org_column(primary_key=True),
    Column("id", String(LONGEST_ID), primary_key=True),
    # No foreign keys: a response outlives the key that asked for it.
    Column("key_id", String(ID_LENGTH), nullable=False),
    Column("user_id", String(ID_LENGTH)),
    Column("model", String(256), nullable=False),
    Column("status", String(16), nullable=False),
    Column("background", Boolean, nullable=False),
    # The run of the process that a response in the background is made by; see ``processes``.
    Column("owner", String(ID_LENGTH)),
    # JSON as it was: an array of items, and an object. Absent where they were too large.
    Column("input", LargeBinary),
    Column("response", LargeBinary),
    timestamp_column("created_ms"),
    timestamp_column("expires_ms"),
    CheckConstraint(
        "status IN ('queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled')",
        name="status",
    ),
    Index(None, "expires_ms"),
)

# Where the items of kept responses' output are found by their own ids.
kept_item = Table(
    "kept_item",
    metadata,
    org_column(primary_key=True),
    Column("id", String(LONGEST_ID), primary_key=True),
    # Not every maker of this API gives each item an id of its own.
    Column("response_id", String(LONGEST_ID), primary_key=True),
    timestamp_column("expires_ms"),
    Index(None, "org_id", "response_id"),
    Index(None, "expires_ms"),
)
