"""Routes, caches, guardrails and several secrets in the snapshots that the data path reads."""

import json
import logging
from typing import Any

import pytest
from sqlalchemy import update
from tests.connections.world import NOON, local, make_org, model, put, routes, settings

from trunkline.connections.adapter import SnapshotRoutes
from trunkline.connections.schemas import ConnectionSpec, ModelSpec
from trunkline.connections.service import ConnectionService
from trunkline.gateway.policy import (
    DEFAULT_ROUTE,
    NO_CACHE_POLICY,
    CachePolicy,
    Condition,
    Route,
    Rule,
)
from trunkline.gateway.snapshot import NO_CREDENTIAL, Connection, Credential
from trunkline.guardrails.schemas import GuardrailSpec
from trunkline.guardrails.service import ensure_guardrail
from trunkline.identity.service.organisations import ensure_team
from trunkline.kit.clock import FakeClock
from trunkline.storage.changes import Change, changes_after
from trunkline.storage.engine import Database
from trunkline.storage.tables.connections import alias as alias_table
from trunkline.storage.tables.guardrails import guardrail as guardrail_table

CLOCK = FakeClock(NOON)
UNFIT = "the secret has characters that a header cannot carry"


def written(name: str, *targets: dict[str, Any], **more: Any) -> ModelSpec:
    chosen = targets or ({"model": "a"}, {"model": "b"})
    whole = [{"connection": "gpu", **target} for target in chosen]
    return ModelSpec.model_validate({"name": name, "targets": whole, **more})


async def put_guardrail(database: Database, org_id: str | None, name: str, **spec: Any) -> None:
    wanted = GuardrailSpec.model_validate({"name": name, "kind": "pii", **spec})
    async with database.write(None) as conn:
        await ensure_guardrail(conn, org_id, wanted, clock=CLOCK)


async def loaded(database: Database, **more: Any) -> SnapshotRoutes:
    built = routes(database, **more)
    await built.load()
    return built


async def changes(database: Database, built: SnapshotRoutes, org_id: str) -> list[Change]:
    async with database.read(None) as conn:
        return await changes_after(conn, built.snapshot(org_id).version)


async def test_a_model_without_policies_has_the_defaults(sqlite_database: Database) -> None:
    await put(sqlite_database, None, local("gpu"), written("fast"))
    alias = (await loaded(sqlite_database)).snapshot("any").aliases["fast"]
    assert alias.route is DEFAULT_ROUTE
    assert alias.cache is NO_CACHE_POLICY
    assert alias.guards == ()
    assert [(target.weight, target.state) for target in alias.targets] == [(1, "active")] * 2


async def test_policies_are_in_the_snapshot_with_the_ids_of_teams(database: Database) -> None:
    org = await make_org(database, "acme")
    async with database.write(None) as conn:
        team = await ensure_team(conn, org, name="R", slug="research", clock=CLOCK)
    spec = written(
        "fast",
        {"model": "a", "weight": 9},
        {"model": "b", "state": "draining"},
        route={
            "policy": "weighted",
            "rules": [
                {"when": {"team": "research"}, "targets": ["gpu/b"], "policy": "ordered"},
                {"targets": ["gpu"]},
            ],
            "fallbacks": {"error": ["other"]},
        },
        cache={"enabled": True, "ttl": 60},
    )
    await put(database, org, local("gpu"), spec, written("other"))
    built = await loaded(database)
    alias = built.snapshot(org).aliases["fast"]
    assert alias.route == Route(
        strategy="weighted",
        rules=(
            Rule(Condition(teams=frozenset({team.id})), (1,), "ordered"),
            Rule(Condition(), (0, 1)),
        ),
        fallbacks={"error": ("other",)},
    )
    assert alias.cache == CachePolicy(enabled=True, ttl=60)
    assert [(target.model, target.weight, target.state) for target in alias.targets] == [
        ("a", 9, "active"), ("b", 1, "draining"),
    ]  # fmt: skip
    assert built.problems == ()


