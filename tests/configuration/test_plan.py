"""What a plan says, and that it changes nothing."""

import pytest
from tests.configuration.rich import RICH
from tests.configuration.world import applied, exported, org_id_of, parts, planned, refused
from tests.connections.world import NOON

from trunkline.configuration.apply import apply_configuration
from trunkline.configuration.difference import Edit, FieldEdit
from trunkline.configuration.loading import parse
from trunkline.configuration.plan import OwnerPlan
from trunkline.configuration.versions import list_versions
from trunkline.errors import Conflict
from trunkline.identity.service.organisations import list_organisations
from trunkline.kit.clock import FakeClock
from trunkline.limits.schemas import LimitSpec
from trunkline.limits.service import ensure_limit
from trunkline.storage.changes import newest_change
from trunkline.storage.engine import Database

FIRST = """
connections: [{name: gpu, provider: vllm, base_url: "http://10.0.0.7/v1"}]
organisations:
- slug: acme
  teams: [{slug: ops}]
  models:
  - name: fast
    targets: [{connection: gpu, model: a}, {connection: gpu, model: b}]
  - {name: gone, targets: [{connection: gpu, model: a}]}
  keys: [{name: build, tags: {a: "1"}}]
  budgets: [{amount: "5"}]
"""
SECOND = """
connections: [{name: gpu, provider: vllm, base_url: "http://10.0.0.8/v1"}]
organisations:
- slug: acme
  name: Acme GmbH
  models:
  - name: fast
    targets:
    - {connection: gpu, model: b}
    - {connection: gpu, model: b2, weight: 2}
    - {connection: gpu, model: c, state: draining}
    route:
      {policy: latency, retry: {attempts: 3}, hedge: {percentile: 90}, fallbacks: {error: [new]}}
  - {name: new, targets: [{connection: gpu, model: a}], cache: {ttl: 60}}
  keys: [{name: build, tags: {b: "2"}, cache: true}]
  budgets: [{amount: "6.50"}]
"""


async def test_a_plan_tells_item_by_item_what_applying_changes(database: Database) -> None:
    await applied(database, FIRST)
    async with database.read(None) as conn:
        newest = await newest_change(conn)
    plan = await planned(database, SECOND, prune=True)
    address = FieldEdit("base_url", "http://10.0.0.7/v1", "http://10.0.0.8/v1")
    assert plan.owners == (
        OwnerPlan(None, (Edit("change", "connections", "gpu", (address,)),)),
        OwnerPlan(
            "acme",
            (
                Edit("change", "organisation", "acme", (FieldEdit("name", "acme", "Acme GmbH"),)),
                Edit(
                    "change",
                    "models",
                    "fast",
                    (
                        FieldEdit(
                            "targets[0]",
                            {"connection": "gpu", "model": "a"},
                            {"connection": "gpu", "model": "b"},
                        ),
                        FieldEdit(
                            "targets[1]",
                            {"connection": "gpu", "model": "b"},
                            {"connection": "gpu", "model": "b2", "weight": 2},
                        ),
                        FieldEdit(
                            "targets[2]",
                            None,
                            {"connection": "gpu", "model": "c", "state": "draining"},
                        ),
                        FieldEdit("route.policy", "ordered", "latency"),
                        FieldEdit("route.fallbacks.error", None, ["new"]),
                        FieldEdit("route.retry.attempts", 2, 3),
                        FieldEdit("route.hedge", None, {"percentile": 90.0}),
                    ),
                ),
                Edit(
                    "remove",
                    "models",
                    "gone",
                    (FieldEdit("targets", [{"connection": "gpu", "model": "a"}], None),),
                ),
                Edit(
                    "add",
                    "models",
                    "new",
                    (
                        FieldEdit("targets", None, [{"connection": "gpu", "model": "a"}]),
                        FieldEdit("cache", None, {"ttl": 60.0}),
                    ),
                ),
                Edit(
                    "change",
                    "keys",
                    "build",
                    (
                        FieldEdit("tags.a", "1", None),
                        FieldEdit("tags.b", None, "2"),
                        FieldEdit("cache", None, True),
                    ),
                ),
                Edit("change", "budgets", "org month", (FieldEdit("amount", "5.00", "6.50"),)),
            ),
        ),
    )
    counts = [plan.count(action) for action in ("add", "change", "remove")]
    assert (counts, plan.rows, plan.is_empty) == ([1, 5, 1], 7, False)

    # Nothing of it has happened, and applying does just this.
    async with database.read(None) as conn:
        assert await newest_change(conn) == newest
    assert (await applied(database, SECOND, prune=True)).plan == plan
    assert (await planned(database, SECOND, prune=True)).is_empty


async def test_a_plan_of_everything_makes_nothing(database: Database) -> None:
    plan = await planned(database, RICH)
    sections = [edit.section for owner in plan.owners for edit in owner.edits]
    assert {edit.action for edit in plan.edits()} == {"add"}
    assert (len(plan.owners), len(sections)) == (3, 40)
    async with database.read(None) as conn:
        assert await list_organisations(conn) == []
        assert await list_versions(conn, None) == []
    assert await exported(database) == [{"version": 1}]


