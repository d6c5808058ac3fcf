"""Whom rules are for, by the names that people know."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.key_references import key_id_of
from trunkline.identity.secret import PREFIX
from trunkline.identity.service.keys import list_keys
from trunkline.identity.service.organisations import list_teams
from trunkline.identity.service.users import list_members
from trunkline.limits.rules import BudgetRule, LimitRule
from trunkline.limits.schemas import Scoped

Spec = TypeVar("Spec", bound=Scoped)
Names = Mapping[str, Mapping[str, str]]
"""Kind of a scope -> identifier -> name."""


async def names_in(conn: AsyncConnection, org_id: str) -> Names:
    """What people call the teams, members and keys of an organisation."""
    keys = await list_keys(conn, org_id)
    live = [key.name for key in keys if key.revoked_ms is None]
    return {
        "team": {team.id: team.slug for team in await list_teams(conn, org_id)},
        "user": {user.id: user.email for user, _ in await list_members(conn, org_id)},
        "key": {
            key.id: f"{key.name} (revoked)" if key.revoked_ms is not None
            else f"{key.name} ({PREFIX}{key.public_id})" if live.count(key.name) > 1
            else key.name
            for key in keys
        },
    }  # fmt: skip


def name_of(rule: LimitRule | BudgetRule, names: Names) -> str | None:
    """Whom a rule is for: the identifier where nothing has a name, None for each one."""
    if rule.scope_id is None:
        return None
    return names.get(rule.scope, {}).get(rule.scope_id, rule.scope_id)


def with_names_for_people(rows: Sequence[dict[str, Any]]) -> None:
    """Say ``each`` in tables where a rule is for each one of its scope."""
    for row in rows:
        row["scope_name"] = row["scope_name"] or ("each" if row["scope"] != "org" else None)


async def with_key(conn: AsyncConnection, org_id: str, wanted: Spec) -> Spec:
    """The rule with the identifier of the key that it names, if it is for one.

    Raises:
        Conflict: several keys have the name.
    """
    if wanted.scope != "key" or wanted.scope_id is None:
        return wanted
    key_id = await key_id_of(conn, org_id, wanted.scope_id, "scope_id")
    return wanted.model_copy(update={"scope_id": key_id})
