"""Rules in the database, on both engines."""

from typing import Any

import pytest
from msgspec.structs import replace

from trunkline.errors import InvalidRequest, NotFound
from trunkline.identity.pepper import Pepper
from trunkline.identity.records import KeyTerms
from trunkline.identity.service.keys import create_key
from trunkline.identity.service.organisations import create_organisation, create_team
from trunkline.identity.service.users import create_user
from trunkline.kit.clock import FakeClock
from trunkline.limits import service
from trunkline.limits.rules import SEEDED_TIERS, BudgetRule, LimitRule, OrgRules, Tier
from trunkline.limits.schemas import BudgetSpec, LimitSpec, TierSpec, read_spec
from trunkline.storage.changes import changes_after, newest_change
from trunkline.storage.engine import Database

CLOCK = FakeClock()


@pytest.fixture
async def org_id(database: Database) -> str:
    async with database.write(None) as conn:
        return (await create_organisation(conn, name="Acme", clock=CLOCK)).id


async def told(database: Database, after: int) -> list[tuple[str, str]]:
    async with database.read(None) as conn:
        return [(change.kind, change.id) for change in await changes_after(conn, after)]


async def newest(database: Database) -> int:
    async with database.read(None) as conn:
        return await newest_change(conn)


async def test_rules_are_kept_as_they_were_set(database: Database, org_id: str) -> None:
    async with database.write(None) as conn:
        limit = await service.ensure_limit(
            conn, org_id, LimitSpec(counts="requests", amount=60, burst=5), clock=CLOCK
        )
        spec = BudgetSpec(
            amount="12.50",  # type: ignore[arg-type] # Read as people write it.
            window="rolling",
            rolling_seconds=3600,
            reserve="expected",
            overshoot="0.5",  # type: ignore[arg-type] # As above.
            shadow=True,
            scope="alias",
            scope_id="openai/gpt",
            name="try",
        )
        budget = await service.ensure_budget(conn, org_id, spec, clock=CLOCK)
    assert limit == LimitRule(limit.id, org_id, "org", "requests", 60, burst=5)
    assert budget == BudgetRule(
        budget.id,
        org_id,
        "alias",
        12_500_000_000,
        "rolling",
        "openai/gpt",
        "try",
        3600,
        shadow=True,
        reserve="expected",
        overshoot_nano=500_000_000,
    )
    async with database.read(None) as conn:
        assert await service.rules_of(conn, org_id) == OrgRules((limit,), (budget,), SEEDED_TIERS)
    async with database.read(org_id) as conn:
        assert await service.list_limits(conn, org_id) == [limit]
        assert await service.list_budgets(conn, org_id) == [budget]


async def test_an_edit_keeps_the_rule_and_the_same_again_tells_nobody(
    database: Database, org_id: str
) -> None:
    limit, budget = LimitSpec(counts="tokens", amount=60), BudgetSpec(amount=1)
    async with database.write(None) as conn:
        first = await service.ensure_limit(conn, org_id, limit, clock=CLOCK)
        money = await service.ensure_budget(conn, org_id, budget, clock=CLOCK)
    seq = await newest(database)
    async with database.write(None) as conn:
        assert await service.ensure_limit(conn, org_id, limit, clock=CLOCK) == first
        assert await service.ensure_budget(conn, org_id, budget, clock=CLOCK) == money
    assert await told(database, seq) == []
    async with database.write(None) as conn:
        edited = await service.ensure_limit(
            conn, org_id, limit.model_copy(update={"amount": 90}), clock=CLOCK
        )
        raised = await service.ensure_budget(
            conn, org_id, budget.model_copy(update={"amount": 2 * 10**9}), clock=CLOCK
        )
        other = await service.ensure_limit(
            conn, org_id, limit.model_copy(update={"per_seconds": 3600}), clock=CLOCK
        )
    assert edited == replace(first, amount=90)
    assert raised == replace(money, amount_nano=2 * 10**9)
    assert other.id != first.id
    assert await told(database, seq) == [
        ("limit_rule", first.id),
        ("budget_rule", money.id),
        ("limit_rule", other.id),
    ]
    async with database.read(None) as conn:
        assert await service.list_limits(conn, org_id) == [edited, other]
        assert await service.list_budgets(conn, org_id) == [raised]


