"""The ledger: attempts with their costs, what was corrected, and sums by hour and by day.

No column refers to another room's table: what was spent stays known after its key, its team or
even its organisation has gone, and no removal can stop the shipping of the journal.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, Table

from trunkline.storage.tables.base import (
    ID_LENGTH,
    id_column,
    json_column,
    metadata,
    nano_column,
    timestamp_column,
)

TOKEN_BUCKETS = (
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
    *TOKEN_BUCKETS,
)


def _org_column(*, primary_key: bool = False) -> Column[str]:
    return Column("org_id", String(ID_LENGTH), nullable=False, primary_key=primary_key)


def _measure_columns() -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=False) for name in MEASURES]


# Who called what, once for each combination: an attempt refers to it by one number, which keeps
# the attempt's row small, and the rollups count by it.
attribution = Table(
    "attribution",
    metadata,
    _org_column(primary_key=True),
    # The first 63 bits of a digest of the other columns, so that nobody has to ask for it.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("team_id", String(ID_LENGTH)),
    Column("user_id", String(ID_LENGTH)),
    Column("key_id", String(ID_LENGTH), nullable=False),
    Column("alias", String(256), nullable=False),
    Column("provider", String(256), nullable=False),
    Column("connection_id", String(63), nullable=False),
    Column("model", String(256), nullable=False),
    Column("wire", String(63), nullable=False),
    Column("operation", String(63), nullable=False),
)

attempt = Table(
    "attempt",
    metadata,
    id_column(),
    _org_column(),
    Column("attribution_id", BigInteger, nullable=False),
    Column("request_id", String(ID_LENGTH), nullable=False),
    Column("client_request_id", String(256), nullable=False),
    Column("number", SmallInteger, nullable=False),
    timestamp_column("opened_ms"),
    timestamp_column("closed_ms"),
    Column("stream", Boolean, nullable=False),
    # first, retry, failover, hedge or restart.
    Column("reason", String(15), nullable=False, server_default="first"),
    # Which of the connection's secrets was used.
    Column("credential", String(63)),
    Column("ending", String(15), nullable=False),
    Column("status", SmallInteger),
    Column("error_code", String(63)),
    # What is known now; each earlier state stands in a row of ``correction``.
    Column("cost_state", String(15), nullable=False),
    nano_column("cost_nano", nullable=True),
    Column("price_ref", String(256)),
    Column("revision", SmallInteger, nullable=False),
    # The bounds that an estimate keeps to.
    nano_column("floor_nano", nullable=True),
    nano_column("hold_nano", nullable=True),
    *(Column(bucket, Integer, nullable=False) for bucket in TOKEN_BUCKETS),
    # None where the provider used the model that was asked for.
    Column("served_model", String(256)),
    Column("service_tier", String(63)),
    Column("upstream_id", String(256)),
    Column("first_byte_ms", Integer),
    Column("first_token_ms", Integer),
    Column("output_bytes", BigInteger, nullable=False),
    Column("end_user", String(256)),
    # Pairs of name and value.
    json_column("tags", nullable=True),
    Index("ix_attempt_org_id_opened_ms", "org_id", "opened_ms"),
    Index("ix_attempt_request_id", "request_id"),
)

correction = Table(
    "correction",
    metadata,
    Column("attempt_id", String(ID_LENGTH), primary_key=True),
    # 1 for the first correction of its attempt; makes two correctors of one state collide.
    Column("revision", SmallInteger, primary_key=True),
    _org_column(),
    timestamp_column("made_ms"),
    # ``late_usage`` or ``reprice``.
    Column("reason", String(31), nullable=False),
    # The cost and the usage that the attempt had before.
    Column("cost_state", String(15), nullable=False),
    nano_column("cost_nano", nullable=True),
    Column("price_ref", String(256)),
    *(Column(bucket, Integer, nullable=False) for bucket in TOKEN_BUCKETS),
    Index("ix_correction_org_id_made_ms", "org_id", "made_ms"),
)

usage_rollup = Table(
    "usage_rollup",
    metadata,
    _org_column(primary_key=True),
    # ``hour`` or ``day``, both in UTC.
    Column("grain", String(7), primary_key=True),
    Column("start_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("attribution_id", BigInteger, primary_key=True, autoincrement=False),
    *_measure_columns(),
)

tag_rollup = Table(
    "tag_rollup",
    metadata,
    _org_column(primary_key=True),
    Column("grain", String(7), primary_key=True),
    Column("start_ms", BigInteger, primary_key=True, autoincrement=False),
    # ``name=value``; an attempt with several tags counts under each of them.
    Column("tag", String(256), primary_key=True),
    *_measure_columns(),
)

# How far each segment of each machine's journal has come into the ledger.
journal_position = Table(
    "journal_position",
    metadata,
    Column("segment", String(255), primary_key=True),
    Column("slot", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    # Bytes that were passed over because they were no valid frame.
    Column("damaged", BigInteger, nullable=False),
    timestamp_column("moved_ms"),
)
