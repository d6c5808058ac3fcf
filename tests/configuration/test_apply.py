"""Applying a configuration file to real databases: whole or not at all, and idempotent."""

from textwrap import dedent

import pytest
from tests.configuration.world import applied, org_id_of, refused
from tests.connections.world import put, routes

from trunkline.connections.schemas import PriceSpec
from trunkline.connections.service import ConnectionService
from trunkline.identity.secret import generate_key
from trunkline.identity.service.keys import list_keys
from trunkline.identity.service.organisations import find_organisation, list_organisations
from trunkline.identity.service.users import list_members
from trunkline.storage.engine import Database

SERVICE = ConnectionService()

WHOLE = """
connections:
- {name: gpu, provider: vllm, base_url: "http://10.0.0.7:8000/v1"}
models:
- {name: shared, targets: [{connection: gpu, model: llama}]}
prices:
- {provider: openai, model: gpt-4o, input: "2.00", output: "8.00"}
organisations:
- slug: acme
  name: Acme GmbH
  time_zone: Europe/Berlin
  tier: pro
  teams:
  - {slug: research, name: Research}
  users:
  - {email: Ann@acme.example, name: Ann, role: admin}
  connections:
  - {name: own, provider: openai, secret: "env:ACME_KEY"}
  models:
  - {name: fast, targets: [{connection: own, model: gpt-4o-mini}, {connection: gpu, model: qwen}]}
  prices:
  - {connection: gpu, input: "0.10", output: "0.20"}
  keys:
  - name: build
    team: research
    scopes: [inference]
    aliases: [fast, shared, gpt-4o, own/o3]
    tags: {cost-centre: "42"}
    expires: 2027-01-01
    secret: env:BUILD_KEY
  - {name: ann, user: ann@acme.example}
"""


async def test_a_whole_file_is_applied_and_a_second_time_changes_nothing(
    database: Database,
) -> None:
    text = generate_key().full
    variables = {"ACME_KEY": "sk-acme", "BUILD_KEY": text}
    first = await applied(database, WHOLE, variables=variables, openai_api_key="k")
    assert sorted({change.kind for change in first.changes}) == [
        "alias", "api_key", "connection", "member", "organisation", "price_override", "team",
    ]  # fmt: skip
    assert [(issued.organisation, issued.key) for issued in first.issued] == [("acme", "ann")]
    second = await applied(database, WHOLE, variables=variables, openai_api_key="k")
    assert (second.changes, second.issued) == ((), ())
    third = await applied(database, WHOLE, variables=variables, openai_api_key="k", prune=True)
    assert third.changes == ()

    org_id = await org_id_of(database, "acme")
    async with database.read(None) as conn:
        org = await find_organisation(conn, "acme")
        build, ann = await list_keys(conn, org_id)
        ((user, role),) = await list_members(conn, org_id)
        private = [row.private for row in await SERVICE.connections(conn, None)]
    assert (org.name, org.time_zone, org.tier) == ("Acme GmbH", "Europe/Berlin", "pro")
    assert (build.name, build.scopes, build.tags) == (
        "build", ("inference",), {"cost-centre": "42"},
    )  # fmt: skip
    assert build.aliases == ("fast", "gpt-4o", "own/o3", "shared")
    assert (build.team_id is None, build.expires_ms) == (False, 1_798_761_600_000)
    assert (ann.user_id, user.email, role) == (user.id, "ann@acme.example", "admin")
    assert private == [True]

    built = routes(database, variables=variables, openai_api_key="k")
    await built.load()
    fast = built.snapshot(org_id).aliases["fast"]
    prices = [target.price and target.price.rates.input for target in fast.targets]
    assert prices == [150_000_000, 100_000_000]