async def test_a_removed_rule_is_gone_and_an_unknown_one_is_not_found(
    database: Database, org_id: str
) -> None:
    async with database.write(None) as conn:
        limit = await service.ensure_limit(
            conn, org_id, LimitSpec(counts="concurrency", amount=1), clock=CLOCK
        )
        budget = await service.ensure_budget(conn, org_id, BudgetSpec(amount=1), clock=CLOCK)
        await service.remove_limit(conn, org_id, limit.id)
        await service.remove_budget(conn, org_id, budget.id)
    async with database.write(None) as conn:
        with pytest.raises(NotFound):
            await service.remove_limit(conn, org_id, limit.id)
        with pytest.raises(NotFound):
            await service.remove_budget(conn, org_id, budget.id)
        assert await service.rules_of(conn, org_id) == OrgRules()


async def test_nobody_removes_the_rules_of_another_organisation(
    database: Database, org_id: str
) -> None:
    async with database.write(None) as conn:
        limit = await service.ensure_limit(
            conn, org_id, LimitSpec(counts="requests", amount=1), clock=CLOCK
        )
        other = await create_organisation(conn, name="Other", clock=CLOCK)
    async with database.write(None) as conn:
        with pytest.raises(NotFound):
            await service.remove_limit(conn, other.id, limit.id)
        assert await service.list_limits(conn, other.id) == []
        assert await service.list_limits(conn, org_id) == [limit]


async def test_teams_users_and_keys_are_found_by_what_people_call_them(
    database: Database, org_id: str
) -> None:
    async with database.write(None) as conn:
        team = await create_team(conn, org_id, name="Research", clock=CLOCK)
        user = await create_user(
            conn, org_id, email="a@example.com", name="A", role="member", clock=CLOCK
        )
        terms = KeyTerms(name="build")
        issued = await create_key(conn, org_id, terms, pepper=Pepper("p" * 32), clock=CLOCK)
        found = []
        for scope, given in (
            ("team", "research"),
            ("team", team.id),
            ("user", "a@example.com"),
            ("key", issued.key.public_id),
            ("key", issued.key.id),
            ("alias", "any/model"),
            ("user", None),
        ):
            spec = read_spec(
                LimitSpec,
                {"counts": "requests", "amount": 1, "scope": scope, "scope_id": given},
            )
            rule = await service.ensure_limit(conn, org_id, spec, clock=CLOCK)
            found.append(rule.scope_id)
    key_id = issued.key.id
    assert found == [team.id, team.id, user.id, key_id, key_id, "any/model", None]


def test_a_rule_that_contradicts_itself_is_refused_without_a_path() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_spec(BudgetSpec, {"amount": "5", "window": "rolling"})
    assert (refused.value.message, refused.value.param) == (
        "A rolling window, and only that, has rolling_seconds.",
        None,
    )


@pytest.mark.parametrize("scope", ["team", "user", "key"])
async def test_an_unknown_instance_is_refused_with_its_path(
    database: Database, org_id: str, scope: str
) -> None:
    values = {"scope": scope, "scope_id": "nobody"}
    limit = read_spec(LimitSpec, values | {"counts": "requests", "amount": 1})
    budget = read_spec(BudgetSpec, values | {"amount": "1"})
    async with database.write(None) as conn:
        with pytest.raises(InvalidRequest) as first:
            await service.ensure_limit(conn, org_id, limit, clock=CLOCK, at="limits.3.")
        with pytest.raises(InvalidRequest) as second:
            await service.ensure_budget(conn, org_id, budget, clock=CLOCK)
    assert (first.value.param, second.value.param) == ("limits.3.scope_id", "scope_id")


