"""Keys as commands show them, and their terms as options write them."""

import re
from collections.abc import Iterable

from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.cli.output import format_time
from trunkline.cli.session import Session
from trunkline.configuration.references import known_to
from trunkline.connections.service import ConnectionService
from trunkline.errors import InvalidRequest
from trunkline.identity.records import Key
from trunkline.identity.secret import PREFIX

MILLISECONDS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


async def check_known(
    session: Session,
    conn: AsyncConnection,
    org_id: str,
    *,
    aliases: Iterable[str],
    tier: str | None,
) -> None:
    """A slip of the pen would make a key that can use nothing, or that counts nothing.

    Raises:
        InvalidRequest: there is no such model, or no such tier.
    """
    service = await ConnectionService.from_settings(session.settings, clock=session.clock)
    known = await known_to(conn, service, org_id)
    known.check_tier(tier)
    for public in aliases:
        known.check_model(public)


def read_tags(given: Iterable[str]) -> dict[str, str]:
    """Tags written as ``NAME=VALUE``.

    Raises:
        InvalidRequest: one of them is not.
    """
    tags = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            raise InvalidRequest(
                f"tag: {text!r} is not NAME=VALUE.", code="invalid_value", param="tag"
            )
        tags[name] = value
    return tags


def read_expiry(text: str, now: float) -> int:
    """The Unix milliseconds at which a life such as ``30d`` ends that begins now.

    Raises:
        InvalidRequest: it is none.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text)
    if match is None:
        raise InvalidRequest(
            f"expires: {text!r} is not a life such as 12h, 30d or 8w.",
            code="invalid_value",
            param="expires",
        )
    return int(now * 1000) + int(match[1]) * MILLISECONDS[match[2]]


def described(key: Key) -> dict[str, object]:
    """A key for people and programs, without its text."""
    fields = asdict(key)
    fields["key"] = f"{PREFIX}{fields.pop('public_id')}"
    for name in ("created", "expires", "revoked"):
        fields[name] = format_time(fields.pop(f"{name}_ms"))
    return fields
