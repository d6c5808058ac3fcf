"""The processes of the installation and when each was last heard of."""

from sqlalchemy import Column, Index, Integer, String, Table

from trunkline.storage.tables.base import id_column, metadata, timestamp_column

# A process belongs to the installation and to no organisation.
process = Table(
    "process",
    metadata,
    # One run of one process: a new identifier at each start.
    id_column(),
    Column("role", String(31), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(31), nullable=False),
    timestamp_column("started_ms"),
    timestamp_column("heartbeat_ms"),
    Index(None, "heartbeat_ms"),
)
