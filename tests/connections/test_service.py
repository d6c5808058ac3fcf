"""The service on both engines: idempotence, references, and what the other processes are told."""

from typing import Any

import pytest
from tests.connections.world import NOON, local, make_org, model, put

from trunkline.connections.rows import FREE_RATES, TargetRow
from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec
from trunkline.connections.service import ConnectionService
from trunkline.errors import Conflict, InvalidRequest, NotFound
from trunkline.gateway.policy import TargetState
from trunkline.kit.clock import FakeClock
from trunkline.storage.changes import Change, changes_after
from trunkline.storage.engine import Database

SERVICE = ConnectionService(clock=FakeClock(NOON))


async def _changes(database: Database, after: int = 0) -> list[Change]:
    async with database.read(None) as conn:
        return [c for c in await changes_after(conn, after) if c.kind != "organisation"]


async def test_ensuring_twice_changes_nothing_the_second_time(database: Database) -> None:
    org = await make_org(database, "acme")
    specs = (
        local("gpu"),
        model(
            "fast",
            "gpu/llama",
            "gpu/qwen",
            max_tokens=100,
            hold_headers=2.5,
            on_unsupported="refuse",
        ),
        PriceSpec(connection="gpu", input=1),
    )
    assert await put(database, org, *specs) == [True, True, True]
    told = await _changes(database)
    assert [(c.org_id, c.kind) for c in told] == [
        (org, "connection"), (org, "alias"), (org, "price_override"),
    ]  # fmt: skip
    assert await put(database, org, *specs) == [False, False, False]
    assert await _changes(database) == told


async def test_a_change_keeps_the_identity_of_the_row(database: Database) -> None:
    org = await make_org(database, "acme")
    await put(database, org, local("gpu"), model("fast", "gpu/llama"))
    async with database.read(org) as conn:
        before = await SERVICE.models(conn, org)
    changed = (local("gpu", cancels_on_close=False), model("fast", "gpu/qwen", "gpu/llama"))
    assert await put(database, org, *changed) == [True, True]
    async with database.read(org) as conn:
        (after,) = await SERVICE.models(conn, org)
        (connection,) = await SERVICE.connections(conn, org)
    assert (after.id, after.created_ms) == (before[0].id, int(NOON * 1000))
    assert after.targets == (TargetRow("gpu", "qwen"), TargetRow("gpu", "llama"))
    assert connection.cancels_on_close is False


async def test_shared_rows_and_those_of_an_organisation_have_names_of_their_own(
    database: Database,
) -> None:
    acme, beta = await make_org(database, "acme"), await make_org(database, "beta")
    for owner in (None, acme, beta):
        assert await put(database, owner, local("gpu"), model("fast", "gpu/x")) == [True, True]
    assert await put(database, None, local("gpu"), model("fast", "gpu/x")) == [False, False]
    async with database.read(None) as conn:
        for owner in (None, acme, beta):
            assert [row.org_id for row in await SERVICE.connections(conn, owner)] == [owner]
            assert [row.org_id for row in await SERVICE.models(conn, owner)] == [owner]


async def test_an_organisation_sees_neither_shared_rows_nor_those_of_others(
    postgresql_database: Database,
) -> None:
    database = postgresql_database
    acme, beta = await make_org(database, "acme"), await make_org(database, "beta")
    price = PriceSpec(provider="openai", input=1)
    for owner in (None, beta):
        await put(database, owner, local("gpu"), model("fast", "gpu/x"), price)
    async with database.read(acme) as conn:
        for owner in (None, acme, beta):
            assert await SERVICE.connections(conn, owner) == []
            assert await SERVICE.models(conn, owner) == []
            assert await SERVICE.prices(conn, owner) == []


