"""What is wrong with a model by itself, and among the models of one owner, on both engines."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.connections.world import NOON, local, make_org, model, put

from trunkline.connections.route_checks import RouteProblem, RoutesRefused, model_problems
from trunkline.connections.schemas import ModelSpec
from trunkline.connections.service import ConnectionService
from trunkline.errors import Conflict, NotFound
from trunkline.guardrails.schemas import GuardrailSpec
from trunkline.guardrails.service import ensure_guardrail
from trunkline.identity.service.organisations import ensure_team
from trunkline.kit.clock import FakeClock
from trunkline.storage.engine import Database

CLOCK = FakeClock(NOON)
PUBLISHED = {"gpt-4o": "chat", "text-embedding-3-small": "embedding"}
SERVICE = ConnectionService(published=PUBLISHED, clock=CLOCK)


def written(name: str = "fast", **more: Any) -> ModelSpec:
    targets = [{"connection": "gpu", "model": "a"}, {"connection": "gpu", "model": "b"}]
    return ModelSpec.model_validate({"name": name, "targets": targets, **more})


def falling(name: str, *others: str, kind: str = "error") -> ModelSpec:
    return written(name, route={"fallbacks": {kind: list(others)}})


A, B = ({"connection": "gpu", "model": name, "state": "disabled"} for name in "ab")


@pytest.mark.parametrize(
    ("more", "field", "code", "message"),
    [
        (
            {"targets": [A, B]},
            "targets",
            "targets_disabled",
            "All targets of the model 'fast' are disabled, so nothing could serve it.",
        ),
        (
            {"targets": [A, {**A, "state": "active"}]},
            "targets[1]",
            "target_repeated",
            "The target 'gpu/a' is written twice.",
        ),
        (
            {"route": {"rules": [{"targets": ["gpu/a", "gpu/c"]}]}},
            "route.rules[0].targets[1]",
            "unknown_target",
            "The model 'fast' has no target 'gpu/c'.",
        ),
        (
            {"route": {"rules": [{"targets": ["gpu/a"]}, {"when": {}, "targets": ["gpu"]}]}},
            "route.rules[0].when",
            "rule_unconditional",
            "A rule without a condition is the last one: those behind it never hold.",
        ),
        (
            {"route": {"fallbacks": {"budget": ["gpt-4o", "fast"]}}},
            "route.fallbacks.budget[1]",
            "fallback_cycle",
            "The model 'fast' falls back to itself.",
        ),
        (
            {"cache": {"mode": "semantic", "embedding": "fast"}},
            "cache.embedding",
            "unknown_model",
            "The model 'fast' cannot embed its own prompts.",
        ),
    ],
)
async def test_a_model_that_contradicts_itself_is_refused_with_the_path(
    sqlite_database: Database, more: dict[str, Any], field: str, code: str, message: str
) -> None:
    await put(sqlite_database, None, local("gpu"))
    async with sqlite_database.write(None) as conn:
        with pytest.raises(RoutesRefused) as caught:
            await SERVICE.ensure_model(conn, None, written(**more), at="models[3].")
        assert await SERVICE.models(conn, None) == []
    error = caught.value
    assert (error.param, error.code, error.message) == (f"models[3].{field}", code, message)
    assert error.status == 400


def test_a_model_tells_everything_that_is_wrong_with_it() -> None:
    rules = [{"targets": ["none"]}, {"targets": ["gpu"]}]
    found = model_problems(written(targets=[A], route={"rules": rules}))
    assert [problem.field for problem in found] == [
        "targets", "route.rules[0].when", "route.rules[0].targets[0]",
    ]  # fmt: skip


async def problems(
    database: Database, org_id: str | None, *models: ModelSpec
) -> list[RouteProblem]:
    """What ``check_routes`` finds once these are published."""
    await put(database, org_id, local("gpu"), *models)
    async with database.read(None) as conn:
        found = await SERVICE.route_problems(conn, org_id)
        refused: tuple[RouteProblem, ...] = ()
        try:
            await SERVICE.check_routes(conn, org_id)
        except RoutesRefused as error:
            refused = error.problems
    assert list(refused) == found
    return found


def shown(found: Sequence[RouteProblem]) -> Mapping[str, str]:
    return {f"{problem.model}.{problem.field}": problem.message for problem in found}


async def test_fallbacks_name_models_of_the_owner_of_the_operator_and_of_the_environment(
    database: Database,
) -> None:
    org = await make_org(database, "acme")
    assert await problems(database, None, written("shared")) == []
    good = falling("fast", "shared", "gpt-4o", "own")
    assert await problems(database, org, good, written("own")) == []
    found = await problems(database, org, falling("odd", "own", "nowhere"))
    assert shown(found) == {
        "odd.route.fallbacks.error[1]": "There is no model 'nowhere' to fall back to.",
    }
    missed = await problems(database, None, falling("missing", "own"))
    assert [problem.code for problem in missed] == ["unknown_model"]


async def test_fallbacks_that_go_in_a_circle_are_refused_whatever_their_kinds(
    database: Database,
) -> None:
    found = await problems(
        database,
        None,
        falling("a", "b"),
        falling("b", "gpt-4o", "c", kind="context_window"),
        falling("c", "a", kind="budget"),
        falling("d", "a"),
    )
    assert shown(found) == {
        "a.route.fallbacks.error[0]": "Fallbacks go in a circle: a, b, c, a.",
        "b.route.fallbacks.context_window[1]": "Fallbacks go in a circle: b, c, a, b.",
        "c.route.fallbacks.budget[0]": "Fallbacks go in a circle: c, a, b, c.",
    }


async def test_a_circle_through_a_shared_model_is_seen_by_who_closes_it(
    database: Database,
) -> None:
    org = await make_org(database, "acme")
    assert await problems(database, None, falling("a", "b"), written("b")) == []
    found = await problems(database, org, falling("b", "a"))
    assert shown(found) == {"b.route.fallbacks.error[0]": "Fallbacks go in a circle: b, a, b."}
    assert await problems(database, org, written("a"), falling("b", "a")) == []


async def test_a_model_names_embeddings_guardrails_and_teams_that_are_there(
    database: Database,
) -> None:
    org = await make_org(database, "acme")
    pii = GuardrailSpec.model_validate({"name": "pii", "kind": "pii"})
    own = pii.model_copy(update={"name": "own-pii"})
    async with database.write(None) as conn:
        await ensure_team(conn, org, name="Research", slug="research", clock=CLOCK)
        await ensure_guardrail(conn, None, pii, clock=CLOCK)
        await ensure_guardrail(conn, org, own, clock=CLOCK)

    def using(name: str, embedding: str, guardrail: str, team: str) -> ModelSpec:
        return written(
            name,
            cache={"mode": "semantic", "embedding": embedding},
            guardrails=["pii", guardrail],
            route={"rules": [{"when": {"team": team}, "targets": ["gpu"]}]},
        )

    good = using("good", "text-embedding-3-small", "own-pii", "research")
    assert await problems(database, org, good) == []
    found = await problems(database, org, using("odd", "gpt-4o", "none", "sales"))
    assert shown(found) == {
        "odd.cache.embedding": "There is no embedding model 'gpt-4o'.",
        "odd.guardrails[1]": "There is no guardrail 'none'.",
        "odd.route.rules[0].when.team": "There is no team 'sales'.",
    }
    hints = [None, "There are own-pii, pii.", "There are research."]
    assert [problem.hint for problem in found] == hints
    shared = await problems(database, None, using("all", "missing", "own-pii", "research"))
    assert shown(shared) == {
        "all.cache.embedding": "There is no embedding model 'missing'.",
        "all.guardrails[1]": "There is no guardrail 'own-pii'.",
        "all.route.rules[0].when.team":
            "A model for all organisations has no rule for a team of one of them.",
    }  # fmt: skip


async def test_no_request_falls_back_around_a_guardrail(database: Database) -> None:
    pii = GuardrailSpec.model_validate({"name": "pii", "kind": "pii"})
    async with database.write(None) as conn:
        await ensure_guardrail(conn, None, pii, clock=CLOCK)
    guarded = written("b", guardrails=["pii"])
    (found,) = await problems(database, None, falling("a", "b"), guarded)
    assert found == RouteProblem(
        "a",
        "route.fallbacks.error[0]",
        "A request that falls back to 'b' would go around its guardrail 'pii'.",
        "fallback_unguarded",
        "Name it in guardrails of 'a' as well.",
    )
    as_well = falling("a", "b").model_copy(update={"guardrails": ("pii",)})
    assert await problems(database, None, as_well) == []


async def test_the_path_of_a_problem_begins_where_the_model_is_written(
    sqlite_database: Database,
) -> None:
    await put(sqlite_database, None, local("gpu"), falling("odd", "nowhere"))
    async with sqlite_database.read(None) as conn:
        with pytest.raises(RoutesRefused, match="no model 'nowhere'") as caught:
            await SERVICE.check_routes(conn, None, at={"odd": "models[7]."})
    assert caught.value.param == "models[7].route.fallbacks.error[0]"


async def test_a_model_that_others_name_does_not_go_before_them(database: Database) -> None:
    org = await make_org(database, "acme")
    embedding = model("small", "gpu/e", kind="embedding")
    comparing = written("chat", cache={"mode": "semantic", "embedding": "small"})
    await put(database, org, local("gpu"), embedding, comparing, falling("a", "b"), written("b"))
    async with database.write(None) as conn:
        with pytest.raises(Conflict, match="a would miss 'b'") as caught:
            await SERVICE.delete_model(conn, org, "b")
        assert caught.value.code == "model_in_use"
        with pytest.raises(Conflict, match="chat would miss 'small'"):
            await SERVICE.delete_model(conn, org, "small")
        with pytest.raises(NotFound, match="no model 'none'"):
            await SERVICE.delete_models(conn, org, ("a", "none"))
        await SERVICE.delete_models(conn, org, ("b", "small", "chat", "a"))
        assert await SERVICE.models(conn, org) == []


async def test_a_model_may_go_where_a_shared_one_has_its_name(database: Database) -> None:
    org = await make_org(database, "acme")
    await put(database, None, local("gpu"), written("b"))
    await put(database, org, falling("a", "b"), falling("c", "gpt-4o"), written("b"))
    await put(database, org, model("gpt-4o", "gpu/x"))
    async with database.write(None) as conn:
        await SERVICE.delete_models(conn, org, ("b", "gpt-4o"))
        assert [row.name for row in await SERVICE.models(conn, org)] == ["a", "c"]
        assert await SERVICE.route_problems(conn, org) == []
