"""Published models as rows: how a written one becomes a row, and which of them name each other."""

from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.connections import repository
from trunkline.connections.route_checks import (
    Named,
    Policies,
    RouteProblem,
    fallback_fields,
    problems_among,
)
from trunkline.connections.route_schemas import CacheSpec, RouteSpec
from trunkline.connections.rows import AliasRow, TargetRow
from trunkline.connections.schemas import ModelSpec


def model_row(wanted: ModelSpec, org_id: str | None, row_id: str, created_ms: int) -> AliasRow:
    """The row of a written model; its policies are kept as they are written."""
    return AliasRow(
        id=row_id,
        org_id=org_id,
        name=wanted.name,
        kind=wanted.kind,
        max_tokens=wanted.max_tokens,
        hold_headers=wanted.hold_headers,
        on_unsupported=wanted.on_unsupported,
        created_ms=created_ms,
        targets=tuple(
            TargetRow(target.connection, target.model, target.weight, target.state)
            for target in wanted.targets
        ),
        route=_written(wanted.route),
        cache=_written(wanted.cache),
        guardrails=wanted.guardrails,
    )


def _written(spec: RouteSpec | CacheSpec | None) -> dict[str, object] | None:
    return None if spec is None else spec.model_dump(mode="json", exclude_unset=True)


def policies_of(row: AliasRow) -> Policies:
    """The policies of a row.

    Raises:
        ValueError: they are none of this version.
    """
    try:
        route = RouteSpec.model_validate(row.route or {})
        cache = None if row.cache is None else CacheSpec.model_validate(row.cache)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(map(str, first["loc"]))
        raise ValueError(f"its policies cannot be read: {path}: {first['msg']}") from None
    return Policies(row.name, row.kind, route, cache, row.guardrails)


async def models_naming(
    conn: AsyncConnection, org_id: str | None, names: AbstractSet[str]
) -> list[str]:
    """The models, beside these of this owner, that fall back to one of these or embed with it.

    Shared ones may be meant by the models of every organisation that has none of their name.
    """
    rows = [row async for row in repository.aliases(conn, None if org_id is None else (org_id,))]
    published = {(row.org_id, row.name) for row in rows}
    naming = []
    for row in rows:
        if row.org_id == org_id:
            meant = set() if row.name in names else set(names)
        else:
            meant = {name for name in names if (row.org_id, name) not in published}
        if not meant.isdisjoint(_named_by(policies_of(row))):
            naming.append(row.name)
    return naming


def _named_by(policies: Policies) -> set[str]:
    named = {name for _, name in fallback_fields(policies.route)}
    if policies.cache is not None and policies.cache.embedding is not None:
        named.add(policies.cache.embedding)
    return named


async def problems_of_models(
    conn: AsyncConnection, org_id: str | None, environment: dict[str, str]
) -> list[RouteProblem]:
    """What is wrong among the models of one owner, in the order of their names.

    ``environment`` has the kinds of the models that the environment publishes, by name.
    """
    own = [policies async for policies in _policies(conn, org_id)]
    if all(_speaks_of_nothing(policies) for policies in own):
        return []
    shared = [] if org_id is None else [policies async for policies in _policies(conn, None)]
    teams = None if org_id is None else await repository.team_ids(conn, (org_id,))
    named = Named(
        kinds=environment | {policies.name: policies.kind for policies in (*shared, *own)},
        guardrails=frozenset(
            [row.name async for row in repository.guardrails(conn, (org_id, None))]
        ),
        teams=None if teams is None else frozenset(teams.get(org_id or "", ())),
    )
    return list(problems_among(own, shared, named))


def _speaks_of_nothing(policies: Policies) -> bool:
    teams = any(rule.when.team for rule in policies.route.rules)
    return not (teams or policies.guardrails or _named_by(policies))


async def _policies(conn: AsyncConnection, org_id: str | None) -> AsyncIterator[Policies]:
    async for row in repository.aliases(conn, (org_id,)):
        yield policies_of(row)
