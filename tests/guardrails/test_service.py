"""Guardrails in the database, on both engines."""

from typing import Any

import pytest
from sqlalchemy import insert

from trunkline.errors import Conflict, NotFound
from trunkline.guardrails import service
from trunkline.guardrails.schemas import read_spec
from trunkline.identity.service.organisations import create_organisation
from trunkline.kit.clock import FakeClock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import changes_after, newest_change
from trunkline.storage.engine import Database
from trunkline.storage.tables.connections import alias

CLOCK = FakeClock()
HIDE = read_spec(
    {"name": "hide", "kind": "pii", "action": "redact", "pii": {"entities": ["email"]}}
)
STOP = read_spec({"name": "hide", "kind": "pii"})


@pytest.fixture
async def org_id(database: Database) -> str:
    async with database.write(None) as conn:
        return (await create_organisation(conn, name="Acme", clock=CLOCK)).id


async def test_a_guardrail_is_made_changed_and_told_once(database: Database, org_id: str) -> None:
    async with database.write(None) as conn:
        before = await newest_change(conn)
        done = [
            await service.ensure_guardrail(conn, org_id, wanted, clock=CLOCK)
            for wanted in (HIDE, HIDE, STOP, STOP)
        ]
        [row] = await service.list_guardrails(conn, org_id)
        told = [(one.kind, one.id) for one in await changes_after(conn, before)]
    assert done == [True, False, True, False]
    assert (row.org_id, row.name, row.spec) == (org_id, "hide", {"kind": "pii"})
    assert told == [("guardrail", row.id)] * 2


async def test_an_organisations_own_guardrail_hides_the_shared_one(
    database: Database, org_id: str
) -> None:
    async with database.write(None) as conn:
        await service.ensure_guardrail(conn, None, STOP, clock=CLOCK)
        shared = await service.usable_guardrails(conn, org_id)
        await service.ensure_guardrail(conn, org_id, HIDE, clock=CLOCK)
        own = await service.usable_guardrails(conn, org_id)
        operators = await service.usable_guardrails(conn, None)
    assert [row.org_id for row in shared.values()] == [None]
    assert [row.org_id for row in own.values()] == [org_id]
    assert own["hide"].spec == {
        "kind": "pii", "action": "redact", "pii": {"entities": ["email"]},
    }  # fmt: skip
    assert operators == shared


@pytest.mark.parametrize("shared", [False, True])
async def test_a_guardrail_that_a_model_names_stays(
    database: Database, org_id: str, shared: bool
) -> None:
    owner = None if shared else org_id
    async with database.write(None) as conn:
        await service.ensure_guardrail(conn, owner, HIDE, clock=CLOCK)
        for name, named in (("a", None), ("b", ["other"]), ("c", ["other", "hide"])):
            row: dict[str, Any] = {"id": new_id(), "org_id": org_id, "name": name, "kind": "chat"}
            row |= {"created_ms": 0, "guardrails": named}
            await conn.execute(insert(alias).values(row))
        with pytest.raises(Conflict, match="named by c") as refused:
            await service.remove_guardrail(conn, owner, "hide")
        await conn.execute(alias.delete())
        await service.remove_guardrail(conn, owner, "hide")
        assert await service.list_guardrails(conn, owner) == []
    assert refused.value.code == "guardrail_in_use"


async def test_what_is_not_there_cannot_be_removed(database: Database, org_id: str) -> None:
    async with database.write(None) as conn:
        await service.ensure_guardrail(conn, None, HIDE, clock=CLOCK)
        with pytest.raises(NotFound) as refused:
            await service.remove_guardrail(conn, org_id, "hide")
    assert refused.value.code == "guardrail_not_found"