async def test_writing_the_same_policy_differently_is_told(sqlite_database: Database) -> None:
    model = "{name: m, targets: [{connection: openai, model: x}]%s}"
    bare = f"models: [{model % ''}]"
    written = f"models: [{model % ', route: {policy: ordered}'}]"
    await applied(sqlite_database, bare, openai_api_key="k")
    plan = await planned(sqlite_database, written, openai_api_key="k")
    assert (plan.owners, plan.rows) == (
        (
            OwnerPlan(
                None,
                (Edit("change", "models", "m", (FieldEdit("route", {}, {"policy": "ordered"}),)),),
            ),
        ),
        1,
    )


async def test_rules_are_compared_one_by_one(sqlite_database: Database) -> None:
    text = """
    models:
    - name: m
      targets: [{connection: openai, model: x}, {connection: openai, model: y}]
      route: {rules: [%s]}
    """
    one = "{when: {needs: [tools]}, targets: [openai/x]}"
    await applied(sqlite_database, text % one, openai_api_key="k")
    other = "{when: {needs: [vision]}, targets: [openai/x]}, {targets: [openai/y]}"
    plan = await planned(sqlite_database, text % other, openai_api_key="k")
    (edit,) = plan.edits()
    assert edit.fields == (
        FieldEdit("route.rules[0].when.needs", ["tools"], ["vision"]),
        FieldEdit("route.rules[1]", None, {"targets": ["openai/y"]}),
    )
    back = await applied(sqlite_database, text % other, openai_api_key="k")
    assert not back.plan.is_empty
    plan = await planned(sqlite_database, text % one, openai_api_key="k")
    (edit,) = plan.edits()
    assert edit.fields[1] == FieldEdit("route.rules[1]", {"targets": ["openai/y"]}, None)


async def test_what_was_agreed_to_is_applied_and_nothing_else(database: Database) -> None:
    await applied(database, FIRST)
    plan = await planned(database, SECOND)
    org_id = await org_id_of(database, "acme")
    async with database.write(None) as conn:
        wanted = LimitSpec(counts="requests", amount=1)
        await ensure_limit(conn, org_id, wanted, clock=FakeClock(NOON))
    made = await parts(database)
    # Another limit does not touch what was planned.
    done = await apply_configuration(
        made, parse(SECOND.encode()), missing="connections", planned=plan
    )
    assert done.plan == plan
    with pytest.raises(Conflict, match="has changed since this was planned") as caught:
        await apply_configuration(made, parse(FIRST.encode()), missing="connections", planned=plan)
    assert caught.value.code == "plan_outdated"
    assert (await planned(database, SECOND)).is_empty


async def test_routes_are_checked_at_the_end_with_their_lines(database: Database) -> None:
    text = """
    models:
    - {name: late, targets: [{connection: openai, model: x}]}
    ---
    organisation: acme
    models:
    - name: a
      targets: [{connection: openai, model: x}]
      route:
        fallbacks: {error: [b, lost]}
        rules:
        - {when: {team: nobody}, targets: [openai]}
    - name: b
      targets: [{connection: openai, model: x}]
      route: {fallbacks: {context_window: [late, a]}}
    - name: c
      targets: [{connection: openai, model: x}]
      guardrails: [nobody]
      route: {rules: [{targets: [gpu]}]}
    """
    static = await refused(database, text, openai_api_key="k")
    assert [(p.line, p.path, p.message) for p in static] == [
        (19, "models[2].route.rules[0].targets[0]",
         "The model 'c' has no target 'gpu'. It has openai/x"),
    ]  # fmt: skip
    problems = await refused(database, text.replace("[gpu]", "[openai]"), openai_api_key="k")
    assert [(p.line, p.path, p.message.partition(".")[0]) for p in problems] == [
        (10, "models[0].route.fallbacks.error[0]", "Fallbacks go in a circle: a, b, a"),
        (10, "models[0].route.fallbacks.error[1]", "There is no model 'lost' to fall back to"),
        (12, "models[0].route.rules[0].when.team", "There is no team 'nobody'"),
        (15, "models[1].route.fallbacks.context_window[1]", "Fallbacks go in a circle: b, a, b"),
        (18, "models[2].guardrails[0]", "There is no guardrail 'nobody'"),
    ]
    async with database.read(None) as conn:
        assert await list_organisations(conn) == []


async def test_models_that_the_file_does_not_name_are_told_of_by_name(
    sqlite_database: Database,
) -> None:
    model = (
        "{name: %s, targets: [{connection: openai, model: x}], route: {fallbacks: {error: [%s]}}}"
    )
    b = f"models: [{model % ('b', 'c')}, {model % ('c', 'gpt-4o')}]"
    await applied(sqlite_database, b, openai_api_key="k")
    c = f"models: [{model % ('c', 'b')}]"
    problems = await refused(sqlite_database, c, openai_api_key="k")
    assert [(problem.line, problem.path) for problem in problems] == [
        (1, 'models "b".route.fallbacks.error[0]'),
        (1, "models[0].route.fallbacks.error[0]"),
    ]
