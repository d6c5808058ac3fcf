"""The service on both engines: idempotence, references, and what the other processes are told."""

import pytest
from tests.connections.world import NOON, local, make_org, model, put

from trunkline.connections.rows import FREE_RATES, TargetRow
from trunkline.connections.schemas import ConnectionSpec, PriceSpec
from trunkline.connections.service import ConnectionService
from trunkline.errors import Conflict, InvalidRequest, NotFound
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