async def test_a_bad_file_applies_nothing_and_tells_everything(database: Database) -> None:
    text = """
    models:
    - {name: lost, targets: [{connection: nowhere, model: x}]}
    organisations:
    - {slug: good}
    - slug: acme
      teams: [{slug: "Bad Slug"}]
      users: [{email: nobody}, {email: a@b.example, role: king}]
      prices: [{connection: nowhere, input: "1"}]
      models: [{name: fast, targets: [{connection: gpu, model: x}]}]
      keys:
      - {name: one, team: nobody, user: who@b.example}
      - {name: two, scopes: [inference, fly], aliases: [gtp-4o, openai/anything, nowhere/x]}
      - {name: three, tags: {"a b": c}}
    - {slug: mars, time_zone: Mars/Olympus}
    """
    problems = await refused(database, text, openai_api_key="k")
    assert [problem.path for problem in problems] == [
        "models[0].targets[0].connection",
        "organisations[1].teams[0].slug",
        "organisations[1].users[0].email",
        "organisations[1].users[1].role",
        "organisations[1].prices[0].connection",
        "organisations[1].models[0].targets[0].connection",
        "organisations[1].keys[0].team",
        "organisations[1].keys[0].user",
        "organisations[1].keys[1].scopes[1]",
        "organisations[1].keys[1].aliases[0]",
        "organisations[1].keys[1].aliases[2]",
        "organisations[1].keys[2].tags.a b",
        "organisations[2].time_zone",
    ]
    assert [problem.line for problem in problems] == [3, 7, 8, 8, 9, 10, 12, 12, 13, 13, 13, 14, 15]
    said = {problem.path: problem.message for problem in problems}
    assert (
        said["models[0].targets[0].connection"]
        == "There is no connection 'nowhere'. There are openai"
    )
    assert said["organisations[2].time_zone"] == (
        "'Mars/Olympus' is not a time zone. "
        "Use a name of the IANA database, such as Europe/Berlin or UTC"
    )
    async with database.read(None) as conn:
        assert await list_organisations(conn) == []


async def test_a_key_whose_secret_is_missing_is_told_before_anything_is_written(
    sqlite_database: Database,
) -> None:
    text = "organisations: [{slug: a, keys: [{name: k}, {name: l, secret: 'env:NONE'}]}]"
    (problem,) = await refused(sqlite_database, text)
    assert (problem.path, problem.message) == (
        "organisations[0].keys[1].secret", "the environment has no NONE",
    )  # fmt: skip


async def test_a_secret_that_is_no_key_of_ours_is_refused_without_telling_it(
    sqlite_database: Database,
) -> None:
    text = "organisations: [{slug: a, keys: [{name: l, secret: 'env:WRONG'}]}]"
    (problem,) = await refused(sqlite_database, text, {"WRONG": "sk-something"})
    assert problem.path == "organisations[0].keys[0].secret"
    assert "sk-something" not in problem.message


async def test_what_is_not_in_the_file_is_left_alone_unless_pruned(database: Database) -> None:
    await applied(database, WHOLE, variables={"BUILD_KEY": generate_key().full}, openai_api_key="k")
    await put(database, None, PriceSpec(provider="vllm", free=True))
    less = "organisations: [{slug: acme, name: Acme GmbH, keys: [{name: ann}]}]"
    kept = await applied(database, less)
    assert {change.kind for change in kept.changes} == {"api_key"}
    org_id = await org_id_of(database, "acme")
    async with database.read(None) as conn:
        assert len(await SERVICE.models(conn, org_id)) == 1

    pruned = await applied(database, less, prune=True)
    assert sorted(change.kind for change in pruned.changes) == [
        "alias", "alias", "api_key", "connection", "connection", "price_override",
        "price_override", "price_override",
    ]  # fmt: skip
    async with database.read(None) as conn:
        for owner in (None, org_id):
            assert await SERVICE.models(conn, owner) == []
            assert await SERVICE.connections(conn, owner) == []
            assert await SERVICE.prices(conn, owner) == []
        live = [key.name for key in await list_keys(conn, org_id) if key.revoked_ms is None]
        assert live == ["ann"]
        assert len(await list_members(conn, org_id)) == 1
    assert (await applied(database, less, prune=True)).changes == ()


