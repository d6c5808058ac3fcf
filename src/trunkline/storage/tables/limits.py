"""Limits, budgets and quota tiers."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, text

from trunkline.storage.tables.base import (
    id_column,
    metadata,
    nano_column,
    org_column,
    timestamp_column,
)

SHARED = text("org_id IS NULL")

limit_rule = Table(
    "limit_rule",
    metadata,
    id_column(),
    org_column(),
    Column("scope", String(7), nullable=False),
    # A team, user, key or alias; None counts each one of the scope apart. It is no foreign key,
    # because it may be any of them.
    Column("scope_id", String(300)),
    Column("counts", String(15), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("algorithm", String(15), nullable=False),
    Column("per_seconds", Integer, nullable=False),
    Column("burst", BigInteger),
    Column("shadow", Boolean, nullable=False),
    timestamp_column("created_ms"),
    Index("ix_limit_rule_org_id", "org_id"),
)

budget_rule = Table(
    "budget_rule",
    metadata,
    id_column(),
    org_column(),
    Column("name", String(200), nullable=False),
    Column("scope", String(7), nullable=False),
    Column("scope_id", String(300)),
    nano_column("amount_nano"),
    # A word of the SQL standard, so it is always quoted.
    Column("window", String(7), nullable=False, quote=True),
    Column("rolling_seconds", Integer),
    Column("time_zone", String(64)),
    Column("hard", Boolean, nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("reserve", String(15), nullable=False),
    nano_column("overshoot_nano"),
    timestamp_column("created_ms"),
    Index("ix_budget_rule_org_id", "org_id"),
)

# A row without an organisation is the installation's; one of an organisation replaces the
# installation's of the same name there, and both replace those that the product begins with.
quota_tier = Table(
    "quota_tier",
    metadata,
    id_column(),
    org_column(nullable=True),
    Column("name", String(63), nullable=False),
    Column("requests_per_day", BigInteger, nullable=False),
    Column("upgrade_hint", String(300), nullable=False),
    Column("scope", String(7), nullable=False),
    timestamp_column("created_ms"),
    Index("uq_quota_tier_org_id_name", "org_id", "name", unique=True),
    Index(
        "uq_quota_tier_shared_name",
        "name",
        unique=True,
        postgresql_where=SHARED,
        sqlite_where=SHARED,
    ),
)