async def test_a_shared_model_keeps_weights_states_and_policies_at_an_own_connection(
    sqlite_database: Database,
) -> None:
    org = await make_org(sqlite_database, "acme")
    shared = written(
        "fast", {"model": "a", "weight": 9}, {"model": "b", "state": "draining"},
        route={"policy": "weighted"},
    )  # fmt: skip
    await put(sqlite_database, None, local("gpu"), shared)
    await put(sqlite_database, org, local("gpu", base_url="http://10.0.0.9/v1"))
    built = await loaded(sqlite_database)
    mine, theirs = (built.snapshot(owner).aliases["fast"] for owner in (org, "other"))
    assert mine.targets[0].connection is not theirs.targets[0].connection
    assert [(target.weight, target.state) for target in mine.targets] == [
        (9, "active"), (1, "draining"),
    ]  # fmt: skip
    assert mine.route == theirs.route == Route(strategy="weighted")


async def test_the_positions_of_rules_are_those_of_the_targets_that_are_left(
    sqlite_database: Database,
) -> None:
    spec = ModelSpec.model_validate({
        "name": "fast",
        "targets": [{"connection": "gone", "model": "x"}, {"connection": "gpu", "model": "a"}],
        "route": {"rules": [
            {"when": {"needs": ["vision"]}, "targets": ["gone"]}, {"targets": ["gone", "gpu/a"]},
        ]},
    })  # fmt: skip
    await put(sqlite_database, None, local("gpu"), spec, environment=frozenset({"gone"}))
    built = await loaded(sqlite_database)
    rules = built.snapshot("any").aliases["fast"].route.rules
    assert [rule.targets for rule in rules] == [(), (0,)]
    assert built.problems == (
        "the model 'fast' wants the unknown connection 'gone'",
        "no target of rule 0 of 'fast' can be reached",
    )


async def test_a_fallback_that_is_not_there_or_leads_back_is_left_out_and_told(
    sqlite_database: Database,
) -> None:
    org = await make_org(sqlite_database, "acme")

    def falling(name: str, *others: str) -> ModelSpec:
        route = {"policy": "price", "fallbacks": {"error": others, "budget": others[:1]}}
        return written(name, route=route)

    await put(sqlite_database, None, local("gpu"), falling("a", "b"), written("b"))
    await put(sqlite_database, org, falling("b", "a", "c"), falling("d", "e"))
    await put(sqlite_database, org, written("c"), written("e", guardrails=["none"]))
    built = await loaded(sqlite_database)
    mine, theirs = built.snapshot(org).aliases, built.snapshot("other").aliases
    assert {name: alias.route.fallbacks for name, alias in mine.items()} == {
        "a": {"error": ("b",), "budget": ("b",)}, "b": {"error": ("c",)}, "c": {}, "d": {},
    }  # fmt: skip
    assert mine["b"].route.strategy == "price"
    assert mine["a"] is theirs["a"]
    assert sorted(set(built.problems)) == [
        "the model 'b' does without its fallback 'a', which leads back to it",
        "the model 'd' does without its fallback 'e', which is not there",
        "the model 'e' is left out: there is no guardrail 'none'",
    ]


async def test_without_its_embedding_model_a_cache_compares_nothing(
    sqlite_database: Database,
) -> None:
    cache = {"enabled": True, "mode": "semantic", "embedding": "small"}
    await put(sqlite_database, None, local("gpu"), written("fast", cache=cache))
    built = await loaded(sqlite_database)
    assert built.snapshot("any").aliases["fast"].cache == CachePolicy(enabled=True)
    assert built.problems == ("the model 'fast' compares no prompts: there is no model 'small'",)
    await put(sqlite_database, None, model("small", "gpu/e", kind="embedding"))
    await built.load()
    found = built.snapshot("any").aliases["fast"].cache
    assert found == CachePolicy(enabled=True, mode="semantic", embedding="small")
    assert not built.problems


async def test_models_have_the_guards_that_they_name_the_organisations_own_first(
    database: Database,
) -> None:
    org = await make_org(database, "acme")
    await put_guardrail(database, None, "pii", way="in")
    await put_guardrail(database, None, "mail", pii={"entities": ["email"]})
    await put(database, None, local("gpu"), written("shared", guardrails=["pii"]))
    await put_guardrail(database, org, "pii", way="out")
    await put(database, org, written("own", guardrails=["mail", "pii"]))
    built = await loaded(database)
    aliases = built.snapshot(org).aliases
    assert [(guard.name, guard.inward) for guard in aliases["own"].guards] == [
        ("mail", True), ("pii", False),
    ]  # fmt: skip
    # What the operator asks of a shared model cannot be taken out by another of the same name.
    assert [(guard.name, guard.inward) for guard in aliases["shared"].guards] == [("pii", True)]
    assert aliases["own"].guards[0].find("a@example.org") != []


