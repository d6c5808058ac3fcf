"""Accounts with providers, published models and their targets, and prices set by hand.

A row without an organisation belongs to the installation: the operator shares it with all
organisations. Row security hides it from them, since it names the operator's secrets; what they
may use of it reaches them through the snapshots only.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Float, Index, Integer, String, Table, text

from trunkline.storage.tables.base import (
    id_column,
    json_column,
    metadata,
    nano_column,
    org_column,
    reference_column,
    timestamp_column,
)

SHARED = text("org_id IS NULL")

connection = Table(
    "connection",
    metadata,
    id_column(),
    org_column(nullable=True),
    Column("name", String(63), nullable=False),
    # The id of a row of the provider registry.
    Column("provider", String(63), nullable=False),
    # None for the provider's own address.
    Column("base_url", String(500)),
    # Where the secret is found, such as env:OPENAI_API_KEY; never the secret itself.
    Column("secret", String(500)),
    # More of them, used in turn with the first.
    json_column("further_secrets", nullable=True),
    # Further headers by name, sent with each request.
    json_column("headers"),
    # None for what the provider registry says.
    Column("cancels_on_close", Boolean),
    # Whether the operator lets it lead into the networks that the settings allow.
    Column("private", Boolean, nullable=False),
    timestamp_column("created_ms"),
    # Two indices, because NULL is never equal to NULL in a unique index.
    Index("uq_connection_org_id_name", "org_id", "name", unique=True),
    Index(
        "uq_connection_shared_name",
        "name",
        unique=True,
        postgresql_where=SHARED,
        sqlite_where=SHARED,
    ),
)

alias = Table(
    "alias",
    metadata,
    id_column(),
    org_column(nullable=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(31), nullable=False),
    # Ceiling of the output tokens that a request may ask for.
    Column("max_tokens", Integer),
    # Seconds; None for the installation's setting.
    Column("hold_headers", Float),
    # drop or refuse: what becomes of the parts of a request that a target cannot do.
    Column("on_unsupported", String(15), nullable=False, server_default="drop"),
    # The policies as they are written; None for the defaults.
    json_column("route", nullable=True),
    json_column("cache", nullable=True),
    # Names of guardrails, in order.
    json_column("guardrails", nullable=True),
    timestamp_column("created_ms"),
    Index("uq_alias_org_id_name", "org_id", "name", unique=True),
    Index(
        "uq_alias_shared_name",
        "name",
        unique=True,
        postgresql_where=SHARED,
        sqlite_where=SHARED,
    ),
)

# The connection is named and not referenced: it may come from the environment and have no row.
alias_target = Table(
    "alias_target",
    metadata,
    reference_column("alias_id", "alias.id", primary_key=True),
    Column("position", Integer, primary_key=True),
    org_column(nullable=True),
    Column("connection", String(63), nullable=False),
    Column("model", String(300), nullable=False),
    Column("weight", Integer, nullable=False, server_default="1"),
    # active, draining or disabled.
    Column("state", String(15), nullable=False, server_default="active"),
)

price_override = Table(
    "price_override",
    metadata,
    id_column(),
    org_column(nullable=True),
    # Exactly one of the two is given: all connections to a provider, or one connection by name.
    Column("provider", String(63)),
    Column("connection", String(63)),
    # An upstream id, or * for all models.
    Column("model", String(300), nullable=False),
    timestamp_column("since_ms"),
    # Nano-dollars for a million of each bucket of usage; buckets left out fall back as in the
    # catalogue. All are 0 for what is free.
    json_column("rates"),
    nano_column("request_nano"),
    timestamp_column("created_ms"),
    Index("ix_price_override_org_id", "org_id"),
)

circuit_override = Table(
    "circuit_override",
    metadata,
    id_column(),
    org_column(nullable=True),
    Column("connection", String(63), nullable=False),
    Column("model", String(300), nullable=False),
    # open or closed, until it is taken back.
    Column("state", String(15), nullable=False),
    Column("reason", String(500)),
    timestamp_column("created_ms"),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
    Index("uq_circuit_override_org_id_target", "org_id", "connection", "model", unique=True),
    Index(
        "uq_circuit_override_shared_target",
        "connection",
        "model",
        unique=True,
        postgresql_where=SHARED,
        sqlite_where=SHARED,
    ),
)
