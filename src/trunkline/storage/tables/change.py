"""The log of changes; see ``storage.changes``."""

from sqlalchemy import Column, Identity, String, Table

from trunkline.storage.tables.base import ID_LENGTH, metadata, sequence_type

change = Table(
    "change",
    metadata,
    Column("seq", sequence_type(), Identity(), primary_key=True),
    # No foreign key: the log tells of removed organisations too.
    Column("org_id", String(ID_LENGTH)),
    Column("kind", String(64), nullable=False),
    Column("id", String(ID_LENGTH), nullable=False),
    sqlite_autoincrement=True,  # A number is never given twice, even after the log was cut.
)
