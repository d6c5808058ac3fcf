"""Organisations, teams, users and keys as the rest of the product sees them."""

from typing import Final, Literal, get_args

import msgspec

DEFAULT_SCOPES = ("inference", "models:read", "usage:read")
"""What a key may do where nothing is chosen: nothing that changes how others are served."""

SCOPES = (*DEFAULT_SCOPES, "cache:write", "circuits:write")
"""All that a key may be allowed: also to forget kept answers and to open and close circuits."""

OrganisationField = Literal["name", "time_zone", "tier"]
ORGANISATION_FIELDS: Final[tuple[OrganisationField, ...]] = get_args(OrganisationField)
"""What may be changed about an organisation itself."""

ROLES = ("owner", "admin", "analyst", "member")


class Organisation(msgspec.Struct, frozen=True):
    """A tenant.

    Attributes:
        slug: its short name in commands, files and addresses; unique.
        time_zone: IANA name; the days of its quotas turn by it.
        tier: the quota tier of keys that have none of their own, or None.
        created_ms: Unix time in milliseconds.
    """

    id: str
    slug: str
    name: str
    time_zone: str
    tier: str | None
    created_ms: int


class Team(msgspec.Struct, frozen=True):
    """A group in an organisation; its slug is unique there."""

    id: str
    org_id: str
    slug: str
    name: str
    created_ms: int


class User(msgspec.Struct, frozen=True):
    """A person. The e-mail address is unique in the installation and kept in lower case."""

    id: str
    email: str
    name: str
    created_ms: int


class Key(msgspec.Struct, frozen=True):
    """A credential that we issued, without its secret.

    Attributes:
        public_id: the part of it that may be shown.
        team_id: the team that owns it, if any.
        user_id: the user that owns it, if any; with neither it is the organisation's own.
        scopes: what it may do, of ``SCOPES``.
        aliases: the public model names that it may use; empty means all of them.
        tags: attribution of every request made with it.
        tier: its quota tier; None takes the organisation's.
        cache: whether it wants answers that were given before; None leaves it to the model.
        buffered: whether its streams are held until they are whole.
        expires_ms: Unix milliseconds from which it is refused, or None.
        revoked_ms: Unix milliseconds at which it was revoked, or None.
    """

    id: str
    org_id: str
    team_id: str | None
    user_id: str | None
    public_id: str
    name: str
    scopes: tuple[str, ...]
    aliases: tuple[str, ...]
    tags: dict[str, str]
    tier: str | None
    cache: bool | None
    buffered: bool
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None


class StoredKey(msgspec.Struct, frozen=True):
    """A key with what proves it, as the key ring loads it.

    Attributes:
        digest: HMAC of the whole key; see ``Pepper``.
        org_tier: the tier of its organisation.
    """

    key: Key
    digest: bytes
    org_tier: str | None


class KeyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the maker of a key chooses; the meaning of each field is that of ``Key``."""

    name: str
    team_id: str | None = None
    user_id: str | None = None
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    aliases: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    tier: str | None = None
    cache: bool | None = None
    buffered: bool = False
    expires_ms: int | None = None


class IssuedKey(msgspec.Struct, frozen=True):
    """A key and, only when it was made just now, its full text. It cannot be had again."""

    key: Key
    text: str | None
