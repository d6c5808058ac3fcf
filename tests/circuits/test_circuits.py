"""Circuits that people hold, from the row to the front that obeys it."""

from collections.abc import Mapping

import pytest
from sqlalchemy import insert

from trunkline.circuits import service
from trunkline.circuits.feed import CircuitFeed
from trunkline.circuits.records import HeldCircuit, HeldState
from trunkline.errors import InvalidRequest, NotFound
from trunkline.identity.service.organisations import create_organisation
from trunkline.kit.clock import FakeClock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import Change, changes_after
from trunkline.storage.engine import Database
from trunkline.storage.tables.connections import connection

CLOCK = FakeClock(1_795_248_000.0)
ENVIRONMENT = {"openai": "environment/openai"}


class Place:
    """A database with two organisations, and a front that follows it."""

    def __init__(self, database: Database, acme: str, other: str) -> None:
        self.database = database
        self.acme = acme
        self.other = other
        self.seen = 0
        self.states: Mapping[str, HeldState] | None = None
        self.feed = CircuitFeed(database, self.take, ENVIRONMENT)

    def take(self, states: Mapping[str, HeldState]) -> None:
        self.states = states

    async def connect(self, org_id: str | None, name: str) -> str:
        """Make a connection; its id."""
        made = new_id()
        async with self.database.write(None) as conn:
            await conn.execute(
                insert(connection).values(
                    id=made,
                    org_id=org_id,
                    name=name,
                    provider="openai",
                    headers={},
                    private=False,
                    created_ms=0,
                )
            )
        return made

    async def hold(
        self, org_id: str | None, name: str, model: str = "m", state: HeldState = "open"
    ) -> HeldCircuit:
        async with self.database.write(org_id) as conn:
            return await service.hold_circuit(
                conn, org_id, name, model, state, clock=CLOCK, environment=ENVIRONMENT
            )

    async def release(self, org_id: str | None, name: str, model: str = "m") -> HeldCircuit:
        async with self.database.write(org_id) as conn:
            return await service.release_circuit(conn, org_id, name, model)

    async def held(self, org_id: str | None) -> list[HeldCircuit]:
        async with self.database.read(org_id) as conn:
            return await service.list_held(conn, org_id)

    async def changes(self) -> list[Change]:
        """What changed since the last time."""
        async with self.database.read(None) as conn:
            found = await changes_after(conn, self.seen)
        self.seen = found[-1].seq if found else self.seen
        return found

    async def follow(self) -> Mapping[str, HeldState] | None:
        await self.feed.apply(await self.changes())
        return self.states


@pytest.fixture
async def place(database: Database) -> Place:
    async with database.write(None) as conn:
        acme = await create_organisation(conn, name="Acme", clock=CLOCK)
        other = await create_organisation(conn, name="Other", clock=CLOCK)
    made = Place(database, acme.id, other.id)
    await made.changes()
    return made


async def test_a_circuit_is_held_listed_replaced_and_let_go(place: Place) -> None:
    shared = await place.connect(None, "main")
    first = await place.hold(None, "main")
    second = await place.hold(None, "main", state="closed")
    assert (second.id, second.state) == (first.id, "closed")
    assert await place.held(None) == [second]
    assert second == HeldCircuit(first.id, None, "main", "m", "closed", None, 1_795_248_000_000)
    assert await place.follow() == {f"{shared}/m": "closed"}
    assert await place.release(None, "main") == second
    assert await place.held(None) == []
    assert await place.follow() == {}
    with pytest.raises(NotFound, match="is not held"):
        await place.release(None, "main")


async def test_every_change_is_told_to_all_processes(place: Place) -> None:
    await place.connect(place.acme, "own")
    held = await place.hold(place.acme, "own")
    await place.release(place.acme, "own")
    told = [(change.org_id, change.kind, change.id) for change in await place.changes()]
    assert told == [(place.acme, "circuit", held.id)] * 2


async def test_an_organisation_holds_its_own_connection_and_never_a_shared_one(
    place: Place,
) -> None:
    shared = await place.connect(None, "main")
    with pytest.raises(NotFound) as refused:
        await place.hold(place.acme, "main")
    assert refused.value.code == "connection_not_found"
    assert "Only the operator" in str(refused.value.hint)
    with pytest.raises(NotFound):
        await place.hold(place.acme, "openai")
    own = await place.connect(place.acme, "main")
    await place.hold(place.acme, "main")
    assert await place.follow() == {f"{own}/m": "open"}
    assert shared != own
    assert await place.held(None) == []
    assert await place.held(place.other) == []


async def test_what_is_held_under_a_name_whose_connection_is_gone_holds_nothing(
    place: Place,
) -> None:
    await place.connect(None, "main")
    await place.connect(place.acme, "main")
    await place.hold(place.acme, "main")
    async with place.database.write(None) as conn:
        await conn.execute(connection.delete().where(connection.c.org_id == place.acme))
    assert await place.follow() == {}


async def test_the_operator_holds_connections_that_the_environment_makes(place: Place) -> None:
    await place.hold(None, "openai", "gpt-5", "closed")
    assert await place.follow() == {"environment/openai/gpt-5": "closed"}
    stored = await place.connect(None, "openai")
    await place.feed.load()
    assert place.states == {f"{stored}/gpt-5": "closed"}
    with pytest.raises(NotFound) as refused:
        await place.hold(None, "nowhere")
    assert "--org" in str(refused.value.hint)


async def test_a_front_reads_again_only_what_was_touched(place: Place) -> None:
    assert await place.feed.prepare([Change(1, place.acme, "api_key", "k")]) is None
    await place.feed.apply([Change(1, place.acme, "api_key", "k")])
    assert place.states is None
    take = await place.feed.prepare([Change(2, None, "connection", "c")])
    assert place.states is None
    assert take is not None
    take()
    assert place.states == {}


@pytest.mark.parametrize("model", ["", "x" * 301, "a\nb"])
async def test_a_model_that_cannot_be_one_is_refused(place: Place, model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await place.hold(None, "openai", model)
    assert refused.value.param == "model"


async def test_a_reason_is_kept_and_has_an_end(place: Place) -> None:
    async with place.database.write(None) as conn:
        held = await service.hold_circuit(
            conn,
            None,
            "openai",
            "m",
            "open",
            clock=CLOCK,
            reason="They said so",
            environment=["openai"],
        )
        with pytest.raises(InvalidRequest) as refused:
            await service.hold_circuit(
                conn,
                None,
                "openai",
                "m",
                "open",
                clock=CLOCK,
                reason="x" * 501,
                environment=["openai"],
            )
    assert (held.reason, refused.value.param) == ("They said so", "reason")