async def test_a_target_needs_a_connection_that_its_owner_can_use(database: Database) -> None:
    acme, beta = await make_org(database, "acme"), await make_org(database, "beta")
    await put(database, beta, local("theirs"))
    await put(database, None, local("shared"))
    for spec in (model("fast", "shared/x", "theirs/x"), PriceSpec(connection="theirs", input=1)):
        with pytest.raises(InvalidRequest, match="no connection 'theirs'") as caught:
            await put(database, acme, spec, environment=frozenset({"openai"}))
        assert caught.value.hint == "There are openai, shared."
    used = model("fast", "shared/x", "openai/gpt-4o")
    assert await put(database, acme, used, environment=frozenset({"openai"})) == [True]


async def test_free_prices_are_rows_of_zeros(database: Database) -> None:
    await put(database, None, PriceSpec(provider="openai_compatible", free=True))
    async with database.read(None) as conn:
        (row,) = await SERVICE.prices(conn, None)
    assert (row.rates, row.request_nano, row.model) == (FREE_RATES, 0, "*")


async def test_a_price_from_the_same_day_is_replaced_and_another_day_is_added(
    database: Database,
) -> None:
    first = PriceSpec.model_validate({"provider": "openai", "model": "m", "input": "1"})
    dearer = first.model_copy(update={"input": 2})
    later = PriceSpec.model_validate({**first.model_dump(), "since": "2026-12-01", "input": 3})
    assert await put(database, None, first, dearer, later, later) == [True, True, True, False]
    async with database.read(None) as conn:
        rows = await SERVICE.prices(conn, None)
    assert [(row.since_ms, row.rates) for row in rows] == [
        (0, {"input": 2}), (1_796_083_200_000, {"input": 3_000_000_000}),
    ]  # fmt: skip


async def test_what_is_deleted_is_gone_and_told(database: Database) -> None:
    org = await make_org(database, "acme")
    price = PriceSpec(connection="gpu", input=1)
    await put(database, org, local("gpu"), model("fast", "gpu/x"), price)
    seen = (await _changes(database))[-1].seq
    async with database.write(org) as conn:
        with pytest.raises(Conflict, match="used by fast") as caught:
            await SERVICE.delete_connection(conn, org, "gpu")
        assert caught.value.hint == "Give these models other targets first."
        await SERVICE.delete_model(conn, org, "fast")
        await SERVICE.delete_connection(conn, org, "gpu")
        (row,) = await SERVICE.prices(conn, org)
        await SERVICE.delete_price(conn, org, row.id)
        assert await SERVICE.connections(conn, org) == []
        assert await SERVICE.models(conn, org) == []
        assert await SERVICE.prices(conn, org) == []
    kinds = [change.kind for change in await _changes(database, seen)]
    assert kinds == ["alias", "connection", "price_override"]


async def test_deleting_what_is_not_there_says_so(database: Database) -> None:
    org = await make_org(database, "acme")
    async with database.write(org) as conn:
        for delete in (SERVICE.delete_connection, SERVICE.delete_model, SERVICE.delete_price):
            with pytest.raises(NotFound, match="nothing"):
                await delete(conn, org, "nothing")


async def test_a_connection_keeps_only_a_reference_to_its_secret(database: Database) -> None:
    spec = ConnectionSpec(name="main", provider="openai", secret="env:OPENAI_API_KEY")
    await put(database, None, spec)
    async with database.read(None) as conn:
        (row,) = await SERVICE.connections(conn, None)
    assert row.secret == "env:OPENAI_API_KEY"


async def test_a_connection_keeps_the_address_that_its_places_make(database: Database) -> None:
    org = await make_org(database, "acme")
    spec = ConnectionSpec(name="claude", provider="bedrock", region="eu-central-1")
    assert await put(database, org, spec) == [True]
    async with database.read(org) as conn:
        (row,) = await SERVICE.connections(conn, org)
    assert row.base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert await put(database, org, spec) == [False]


ROUTED = {
    "policy": "weighted",
    "rules": [{"when": {"needs": ["vision"]}, "targets": ["gpu/b"]}, {"targets": ["gpu"]}],
    "fallbacks": {"error": ["other"]},
    "hedge": {},
}


