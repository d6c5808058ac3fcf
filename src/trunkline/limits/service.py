"""Makes, lists and removes limits, budgets and tiers.

All of it happens in the unit of work of the caller, and every change is told to all processes in
the same transaction. ``ensure_*`` is idempotent: a rule that is there for the same purpose keeps
its identifier and therefore what it has counted.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import NotFound
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.limits import repository
from trunkline.limits.rules import BudgetRule, LimitRule, OrgRules, Tier
from trunkline.limits.schemas import BudgetSpec, LimitSpec, TierSpec
from trunkline.limits.scopes import resolve_scope
from trunkline.storage.changes import append_change

LIMIT, BUDGET, TIER = "limit_rule", "budget_rule", "quota_tier"
KINDS = frozenset({LIMIT, BUDGET, TIER})
"""Kinds of changes after which an organisation's rules must be loaded again; so does its own."""


async def rules_of(conn: AsyncConnection, org_id: str) -> OrgRules:
    """All rules of an organisation, for ``InProcessAdmission.load``.

    Needs a system path (``read(None)``), because the shared tiers belong to no organisation.
    """
    return OrgRules(
        limits=tuple(await repository.limits_of(conn, org_id)),
        budgets=tuple(await repository.budgets_of(conn, org_id)),
        tiers=tuple(await repository.tiers_of(conn, org_id)),
    )


async def list_limits(conn: AsyncConnection, org_id: str) -> list[LimitRule]:
    """The limits of an organisation, oldest first."""
    return await repository.limits_of(conn, org_id)


async def list_budgets(conn: AsyncConnection, org_id: str) -> list[BudgetRule]:
    """The budgets of an organisation, oldest first."""
    return await repository.budgets_of(conn, org_id)


async def list_tiers(conn: AsyncConnection, org_id: str) -> list[Tier]:
    """The tiers that hold in an organisation, smallest first; needs a system path."""
    return await repository.tiers_of(conn, org_id)


async def ensure_limit(
    conn: AsyncConnection, org_id: str, wanted: LimitSpec, *, clock: Clock, at: str = ""
) -> LimitRule:
    """The limit of this scope, count, algorithm and period, made or changed to be as wanted.

    Raises:
        InvalidRequest: the team, user or key is not of the organisation.
    """
    scope_id = await resolve_scope(conn, org_id, wanted.scope, wanted.scope_id, f"{at}scope_id")
    values: dict[str, Any] = wanted.model_dump() | {"org_id": org_id, "scope_id": scope_id}
    rule = LimitRule(id=new_id(), **values)
    for present in await repository.limits_of(conn, org_id):
        if (present.scope_id, present.shape) == (rule.scope_id, rule.shape):
            rule = LimitRule(id=present.id, **values)
            if rule != present:
                await repository.put_limit(conn, rule)
                await append_change(conn, org_id, LIMIT, rule.id)
            return rule
    await repository.put_limit(conn, rule, created_ms=int(clock.now() * 1000))
    await append_change(conn, org_id, LIMIT, rule.id)
    return rule


async def ensure_budget(
    conn: AsyncConnection, org_id: str, wanted: BudgetSpec, *, clock: Clock, at: str = ""
) -> BudgetRule:
    """The budget of this name, scope and window, made or changed to be as wanted.

    Raises:
        InvalidRequest: the team, user or key is not of the organisation.
    """
    scope_id = await resolve_scope(conn, org_id, wanted.scope, wanted.scope_id, f"{at}scope_id")
    values: dict[str, Any] = wanted.model_dump() | {"org_id": org_id, "scope_id": scope_id}
    values["amount_nano"] = values.pop("amount")
    values["overshoot_nano"] = values.pop("overshoot")
    rule = BudgetRule(id=new_id(), **values)
    for present in await repository.budgets_of(conn, org_id):
        if _purpose(present) == _purpose(rule):
            rule = BudgetRule(id=present.id, **values)
            if rule != present:
                await repository.put_budget(conn, rule)
                await append_change(conn, org_id, BUDGET, rule.id)
            return rule
    await repository.put_budget(conn, rule, created_ms=int(clock.now() * 1000))
    await append_change(conn, org_id, BUDGET, rule.id)
    return rule


async def ensure_tier(
    conn: AsyncConnection, org_id: str | None, wanted: TierSpec, *, clock: Clock
) -> Tier:
    """The tier of this name, made or changed; ``org_id`` None for the whole installation's."""
    tier = Tier(**wanted.model_dump())
    present = await repository.stored_tier(conn, org_id, tier.name)
    if present is None:
        row_id = new_id()
        created_ms = int(clock.now() * 1000)
        await repository.put_tier(conn, org_id, row_id, tier, created_ms=created_ms)
    elif present[1] != tier:
        row_id = present[0]
        await repository.put_tier(conn, org_id, row_id, tier)
    else:
        return tier
    await append_change(conn, org_id, TIER, row_id)
    return tier


async def remove_limit(conn: AsyncConnection, org_id: str, rule_id: str) -> None:
    """Remove a limit.

    Raises:
        NotFound: the organisation has none of this identifier.
    """
    if not await repository.remove_limit(conn, org_id, rule_id):
        raise NotFound(
            f"There is no limit {rule_id!r}.",
            code="limit_not_found",
            hint="trunkline limits list shows identifiers.",
        )
    await append_change(conn, org_id, LIMIT, rule_id)


async def remove_budget(conn: AsyncConnection, org_id: str, rule_id: str) -> None:
    """Remove a budget.

    Raises:
        NotFound: the organisation has none of this identifier.
    """
    if not await repository.remove_budget(conn, org_id, rule_id):
        raise NotFound(
            f"There is no budget {rule_id!r}.",
            code="budget_not_found",
            hint="trunkline budgets list shows identifiers.",
        )
    await append_change(conn, org_id, BUDGET, rule_id)


def _purpose(rule: BudgetRule) -> tuple[object, ...]:
    return (rule.name, rule.scope, rule.scope_id, rule.window, rule.rolling_seconds)