async def test_pruning_a_connection_that_is_still_used_is_refused(
    sqlite_database: Database,
) -> None:
    await applied(sqlite_database, WHOLE, variables={"BUILD_KEY": generate_key().full},
                  openai_api_key="k")  # fmt: skip
    text = """
    organisations:
    - slug: acme
      models: [{name: fast, targets: [{connection: own, model: x}]}]
    """
    (problem,) = await refused(sqlite_database, text, prune=True)
    assert problem.path == "organisations[0].connections"
    assert problem.message.startswith("The connection 'own' is used by fast")
    async with sqlite_database.read(None) as conn:
        org_id = (await find_organisation(conn, "acme")).id
        assert [row.name for row in await SERVICE.connections(conn, org_id)] == ["own"]


async def test_pruning_what_organisations_use_of_the_shared_is_refused(
    database: Database,
) -> None:
    shared = "connections: [{name: gpu, provider: groq}, {name: own, provider: groq}]"
    acme = """
    ---
    organisation: acme
    connections: [{name: own, provider: groq}]
    models: [{name: a, targets: [{connection: gpu, model: x}, {connection: own, model: x}]}]
    """
    await applied(database, shared + dedent(acme))
    (problem,) = await refused(database, "{connections: [], models: []}", prune=True)
    assert problem.path == "connections"
    assert problem.message.startswith("The connection 'gpu' is used by a")


async def test_pruning_a_shared_model_that_organisations_fall_back_to_is_refused(
    database: Database,
) -> None:
    shared = "connections: [{name: gpu, provider: groq}]\n"
    models = "models: [{name: spare, targets: [{connection: gpu, model: x}]}]"
    route = "route: {fallbacks: {error: [spare]}}"
    acme = f"""
    ---
    organisation: acme
    models: [{{name: a, targets: [{{connection: gpu, model: x}}], {route}}}]
    ---
    organisation: globex
    models:
    - {{name: b, targets: [{{connection: gpu, model: x}}], {route}}}
    - {{name: spare, targets: [{{connection: gpu, model: y}}]}}
    """
    await applied(database, shared + models + dedent(acme))
    (problem,) = await refused(database, shared + "models: []", prune=True)
    assert (problem.path, problem.message.partition(".")[0]) == (
        "models", "a would miss 'spare'",
    )  # fmt: skip


async def test_pruning_a_model_that_the_same_file_names_is_refused(
    sqlite_database: Database,
) -> None:
    models = "models: [{name: fast, targets: [{connection: gpu, model: x}]}]"
    acme = """
    ---
    organisation: acme
    keys: [{name: app, aliases: [fast]}]
    limits: [{amount: 5, counts: requests, scope: alias, scope_id: fast}]
    budgets: [{name: b, amount: "1.00", scope: alias, scope_id: fast}]
    """
    shared = "connections: [{name: gpu, provider: groq}]\n"
    await applied(sqlite_database, shared + dedent(acme) + models)
    problems = await refused(sqlite_database, shared + dedent(acme), prune=True)
    assert [problem.path for problem in problems] == [
        "keys[0].aliases[0]", "limits[0].scope_id", "budgets[0].scope_id",
    ]  # fmt: skip
    assert {problem.message for problem in problems} == {"There is no model 'fast'"}


async def test_every_change_of_a_long_file_is_told(sqlite_database: Database) -> None:
    lines = [f"- {{name: c{number}, provider: openai}}" for number in range(1_100)]
    text = "\n".join(["connections:", *lines])
    assert len((await applied(sqlite_database, text)).changes) == 1_100
    assert (await applied(sqlite_database, text)).changes == ()


async def test_guardrails_go_after_the_models_that_name_them(database: Database) -> None:
    whole = """
    guardrails: [{name: shared, kind: size, size: {tokens: 9}}]
    organisations:
    - slug: acme
      guardrails: [{name: own, kind: size, size: {tokens: 5}}]
      models:
      - {name: m, targets: [{connection: openai, model: x}], guardrails: [own, shared]}
    """
    await applied(database, whole, openai_api_key="k")
    less = whole.replace("guardrails: [{name: own, kind: size, size: {tokens: 5}}]", "")
    (problem,) = await refused(database, less, prune=True, openai_api_key="k")
    assert (problem.path, problem.line) == ("organisations[0].guardrails", 4)
    assert problem.message.startswith("The guardrail 'own' is named by m")
    (problem,) = await refused(
        database, whole.replace("{name: shared", "{name: other"), prune=True, openai_api_key="k"
    )
    assert problem.path == "guardrails"
    pruned = await applied(database, "organisations: [{slug: acme}]", prune=True)
    assert sorted(change.kind for change in pruned.changes) == ["alias", "guardrail", "guardrail"]