async def test_an_organisations_tier_replaces_the_installations_and_that_the_products(
    database: Database, org_id: str
) -> None:
    shared = TierSpec(name="free", requests_per_day=20, upgrade_hint="Pay.")
    seq = await newest(database)
    async with database.write(None) as conn:
        await service.ensure_tier(conn, None, shared, clock=CLOCK)
        await service.ensure_tier(conn, None, shared, clock=CLOCK)
        own = TierSpec(name="pro", requests_per_day=900, scope="team")
        await service.ensure_tier(conn, org_id, own, clock=CLOCK)
        tiers = await service.list_tiers(conn, org_id)
        elsewhere = await service.list_tiers(conn, "nobody")
    enterprise = SEEDED_TIERS[2]
    free = Tier("free", 20, "Pay.")
    pro = Tier("pro", 900, "Ask your administrator for more.", "team")
    assert tiers == [free, pro, enterprise]
    assert elsewhere == [free, SEEDED_TIERS[1], enterprise]
    assert [kind for kind, _ in await told(database, seq)] == ["quota_tier", "quota_tier"]
    async with database.write(None) as conn:
        again = shared.model_copy(update={"requests_per_day": 30})
        assert (await service.ensure_tier(conn, None, again, clock=CLOCK)).requests_per_day == 30
        assert (await service.list_tiers(conn, org_id))[0].requests_per_day == 30


BUDGET: dict[str, Any] = {"amount": "1"}
LIMIT: dict[str, Any] = {"counts": "requests", "amount": 1}
TIER: dict[str, Any] = {"name": "gold", "requests_per_day": 1}


@pytest.mark.parametrize(
    ("kind", "values", "param"),
    [
        (LimitSpec, LIMIT | {"amount": 0}, "amount"),
        (LimitSpec, LIMIT | {"amount": "5"}, "amount"),
        (LimitSpec, LIMIT | {"amount": True}, "amount"),
        (LimitSpec, LIMIT | {"per_seconds": -1}, "per_seconds"),
        (LimitSpec, LIMIT | {"counts": "bytes"}, "counts"),
        (LimitSpec, LIMIT | {"algorithm": "leaky"}, "algorithm"),
        (LimitSpec, LIMIT | {"scope": "planet"}, "scope"),
        (LimitSpec, LIMIT | {"colour": "red"}, "colour"),
        (LimitSpec, LIMIT | {"scope": "org", "scope_id": "x"}, None),
        (LimitSpec, LIMIT | {"algorithm": "fixed_window", "burst": 5}, None),
        (LimitSpec, LIMIT | {"counts": "concurrency", "burst": 5}, None),
        (LimitSpec, {"counts": "requests"}, "amount"),
        (BudgetSpec, BUDGET | {"amount": "-1"}, "amount"),
        (BudgetSpec, BUDGET | {"amount": 1.5}, "amount"),
        (BudgetSpec, BUDGET | {"amount": "many"}, "amount"),
        (BudgetSpec, BUDGET | {"amount": "0.0000000001"}, "amount"),
        (BudgetSpec, BUDGET | {"amount": "1000000001"}, "amount"),
        (BudgetSpec, BUDGET | {"overshoot": "1"}, None),
        (BudgetSpec, BUDGET | {"time_zone": "Mars/Olympus"}, "time_zone"),
        (BudgetSpec, BUDGET | {"time_zone": "../etc"}, "time_zone"),
        (BudgetSpec, BUDGET | {"time_zone": "UTC", "window": "total"}, None),
        (BudgetSpec, BUDGET | {"window": "rolling"}, None),
        (BudgetSpec, BUDGET | {"rolling_seconds": 3600}, None),
        (BudgetSpec, BUDGET | {"window": "rolling", "rolling_seconds": 5}, "rolling_seconds"),
        (TierSpec, TIER | {"name": "Gold Tier"}, "name"),
        (TierSpec, TIER | {"requests_per_day": 0}, "requests_per_day"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_path_of_the_field(
    kind: Any, values: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_spec(kind, values)
    assert (caught.value.param, caught.value.code) == (param, "invalid_value")
    with pytest.raises(InvalidRequest) as placed:
        read_spec(kind, values, "limits.2.")
    assert placed.value.param == ("limits.2" if param is None else f"limits.2.{param}")
