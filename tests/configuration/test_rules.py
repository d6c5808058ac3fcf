"""Quota tiers, limits and budgets of the file."""

from tests.configuration.world import applied, org_id_of, refused

from trunkline.identity.service.keys import list_keys
from trunkline.identity.service.organisations import find_team
from trunkline.limits.rules import BudgetRule, LimitRule, OrgRules, Tier
from trunkline.limits.service import rules_of
from trunkline.storage.engine import Database

FILE = """
tiers: [{name: trial, requests_per_day: 25, upgrade_hint: Buy more.}]
organisations:
- slug: acme
  tier: trial
  teams: [{slug: research}]
  keys: [{name: build, tier: house}]
  tiers: [{name: house, requests_per_day: 7, scope: key}]
  limits:
  - {counts: requests, amount: 600, burst: 50}
  - {scope: key, scope_id: build, counts: tokens, amount: 9, algorithm: sliding_window}
  budgets:
  - {name: all, amount: "1000.00"}
  - {scope: team, scope_id: research, amount: "2.5", window: week, time_zone: Europe/Berlin}
  - {scope: alias, scope_id: gpt-4o, amount: 1, window: day, reserve: expected, overshoot: "0.1"}
"""


async def _rules(database: Database) -> OrgRules:
    org_id = await org_id_of(database, "acme")
    async with database.read(None) as conn:
        return await rules_of(conn, org_id)


async def test_limits_budgets_and_tiers_become_the_rules_of_the_organisation(
    database: Database,
) -> None:
    await applied(database, FILE, openai_api_key="k")
    org_id = await org_id_of(database, "acme")
    async with database.read(None) as conn:
        (key,) = await list_keys(conn, org_id)
        team = await find_team(conn, org_id, "research")
    rules = await _rules(database)
    first, second = rules.limits
    assert first == LimitRule(first.id, org_id, "org", "requests", 600, burst=50)
    assert second == LimitRule(
        second.id, org_id, "key", "tokens", 9, scope_id=key.id, algorithm="sliding_window"
    )
    usd = 1_000_000_000
    whole, weekly, daily = rules.budgets
    assert whole == BudgetRule(whole.id, org_id, "org", 1000 * usd, name="all")
    assert weekly == BudgetRule(
        weekly.id, org_id, "team", 2_500_000_000, "week", team.id, time_zone="Europe/Berlin"
    )
    assert daily == BudgetRule(
        daily.id, org_id, "alias", usd, "day", "gpt-4o",
        reserve="expected", overshoot_nano=100_000_000,
    )  # fmt: skip
    tiers = {tier.name: tier for tier in rules.tiers}
    assert tiers["trial"] == Tier("trial", 25, "Buy more.")
    assert (tiers["house"].requests_per_day, tiers["house"].scope) == (7, "key")
    assert {"free", "pro", "enterprise"} <= tiers.keys()


async def test_a_second_time_changes_nothing_and_a_new_amount_keeps_the_rule(
    database: Database,
) -> None:
    await applied(database, FILE, openai_api_key="k")
    before = await _rules(database)
    assert (await applied(database, FILE, openai_api_key="k", prune=True)).changes == ()
    changed = await applied(database, FILE.replace("600", "700"), openai_api_key="k")
    assert [change.kind for change in changed.changes] == ["limit_rule"]
    after = await _rules(database)
    assert [rule.id for rule in after.limits] == [rule.id for rule in before.limits]
    assert after.limits[0].amount == 700


async def test_pruning_removes_the_rules_that_the_file_does_not_name(database: Database) -> None:
    await applied(database, FILE, openai_api_key="k")
    less = """
    organisations:
    - {slug: acme, tier: trial, limits: [{counts: requests, amount: 600}]}
    """
    await applied(database, less)
    assert len((await _rules(database)).budgets) == 3
    await applied(database, less, prune=True)
    rules = await _rules(database)
    assert ([limit.burst for limit in rules.limits], rules.budgets) == ([None], ())


async def test_unknown_scopes_models_and_tiers_are_refused_with_their_paths(
    database: Database,
) -> None:
    text = """
    organisations:
    - slug: acme
      tier: nobody
      keys: [{name: a, tier: gone}]
      limits:
      - {scope: team, scope_id: lost, counts: requests, amount: 1}
      - {scope: key, scope_id: lost, counts: requests, amount: 1}
      - {scope: alias, scope_id: gtp-4o, counts: requests, amount: 1}
      budgets:
      - {scope: user, scope_id: who@b.example, amount: "1"}
    """
    problems = await refused(database, text)
    assert [(problem.path, problem.message.partition(".")[0]) for problem in problems] == [
        ("organisations[0].tier", "There is no tier 'nobody'"),
        ("organisations[0].keys[0].tier", "There is no tier 'gone'"),
        ("organisations[0].limits[0].scope_id", "the organisation has no team 'lost'"),
        ("organisations[0].limits[1].scope_id", "the organisation has no key 'lost'"),
        ("organisations[0].limits[2].scope_id", "There is no model 'gtp-4o'"),
        ("organisations[0].budgets[0].scope_id", "the organisation has no user 'who@b"),
    ]


async def test_amounts_and_zones_that_cannot_be_meant_are_told_together(
    sqlite_database: Database,
) -> None:
    text = """
    tiers: [{name: t, requests_per_day: 0}]
    organisations:
    - slug: acme
      limits: [{counts: requests, amount: -1}, {counts: colours, amount: 1}]
      budgets:
      - {amount: "-1"}
      - {amount: 1.5}
      - {amount: "1", time_zone: Mars/Olympus}
      - {amount: "1", window: rolling}
      - {amount: "1", colour: red}
    """
    problems = await refused(sqlite_database, text)
    assert [problem.path for problem in problems] == [
        "tiers[0].requests_per_day",
        "organisations[0].limits[0].amount",
        "organisations[0].limits[1].counts",
        "organisations[0].budgets[0].amount",
        "organisations[0].budgets[1].amount",
        "organisations[0].budgets[2].time_zone",
        "organisations[0].budgets[3]",
        "organisations[0].budgets[4].colour",
    ]