async def test_a_change_of_a_guardrail_reaches_its_models_and_leaves_the_others_compiled(
    database: Database,
) -> None:
    org = await make_org(database, "acme")
    for name in ("pii", "other"):
        await put_guardrail(database, org, name, way="in")
    await put(database, org, local("gpu"), written("fast", guardrails=["pii", "other"]))
    built = await loaded(database)
    before = built.snapshot(org).aliases["fast"].guards
    await put_guardrail(database, org, "pii", way="out")
    await built.apply(await changes(database, built, org))
    after = built.snapshot(org).aliases["fast"].guards
    assert [(guard.inward, guard.outward) for guard in after] == [(False, True), (True, False)]
    assert after[1] is before[1]


async def test_a_model_is_never_served_without_a_guard_that_it_names(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    org = await make_org(sqlite_database, "acme")
    await put(sqlite_database, None, local("gpu"), written("fast"))
    await put_guardrail(sqlite_database, org, "pii")
    await put(sqlite_database, org, written("fast", guardrails=["pii"]), written("kept"))
    async with sqlite_database.write(None) as conn:
        await conn.execute(update(guardrail_table).values(spec={"kind": "magic"}))
    with caplog.at_level(logging.WARNING):
        built = await loaded(sqlite_database)
    # Nor is the shared model of the same name, which has no guard.
    assert list(built.snapshot(org).aliases) == ["kept"]
    assert list(built.snapshot("other").aliases) == ["fast"]
    (problem,) = built.problems
    assert problem.startswith("the model 'fast' is left out: its guardrail 'pii' cannot be used: ")
    assert problem in caplog.text


async def test_a_fallback_with_another_guard_of_the_same_name_is_left_out(
    sqlite_database: Database,
) -> None:
    org = await make_org(sqlite_database, "acme")
    for owner, way in ((None, "in"), (org, "out")):
        await put_guardrail(sqlite_database, owner, "pii", way=way)
    route = {"fallbacks": {"error": ["shared"]}}
    await put(sqlite_database, None, local("gpu"), written("shared", guardrails=["pii"]))
    await put(sqlite_database, org, written("own", guardrails=["pii"], route=route))
    built = await loaded(sqlite_database)
    assert built.snapshot(org).aliases["own"].route == DEFAULT_ROUTE
    assert built.problems == (
        "the model 'own' does without its fallback 'shared', which has a guardrail that it has not",
    )


async def test_a_model_with_policies_of_another_version_is_left_out(
    sqlite_database: Database,
) -> None:
    await put(sqlite_database, None, local("gpu"), written("odd"), written("fast"))
    async with sqlite_database.write(None) as conn:
        odd = alias_table.c.name == "odd"
        later = {"policy": "ordered", "mood": "good"}
        await conn.execute(update(alias_table).where(odd).values(route=later))
    built = await loaded(sqlite_database)
    assert list(built.snapshot("any").aliases) == ["fast"]
    (problem,) = built.problems
    unread = "mood: Extra inputs are not permitted"
    assert problem == f"the model 'odd' is left out: its policies cannot be read: {unread}"


def main_of(built: SnapshotRoutes) -> Connection:
    return built.snapshot("any").connections["main"]


def bearer(number: str, text: bytes) -> Credential:
    return Credential(number, ((b"authorization", b"Bearer " + text),))


async def test_several_secrets_are_credentials_with_the_numbers_of_their_places(
    database: Database,
) -> None:
    written = {"name": "main", "provider": "openai", "secrets": ["env:A", "env:B", "env:C"]}
    await put(database, None, ConnectionSpec.model_validate(written))
    whole = await loaded(database, variables={"A": "a", "B": "b", "C": "c"})
    assert main_of(whole).credentials == (bearer("1", b"a"), bearer("2", b"b"), bearer("3", b"c"))
    assert whole.problems == ()

    odd = await loaded(database, variables={"A": "a\tb", "C": "c"})
    assert main_of(odd).credentials == (bearer("3", b"c"),)
    assert odd.problems == (
        f"the connection 'main' has no secret 1: {UNFIT}",
        "the connection 'main' has no secret 2: the environment has no B",
    )
    none = await loaded(database)
    assert main_of(none).credentials == (NO_CREDENTIAL,)
    assert len(none.problems) == 3


async def test_a_secret_of_another_kind_is_left_out_among_others_and_named_by_its_number(
    sqlite_database: Database,
) -> None:
    written = {"name": "main", "provider": "openai", "secrets": ["env:A", "env:B"]}
    await put(sqlite_database, None, ConnectionSpec.model_validate(written))
    document = json.dumps({"a": 1}, indent=1)
    built = await loaded(sqlite_database, variables={"A": document, "B": "b"})
    assert main_of(built).credentials == (bearer("2", b"b"),)
    assert built.problems == (f"the connection 'main' does without its secret 1: {UNFIT}",)
    built = await loaded(sqlite_database, variables={"A": document, "B": document})
    assert built.snapshot("any").connections == {}
    assert built.problems[-1] == (
        "the connection 'main' is left out: none of its secrets can be used"
    )


async def test_a_change_that_is_prepared_is_not_in_use_until_it_is_taken(
    database: Database,
) -> None:
    acme, beta = await make_org(database, "acme"), await make_org(database, "beta")
    for org in (acme, beta):
        await put(database, org, local("gpu"), written("fast", {"model": "one"}))
    built = await loaded(database)
    before = {org: built.snapshot(org) for org in (acme, beta, "plain")}
    await put(database, acme, written("fast", {"model": "two"}))
    take = await built.prepare(await changes(database, built, acme))
    assert take is not None
    assert built.snapshot(acme) is before[acme]
    take()
    assert built.snapshot(acme).aliases["fast"].targets[0].model == "two"
    assert built.snapshot(beta) is before[beta]
    assert built.snapshot("plain") is before["plain"]
    take()
    assert await built.prepare([Change(9, acme, "api_key", "x")]) is None


async def test_what_was_prepared_later_has_what_was_prepared_before_and_is_never_undone(
    database: Database,
) -> None:
    acme, beta = await make_org(database, "acme"), await make_org(database, "beta")
    await put(database, None, local("gpu"))
    built = await loaded(database)
    since = built.snapshot(acme).version
    takes = []
    for owner in (acme, None, beta):
        await put(database, owner, written(f"of-{owner}"))
        async with database.read(None) as conn:
            new = await changes_after(conn, since)
        takes.append(await built.prepare(new[-1:]))
        since = new[-1].seq
    first, second, third = takes
    assert first is not None
    assert second is not None
    assert third is not None
    third()
    assert list(built.snapshot(acme).aliases) == ["of-None", f"of-{acme}"]
    assert list(built.snapshot(beta).aliases) == ["of-None", f"of-{beta}"]
    newest = built.snapshot(beta)
    first()
    second()
    assert built.snapshot(beta) is newest


async def test_the_date_of_a_price_waits_for_what_is_prepared(sqlite_database: Database) -> None:
    clock = FakeClock(NOON)
    await put(sqlite_database, None, local("gpu"), written("fast", {"model": "one"}))
    built = routes(sqlite_database, clock=clock, deepseek_api_key="k")
    await built.load()
    await put(sqlite_database, None, written("fast", {"model": "two"}))
    take = await built.prepare(await changes(sqlite_database, built, "any"))
    before = built.snapshot("any")
    # The cheap hours of DeepSeek begin at 16:30 UTC.
    clock.advance(5 * 3600)
    await built.refresh()
    assert built.snapshot("any") is before
    assert take is not None
    take()
    taken = built.snapshot("any")
    assert taken.aliases["fast"].targets[0].model == "two"
    await built.refresh()
    assert built.snapshot("any") is not taken


async def test_the_service_knows_what_the_models_of_the_environment_are_for(
    sqlite_database: Database,
) -> None:
    service = await ConnectionService.from_settings(settings(openai_api_key="k"), clock=CLOCK)
    cache = {"mode": "semantic", "embedding": "text-embedding-3-small"}
    route = {"fallbacks": {"error": ["gpt-4o"]}}
    async with sqlite_database.write(None) as conn:
        await service.ensure_connection(conn, None, local("gpu"))
        await service.ensure_model(conn, None, written("fast", cache=cache, route=route))
        assert await service.route_problems(conn, None) == []
