"""Quota tiers, limits and budgets of the file."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.collecting import Collector
from trunkline.configuration.key_references import key_id_of
from trunkline.configuration.known import Known
from trunkline.configuration.schema import OrganisationSection
from trunkline.errors import InvalidRequest
from trunkline.kit.clock import Clock
from trunkline.limits import service
from trunkline.limits.rules import Tier
from trunkline.limits.schemas import Scoped, TierSpec

Spec = TypeVar("Spec", bound=Scoped)

# No organisation has this id, so what holds for it are the shared tiers alone.
NOBODY = ""


class Referable(NamedTuple):
    """What rules may be for: models, and the keys of the same section by their names."""

    names: Known
    key_ids: Mapping[str, str]


class Kept(NamedTuple):
    """Identifiers of the rules that a section names, for pruning the others."""

    limits: frozenset[str]
    budgets: frozenset[str]


async def apply_tiers(
    conn: AsyncConnection,
    org_id: str | None,
    tiers: Sequence[TierSpec],
    clock: Clock,
) -> None:
    """Make the quota tiers of one owner be as the section says."""
    present = await service.list_tiers(conn, NOBODY if org_id is None else org_id)
    for tier in tiers:
        if Tier(**tier.model_dump()) not in present:
            await service.ensure_tier(conn, org_id, tier, clock=clock)


async def tier_names(conn: AsyncConnection, org_id: str) -> frozenset[str]:
    """The tiers that an organisation may name."""
    return frozenset(tier.name for tier in await service.list_tiers(conn, org_id))


async def apply_rules(
    conn: AsyncConnection,
    org_id: str,
    section: OrganisationSection,
    path: str,
    known: Referable,
    collector: Collector,
    clock: Clock,
) -> Kept:
    """Make the limits and budgets of an organisation be as its section says."""
    limits: set[str] = set()
    budgets: set[str] = set()
    for number, limit in enumerate(section.limits):
        at = f"{path}limits[{number}]."
        with collector.at(at):
            wanted = await _resolved(conn, org_id, limit, at, known)
            made = await service.ensure_limit(conn, org_id, wanted, clock=clock, at=at)
            limits.add(made.id)
    for number, budget in enumerate(section.budgets):
        at = f"{path}budgets[{number}]."
        with collector.at(at):
            money = await _resolved(conn, org_id, budget, at, known)
            rule = await service.ensure_budget(conn, org_id, money, clock=clock, at=at)
            budgets.add(rule.id)
    return Kept(frozenset(limits), frozenset(budgets))


async def prune_rules(conn: AsyncConnection, org_id: str, kept: Kept) -> None:
    """Remove the limits and budgets that the section does not name; tiers stay."""
    for limit in await service.list_limits(conn, org_id):
        if limit.id not in kept.limits:
            await service.remove_limit(conn, org_id, limit.id)
    for budget in await service.list_budgets(conn, org_id):
        if budget.id not in kept.budgets:
            await service.remove_budget(conn, org_id, budget.id)


async def _resolved(
    conn: AsyncConnection, org_id: str, spec: Spec, at: str, known: Referable
) -> Spec:
    """The rule with the key's identifier for its name; models are checked, and the rest later."""
    if spec.scope_id is None:
        return spec
    if spec.scope == "alias":
        try:
            known.names.check_model(spec.scope_id)
        except InvalidRequest as error:
            error.param = f"{at}scope_id"
            raise
    if spec.scope == "key":
        key_id = known.key_ids.get(spec.scope_id)
        if key_id is None:
            key_id = await key_id_of(conn, org_id, spec.scope_id, f"{at}scope_id")
        return spec.model_copy(update={"scope_id": key_id})
    return spec
