"""The rules that names, addresses and the terms of keys must keep.

Each check returns the value in its stored form, or raises ``InvalidRequest`` with the path of the
field in ``param``. ``at`` is the place of the input, such as ``organisations.0.``, which is put in
front of the field's name.
"""

import re
import unicodedata
import zoneinfo

from trunkline.errors import InvalidRequest
from trunkline.identity.records import ROLES, SCOPES, KeyTerms

LONGEST_NAME = 200
LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets.
MOST_TAGS = 20

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}@(?:[a-z0-9-]+\.)*[a-z0-9-]+")
_TAG_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def refuse(field: str, message: str, *, hint: str | None = None) -> InvalidRequest:
    """The error for a field that breaks its rule."""
    return InvalidRequest(f"{field}: {message}.", code="invalid_value", param=field, hint=hint)


def check_name(value: str, field: str) -> str:
    """A title for people: not blank, one line, at most 200 characters."""
    name = value.strip()
    if not name:
        raise refuse(field, "is empty")
    if len(name) > LONGEST_NAME:
        raise refuse(field, f"has {len(name)} characters and may have {LONGEST_NAME}")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise refuse(field, "contains control characters")
    return name


def check_slug(value: str, field: str) -> str:
    """A short name: small letters, digits and inner hyphens, at most 63 characters."""
    if not _SLUG.fullmatch(value):
        raise refuse(
            field,
            f"{value!r} is not a short name",
            hint="Use small letters, digits and inner hyphens, at most 63 characters.",
        )
    return value


def slug_of(name: str, field: str) -> str:
    """The slug that a name suggests, such as ``acme-gmbh`` for ``Acme GmbH``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-")
    if not slug:
        raise refuse(field, f"no short name can be made of {name!r}", hint="Give a slug.")
    return slug


def check_email(value: str, field: str) -> str:
    """An e-mail address, in lower case."""
    email = value.strip().lower()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        raise refuse(field, f"{value!r} is not an e-mail address")
    return email


def check_time_zone(value: str, field: str) -> str:
    """A name of the IANA time-zone database."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise refuse(
            field,
            f"{value!r} is not a time zone",
            hint="Use a name of the IANA database, such as Europe/Berlin or UTC.",
        ) from None
    return value


def check_role(value: str, field: str) -> str:
    """What a member may do."""
    if value not in ROLES:
        raise refuse(field, f"{value!r} is not a role", hint=f"Use one of {', '.join(ROLES)}.")
    return value


def check_terms(terms: KeyTerms, at: str, now_ms: int) -> KeyTerms:
    """All that can be told of the terms of a key without the database."""
    if not terms.scopes:
        raise refuse(f"{at}scopes", "is empty", hint=f"Use some of {', '.join(SCOPES)}.")
    for number, scope in enumerate(terms.scopes):
        if scope not in SCOPES:
            hint = f"Use some of {', '.join(SCOPES)}."
            raise refuse(f"{at}scopes.{number}", f"{scope!r} is not a scope", hint=hint)
    if terms.expires_ms is not None and terms.expires_ms <= now_ms:
        raise refuse(f"{at}expires", "lies in the past")
    return KeyTerms(
        name=check_name(terms.name, f"{at}name"),
        team_id=terms.team_id,
        user_id=terms.user_id,
        scopes=tuple(sorted(set(terms.scopes))),
        aliases=tuple(
            sorted({check_name(a, f"{at}aliases.{i}") for i, a in enumerate(terms.aliases)})
        ),
        tags=_check_tags(terms.tags, f"{at}tags"),
        tier=None if terms.tier is None else check_slug(terms.tier, f"{at}tier"),
        cache=terms.cache,
        buffered=terms.buffered,
        expires_ms=terms.expires_ms,
    )


def _check_tags(tags: dict[str, str], field: str) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise refuse(field, f"has {len(tags)} tags and may have {MOST_TAGS}")
    for name in tags:
        if not _TAG_NAME.fullmatch(name):
            hint = "Use at most 64 letters, digits, dots, hyphens and underscores."
            raise refuse(f"{field}.{name}", "is not the name of a tag", hint=hint)
    return {name: check_name(value, f"{field}.{name}") for name, value in sorted(tags.items())}
