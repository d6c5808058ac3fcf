"""SQL of limits, budgets and quota tiers."""

from typing import Any

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Table, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.limits.rules import SEEDED_TIERS, BudgetRule, LimitRule, Tier
from trunkline.storage.tables.limits import budget_rule, limit_rule, quota_tier

LIMIT_COLUMNS = [limit_rule.c[name] for name in LimitRule.__struct_fields__]
BUDGET_COLUMNS = [budget_rule.c[name] for name in BudgetRule.__struct_fields__]
TIER_COLUMNS = [quota_tier.c[name] for name in Tier.__struct_fields__]


async def limits_of(conn: AsyncConnection, org_id: str) -> list[LimitRule]:
    """The limits of an organisation, oldest first."""
    query = select(*LIMIT_COLUMNS).where(limit_rule.c.org_id == org_id).order_by(limit_rule.c.id)
    return [LimitRule(**row) for row in (await conn.execute(query)).mappings()]


async def budgets_of(conn: AsyncConnection, org_id: str) -> list[BudgetRule]:
    """The budgets of an organisation, oldest first."""
    query = select(*BUDGET_COLUMNS).where(budget_rule.c.org_id == org_id)
    rows = await conn.execute(query.order_by(budget_rule.c.id))
    return [BudgetRule(**row) for row in rows.mappings()]


async def tiers_of(conn: AsyncConnection, org_id: str) -> list[Tier]:
    """The tiers that hold in an organisation, smallest first.

    Its own replace the installation's, and those replace the ones that the product begins with.
    On a connection of the organisation row security hides the installation's.
    """
    query = select(quota_tier.c.org_id, *TIER_COLUMNS).where(
        or_(quota_tier.c.org_id.is_(None), quota_tier.c.org_id == org_id)
    )
    found = {tier.name: tier for tier in SEEDED_TIERS}
    own: dict[str, Tier] = {}
    for row in (await conn.execute(query)).mappings():
        values = dict(row)
        layer = found if values.pop("org_id") is None else own
        layer[values["name"]] = Tier(**values)
    found |= own
    return sorted(found.values(), key=lambda tier: (tier.requests_per_day, tier.name))


async def stored_tier(
    conn: AsyncConnection, org_id: str | None, name: str
) -> tuple[str, Tier] | None:
    """The identifier and the tier of exactly this owner."""
    query = select(quota_tier.c.id, *TIER_COLUMNS)
    query = query.where(_owned(quota_tier, org_id), quota_tier.c.name == name)
    row = (await conn.execute(query)).first()
    return None if row is None else (row[0], Tier(*row[1:]))


async def put_limit(
    conn: AsyncConnection, rule: LimitRule, *, created_ms: int | None = None
) -> None:
    """Insert a limit made at this time, or without one replace the limit of the same id."""
    await _put(conn, limit_rule, asdict(rule), created_ms)


async def put_budget(
    conn: AsyncConnection, rule: BudgetRule, *, created_ms: int | None = None
) -> None:
    """Insert a budget made at this time, or without one replace the budget of the same id."""
    await _put(conn, budget_rule, asdict(rule), created_ms)


async def put_tier(
    conn: AsyncConnection,
    org_id: str | None,
    row_id: str,
    tier: Tier,
    *,
    created_ms: int | None = None,
) -> None:
    """Insert a tier made at this time, or without one replace the tier of the same id."""
    values = {"id": row_id, "org_id": org_id, **asdict(tier)}
    await _put(conn, quota_tier, values, created_ms)


async def remove_limit(conn: AsyncConnection, org_id: str, rule_id: str) -> bool:
    """Delete a limit; whether there was one."""
    return await _remove(conn, limit_rule, org_id, rule_id)


async def remove_budget(conn: AsyncConnection, org_id: str, rule_id: str) -> bool:
    """Delete a budget; whether there was one."""
    return await _remove(conn, budget_rule, org_id, rule_id)


def _owned(table: Table, org_id: str | None) -> ColumnElement[bool]:
    column: ColumnElement[str | None] = table.c.org_id
    return column.is_(None) if org_id is None else column == org_id


async def _put(
    conn: AsyncConnection, table: Table, values: dict[str, Any], created_ms: int | None
) -> None:
    if created_ms is not None:
        await conn.execute(insert(table).values(**values, created_ms=created_ms))
        return
    mine = _owned(table, values["org_id"])
    await conn.execute(update(table).where(table.c.id == values["id"], mine).values(values))


async def _remove(conn: AsyncConnection, table: Table, org_id: str, rule_id: str) -> bool:
    query = delete(table).where(table.c.org_id == org_id, table.c.id == rule_id)
    return (await conn.execute(query)).rowcount > 0
