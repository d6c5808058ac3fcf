"""Organisations, teams, users, their membership, and keys."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    false,
)

from trunkline.storage.tables.base import (
    id_column,
    json_column,
    metadata,
    org_column,
    reference_column,
    timestamp_column,
)

organisation = Table(
    "organisation",
    metadata,
    id_column(),
    Column("slug", String(63), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    # A name of the IANA time-zone database; days of quotas turn by it.
    Column("time_zone", String(64), nullable=False),
    Column("tier", String(63)),
    timestamp_column("created_ms"),
)

team = Table(
    "team",
    metadata,
    id_column(),
    org_column(),
    Column("slug", String(63), nullable=False),
    Column("name", String(200), nullable=False),
    timestamp_column("created_ms"),
    UniqueConstraint("org_id", "slug"),
)

# A person exists once and may be a member of several organisations.
user = Table(
    "user",
    metadata,
    id_column(),
    # Kept in lower case, so that the same address is the same user.
    Column("email", String(254), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    timestamp_column("created_ms"),
)

member = Table(
    "member",
    metadata,
    org_column(primary_key=True),
    reference_column("user_id", "user.id", primary_key=True),
    Column("role", String(31), nullable=False),
    timestamp_column("created_ms"),
)

api_key = Table(
    "api_key",
    metadata,
    id_column(),
    org_column(),
    reference_column("team_id", "team.id", nullable=True),
    reference_column("user_id", "user.id", nullable=True),
    # The part of the key that may be shown; see identity/secret.py for the form.
    Column("public_id", String(16), nullable=False, unique=True),
    # HMAC-SHA256 of the whole key under the installation's pepper.
    Column("digest", LargeBinary(32), nullable=False),
    Column("name", String(200), nullable=False),
    json_column("scopes"),
    # Public model names; an empty list means all of them.
    json_column("aliases"),
    json_column("tags"),
    Column("tier", String(63)),
    # Whether it wants answers that were given before; None leaves it to the model.
    Column("cache", Boolean),
    # Whether its streams are held until they are whole.
    Column("buffered", Boolean, nullable=False, server_default=false()),
    timestamp_column("created_ms"),
    timestamp_column("expires_ms", nullable=True),
    timestamp_column("revoked_ms", nullable=True),
    Index(None, "org_id", "name"),
)