def _routed(**more: Any) -> ModelSpec:
    written = {
        "name": "fast",
        "targets": [
            {"connection": "gpu", "model": "a", "weight": 3},
            {"connection": "gpu", "model": "b", "state": "draining"},
        ],
        "route": ROUTED,
        "cache": {"enabled": True, "ttl": 60},
        "guardrails": ["pii", "size"],
    }
    return ModelSpec.model_validate({**written, **more})


async def test_policies_are_kept_as_they_are_written(database: Database) -> None:
    org = await make_org(database, "acme")
    assert await put(database, org, local("gpu"), _routed()) == [True, True]
    assert await put(database, org, _routed()) == [False]
    async with database.read(None) as conn:
        (row,) = await SERVICE.models(conn, org)
    assert row.targets == (
        TargetRow("gpu", "a", 3, "active"), TargetRow("gpu", "b", 1, "draining"),
    )  # fmt: skip
    assert (row.route, row.cache) == (ROUTED, {"enabled": True, "ttl": 60})
    assert row.guardrails == ("pii", "size")


@pytest.mark.parametrize(
    "more",
    [
        {"route": None}, {"route": {"policy": "price"}}, {"cache": None}, {"guardrails": ["pii"]},
        {"targets": [{"connection": "gpu", "model": "b"}], "route": None},
    ],
)  # fmt: skip
async def test_each_change_of_a_policy_is_told(
    sqlite_database: Database, more: dict[str, Any]
) -> None:
    await put(sqlite_database, None, local("gpu"), _routed())
    seen = (await _changes(sqlite_database))[-1].seq
    assert await put(sqlite_database, None, _routed(**more)) == [True]
    assert [change.kind for change in await _changes(sqlite_database, seen)] == ["alias"]


async def test_a_connection_keeps_references_to_all_of_its_secrets(database: Database) -> None:
    written = {"name": "main", "provider": "openai", "secrets": ["env:A", "file:/b", "env:C"]}
    several = ConnectionSpec.model_validate(written)
    one = ConnectionSpec(name="main", provider="openai", secret="env:A")
    none = ConnectionSpec(name="main", provider="openai")
    for spec, references in (
        (several, ("env:A", "file:/b", "env:C")), (one, ("env:A",)), (none, ()),
    ):  # fmt: skip
        assert await put(database, None, spec, spec) == [True, False]
        async with database.read(None) as conn:
            (row,) = await SERVICE.connections(conn, None)
        assert (row.references, spec.references) == (references, references)


async def test_a_target_changes_its_state_until_the_model_is_written_again(
    database: Database,
) -> None:
    org = await make_org(database, "acme")
    await put(database, org, local("gpu"), model("fast", "gpu/a", "gpu/b"))
    seen = (await _changes(database))[-1].seq

    async def state(target: str, state: TargetState) -> tuple[bool, list[str]]:
        async with database.write(None) as conn:
            changed = await SERVICE.set_target_state(
                conn, org, model="fast", target=target, state=state
            )
            (row,) = await SERVICE.models(conn, org)
        return changed, [target.state for target in row.targets]

    assert await state("gpu/b", "draining") == (True, ["active", "draining"])
    assert await state("gpu/b", "draining") == (False, ["active", "draining"])
    assert await state("gpu/a", "disabled") == (True, ["disabled", "draining"])
    with pytest.raises(Conflict, match="Nothing would be left that serves the model 'fast'"):
        await state("gpu", "disabled")
    assert await state("gpu", "active") == (True, ["active", "active"])
    with pytest.raises(NotFound, match="has no target 'gpu/c'") as caught:
        await state("gpu/c", "active")
    assert caught.value.hint == "It has gpu/a, gpu/b."
    assert [change.kind for change in await _changes(database, seen)] == ["alias"] * 3
    assert await state("gpu/a", "draining") == (True, ["draining", "active"])
    assert await put(database, org, model("fast", "gpu/a", "gpu/b")) == [True]
    async with database.write(None) as conn:
        with pytest.raises(NotFound, match="no model 'none'"):
            await SERVICE.set_target_state(conn, org, model="none", target="gpu/a", state="active")