@pytest.mark.parametrize("text", ["", "# Nothing yet.\n", "{}", "version: 1", "organisations: []"])
async def test_pruning_by_a_file_that_says_nothing_is_refused(
    sqlite_database: Database, text: str
) -> None:
    shared = """
    connections: [{name: gpu, provider: groq}]
    models: [{name: a, targets: [{connection: gpu, model: x}]}]
    prices: [{provider: groq, input: "1"}, {provider: openai, input: "1"}]
    """
    whole = dedent(shared) + "---\norganisation: acme\nkeys: [{name: k}]\n"
    assert (await applied(sqlite_database, text, prune=True)).changes == ()
    await applied(sqlite_database, whole)
    (problem,) = await refused(sqlite_database, text, prune=True)
    assert problem.message == (
        "it names nothing, and pruning would remove all that organisations share: connections "
        "(1), models (1), prices (2). Where something shall go, write its section as an empty "
        "list, such as models: []"
    )
    assert (await applied(sqlite_database, whole, prune=True)).changes == ()
    meant = "{connections: [], models: [], prices: []}"
    gone = await applied(sqlite_database, meant, prune=True)
    assert sorted(change.kind for change in gone.changes) == [
        "alias", "connection", "price_override", "price_override",
    ]  # fmt: skip


async def test_pruning_every_shared_model_has_to_be_said(sqlite_database: Database) -> None:
    connections = "connections: [{name: gpu, provider: groq}]\n"
    models = "models: [{name: a, targets: [{connection: gpu, model: x}]}]\n"
    await applied(sqlite_database, connections + models)
    (problem,) = await refused(sqlite_database, connections, prune=True)
    assert (problem.path, problem.line) == ("models", 1)
    assert problem.message == (
        "the file has none, and pruning would remove every model that organisations share (1). "
        "Write models: [] if they shall go"
    )
    gone = await applied(sqlite_database, connections + "models: []", prune=True)
    assert [change.kind for change in gone.changes] == ["alias"]
    assert (await applied(sqlite_database, connections, prune=True)).changes == ()


async def test_keys_are_revoked_only_where_the_file_has_a_list_of_them(database: Database) -> None:
    await applied(database, "{organisation: acme, keys: [{name: one}, {name: two}]}")
    assert (await applied(database, "organisation: acme", prune=True)).changes == ()
    less = await applied(database, "{organisation: acme, keys: [{name: one}]}", prune=True)
    none = await applied(database, "{organisation: acme, keys: []}", prune=True)
    assert [change.kind for change in less.changes + none.changes] == ["api_key", "api_key"]
    async with database.read(None) as conn:
        kept = await list_keys(conn, await org_id_of(database, "acme"))
    assert all(key.revoked_ms is not None for key in kept)


async def test_what_a_file_leaves_out_about_an_organisation_itself_stays(
    database: Database,
) -> None:
    await applied(database, "{organisation: acme, name: Acme, time_zone: Asia/Tokyo, tier: pro}")
    kept = await applied(database, "{organisation: acme, teams: [{slug: ops}]}", prune=True)
    assert [change.kind for change in kept.changes] == ["team"]
    await applied(database, "{organisation: acme, tier: enterprise}")
    async with database.read(None) as conn:
        org = await find_organisation(conn, "acme")
    assert (org.name, org.time_zone, org.tier) == ("Acme", "Asia/Tokyo", "enterprise")
    await applied(database, "{organisation: acme, name: null, time_zone: null, tier: null}")
    async with database.read(None) as conn:
        org = await find_organisation(conn, "acme")
    assert (org.name, org.time_zone, org.tier) == ("acme", "UTC", None)
