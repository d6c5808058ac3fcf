"""What an owner has, written as a configuration would write it.

Applying what was exported changes nothing. Fields that have their default are left out, but for an
organisation's own: there leaving out means keeping. Lists are in the order of their names, amounts
are decimal strings, and secrets are the references to them.
Keys come without their texts, which nobody has.
"""

from typing import Any

from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.rules import NOBODY
from trunkline.configuration.written import (
    without_defaults,
    written_budget,
    written_connection,
    written_guardrail,
    written_key,
    written_limit,
    written_model,
    written_price,
)
from trunkline.connections.service import ConnectionService
from trunkline.guardrails.service import list_guardrails
from trunkline.identity.records import Key, Organisation
from trunkline.identity.service.keys import list_keys
from trunkline.identity.service.organisations import list_teams
from trunkline.identity.service.users import list_members
from trunkline.limits.rules import SEEDED_TIERS
from trunkline.limits.schemas import TierSpec
from trunkline.limits.service import list_budgets, list_limits, list_tiers

Document = dict[str, Any]
"""Plain values, as they stand in YAML."""


async def export_shared(conn: AsyncConnection, service: ConnectionService) -> Document:
    """What the operator shares with all organisations; needs a system path."""
    tiers = [tier for tier in await list_tiers(conn, NOBODY) if tier not in SEEDED_TIERS]
    return _filled({
        "version": 1,
        **await _owned(conn, service, None),
        "tiers": [without_defaults(asdict(tier), TierSpec) for tier in tiers],
    })  # fmt: skip


async def export_organisation(
    conn: AsyncConnection, service: ConnectionService, organisation: Organisation
) -> Document:
    """An organisation and all that it has, in its short form; needs a system path."""
    org_id = organisation.id
    teams = await list_teams(conn, org_id)
    members = await list_members(conn, org_id)
    keys = _live(await list_keys(conn, org_id))
    slugs = {team.id: team.slug for team in teams}
    emails = {user.id: user.email for user, _ in members}
    names = {"team": slugs, "user": emails, "key": {key.id: key.name for key in keys}}
    owned = await _owned(conn, service, org_id)
    prices = owned.pop("prices")
    shared = await list_tiers(conn, NOBODY)
    tiers = [tier for tier in await list_tiers(conn, org_id) if tier not in shared]
    limits = [written_limit(rule, names) for rule in await list_limits(conn, org_id)]
    budgets = [written_budget(rule, names) for rule in await list_budgets(conn, org_id)]
    own = {
        "name": organisation.name,
        "time_zone": organisation.time_zone,
        "tier": organisation.tier,
    }
    return {"version": 1, "organisation": organisation.slug, **own} | _filled({
        "teams": _sorted(
            [_filled({"slug": t.slug, "name": _other(t.name, t.slug)}) for t in teams], "slug"
        ),
        "users": _sorted(
            [
                _filled({
                    "email": user.email,
                    "name": _other(user.name, user.email),
                    "role": _other(role, "member"),
                })
                for user, role in members
            ],
            "email",
        ),
        **owned,
        "prices": prices,
        "keys": _sorted([written_key(key, slugs, emails) for key in keys], "name"),
        "tiers": [without_defaults(asdict(tier), TierSpec) for tier in tiers],
        "limits": sorted(limits, key=_rule_order),
        "budgets": sorted(budgets, key=_rule_order),
    })  # fmt: skip


async def _owned(
    conn: AsyncConnection, service: ConnectionService, org_id: str | None
) -> dict[str, list[Document]]:
    """Sections that every owner may have."""
    prices = [written_price(row) for row in await service.prices(conn, org_id)]
    return {
        "connections": [written_connection(row) for row in await service.connections(conn, org_id)],
        "guardrails": [
            written_guardrail(row.name, row.spec) for row in await list_guardrails(conn, org_id)
        ],
        "models": [written_model(row) for row in await service.models(conn, org_id)],
        "prices": sorted(prices, key=_price_order),
    }


def _live(keys: list[Key]) -> list[Key]:
    """Keys that are not revoked, the oldest of each name: that is the one which a name means."""
    found: dict[str, Key] = {}
    for key in keys:
        if key.revoked_ms is None:
            found.setdefault(key.name, key)
    return list(found.values())


def _filled(document: Document) -> Document:
    return {name: value for name, value in document.items() if value not in (None, [], {})}


def _other(value: str, default: str) -> str | None:
    return None if value == default else value


def _sorted(items: list[Document], field: str) -> list[Document]:
    return sorted(items, key=lambda item: str(item[field]))


def _price_order(price: Document) -> tuple[str, ...]:
    return tuple(
        str(price.get(field, "")) for field in ("provider", "connection", "model", "since")
    )


def _rule_order(rule: Document) -> tuple[str, ...]:
    fields = (
        "scope", "scope_id", "name", "counts", "window", "algorithm", "per_seconds",
        "rolling_seconds",
    )  # fmt: skip
    return tuple(str(rule.get(field, "")) for field in fields)
