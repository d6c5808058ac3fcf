"""Kept responses on both engines: what can go on from them, who sees them, how they end."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from trunkline.errors import Conflict, InvalidRequest, NotFound, Unavailable
from trunkline.gateway.caller import Caller
from trunkline.gateway.wire.contract import CHAT, Inbound
from trunkline.gateway.wire.openai_responses.passing import OpenAIResponses
from trunkline.identity.service import organisations
from trunkline.kit.clock import FakeClock
from trunkline.responses.adapter import StoredResponses
from trunkline.responses.retention import remove_expired
from trunkline.storage.engine import Database
from trunkline.storage.tables.responses import LONGEST_ID, kept_item, kept_response

WIRE = OpenAIResponses()
DAY = 24 * 3600
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "hello", "annotations": []}],
}
OUTPUT = [MESSAGE, {"type": "function_call", "call_id": "c"}]
ANSWER = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "store": False,
    "previous_response_id": None,
    "output": OUTPUT,
}


class House:
    """Two runs of a front on one database; ``living`` are those that have not died."""

    def __init__(self, database: Database, clock: FakeClock, org_ids: list[str]) -> None:
        self.clock = clock
        self.database = database
        self.living = {"run-1", "run-2"}
        self.ann = Caller(org_id=org_ids[0], key_id="key-1", user_id="ann")
        self.ann_elsewhere = Caller(org_id=org_ids[0], key_id="key-2", user_id="ann")
        self.bob = Caller(org_id=org_ids[0], key_id="key-3", user_id="bob")
        self.robot = Caller(org_id=org_ids[0], key_id="key-4")
        self.stranger = Caller(org_id=org_ids[1], key_id="key-1", user_id="ann")
        self.first = self.run("run-1")
        self.second = self.run("run-2")

    def run(self, owner: str) -> StoredResponses:
        return StoredResponses(
            self.database,
            owner=owner,
            is_alive=self.is_alive,
            clock=self.clock,
            days=30,
            most_bytes=4_000,
        )

    async def is_alive(self, owner: str) -> bool:
        return owner in self.living


@pytest.fixture
async def house(database: Database) -> House:
    clock = FakeClock()
    async with database.write(None) as conn:
        orgs = [
            await organisations.create_organisation(conn, name=name, clock=clock)
            for name in ("Acme", "Other")
        ]
    return House(database, clock, [org.id for org in orgs])


def asked(**members: Any) -> Inbound:
    body = json.dumps({"model": "m", "input": "hi", **members}).encode()
    return WIRE.read_request(body, CHAT)


def encoded(**members: Any) -> bytes:
    return json.dumps({**ANSWER, **members}).encode()


def plain(raws: Any) -> Any:
    return json.loads(msgspec.json.encode(raws))


async def refused(house: House, caller: Caller) -> list[str]:
    """The codes with which everything about the first response is refused."""
    responses = house.first
    codes = []
    for call in (
        responses.load,
        responses.get,
        responses.delete,
        responses.cancel,
        responses.input_items,
    ):
        with pytest.raises(NotFound) as missing:
            await call(caller, "resp_1")
        codes.append(missing.value.code)
    return codes


async def test_a_request_goes_on_with_the_whole_conversation(house: House) -> None:
    await house.first.keep(house.ann, asked(), encoded())
    before = await house.second.load(house.ann, "resp_1")
    said = {"type": "message", "role": "user", "content": "hi"}
    assert plain(before) == [said, *OUTPUT]
    request = asked(input=[{"role": "user", "content": "more"}], previous_response_id="resp_1")
    WIRE.prepend(request, before)
    await house.second.keep(house.ann, request, encoded(id="resp_2", output=[]))
    whole = [said, *OUTPUT, {"role": "user", "content": "more"}]
    assert plain(await house.first.load(house.ann, "resp_2")) == whole
    assert plain(await house.first.input_items(house.ann, "resp_2")) == whole


async def test_what_is_kept_says_what_is_true_here(house: House) -> None:
    await house.first.keep(house.ann, asked(previous_response_id="resp_0"), encoded())
    assert json.loads(await house.first.get(house.ann, "resp_1")) == {
        **ANSWER,
        "store": True,
        "background": False,
        "previous_response_id": "resp_0",
    }


async def test_a_person_finds_it_with_any_key_and_nobody_else_does(house: House) -> None:
    await house.first.keep(house.ann, asked(), encoded())
    assert await house.first.get(house.ann_elsewhere, "resp_1")
    codes = ["previous_response_not_found", *["response_not_found"] * 4]
    for other in (house.bob, house.robot, house.stranger):
        assert await refused(house, other) == codes
        assert await house.first.items(other, ("msg_1",)) == {}
    assert await house.first.get(house.ann, "resp_1")


async def test_without_a_person_it_belongs_to_the_key(house: House) -> None:
    await house.first.keep(house.robot, asked(), encoded())
    assert await house.first.get(house.robot, "resp_1")
    another = Caller(org_id=house.robot.org_id, key_id="key-5")
    with pytest.raises(NotFound):
        await house.first.get(another, "resp_1")


async def test_items_are_found_by_their_ids(house: House) -> None:
    await house.first.keep(house.ann, asked(), encoded())
    found = await house.second.items(house.ann, ("msg_1", "msg_2"))
    assert {name: plain(item) for name, item in found.items()} == {"msg_1": MESSAGE}


async def test_an_id_that_another_response_has_is_not_taken_from_it(house: House) -> None:
    await house.first.keep(house.ann, asked(), encoded())
    await house.first.keep(house.bob, asked(input="other"), encoded(output=[]))
    assert json.loads(await house.first.get(house.ann, "resp_1"))["output"] == OUTPUT
    with pytest.raises(NotFound):
        await house.first.get(house.bob, "resp_1")


async def test_ids_that_come_again_mean_the_newest_of_the_caller(house: House) -> None:
    """As with servers that count their answers from 1."""
    for text in ("old", "new"):
        item = {**MESSAGE, "content": text}
        await house.first.keep(house.ann, asked(input=text), encoded(output=[item]))
    await house.first.keep(house.bob, asked(), encoded(id="resp_2"))
    assert [item["content"] for item in plain(await house.first.load(house.ann, "resp_1"))] == [
        "new",
        "new",
    ]
    assert plain(await house.first.items(house.ann, ("msg_1",)))["msg_1"]["content"] == "new"
    assert plain(await house.first.items(house.bob, ("msg_1",))) == {"msg_1": MESSAGE}
    house.clock.advance(30 * DAY)
    await house.first.keep(house.bob, asked(), encoded())
    assert await house.first.get(house.bob, "resp_1")


async def test_a_response_is_gone_after_its_time_and_the_worker_removes_it(house: House) -> None:
    for number in range(120):
        output = [{**MESSAGE, "id": f"msg_{number}"}]
        await house.first.keep(house.ann, asked(), encoded(id=f"old_{number}", output=output))
    house.clock.advance(29 * DAY)
    await house.first.keep(house.ann, asked(), encoded())
    now_ms = int(house.clock.now() * 1000)
    assert await remove_expired(house.database, now_ms) == 0
    house.clock.advance(DAY)
    with pytest.raises(NotFound):
        await house.first.get(house.ann, "old_0")
    assert await house.first.items(house.ann, ("msg_0",)) == {}
    assert await remove_expired(house.database, now_ms + DAY * 1000) == 240
    async with house.database.read(None) as conn:
        counts = [
            await conn.scalar(select(func.count()).select_from(table))
            for table in (kept_response, kept_item)
        ]
    assert counts == [1, 1]


async def test_what_is_deleted_is_gone_with_its_items(house: House) -> None:
    await house.first.keep(house.ann, asked(), encoded())
    await house.second.delete(house.ann, "resp_1")
    assert len(await refused(house, house.ann)) == 5
    assert await house.first.items(house.ann, ("msg_1",)) == {}


async def test_a_conversation_that_is_too_large_is_looked_up_and_not_gone_on_from(
    house: House,
) -> None:
    await house.first.keep(house.ann, asked(input="x" * 4_000), encoded())
    assert json.loads(await house.first.get(house.ann, "resp_1"))["id"] == "resp_1"
    for call in (house.first.load, house.first.input_items):
        with pytest.raises(Conflict) as refusal:
            await call(house.ann, "resp_1")
        assert refusal.value.code == "response_too_large"
        assert "4000 bytes" in refusal.value.message


async def test_a_response_that_is_too_large_is_not_kept_itself(house: House) -> None:
    await house.first.keep(house.ann, asked(), encoded(text="x" * 4_000))
    for call in (house.first.load, house.first.get):
        with pytest.raises(Conflict) as refusal:
            await call(house.ann, "resp_1")
        assert refusal.value.code == "response_too_large"
    assert await house.first.items(house.ann, ("msg_1",)) == {}


async def test_a_response_that_failed_cannot_be_gone_on_from(house: House) -> None:
    await house.first.keep(house.ann, asked(), encoded(status="failed"))
    with pytest.raises(Conflict) as refusal:
        await house.first.load(house.ann, "resp_1")
    assert refusal.value.code == "previous_response_not_completed"


@pytest.mark.parametrize("status", ["incomplete", "strange"])
async def test_other_ends_can_be_gone_on_from(house: House, status: str) -> None:
    await house.first.keep(house.ann, asked(), encoded(status=status))
    assert await house.first.load(house.ann, "resp_1")


@pytest.mark.parametrize("response", [b"{}", b"x", b'{"id":"%s"}' % (b"x" * (LONGEST_ID + 1))])
async def test_what_has_no_usable_id_is_not_kept_and_nobody_fails(
    house: House, response: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await house.first.keep(house.ann, asked(), response)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_request_without_input_of_its_own_is_kept(house: House) -> None:
    request = WIRE.read_request(b'{"model":"m","prompt":{"id":"p"}}', CHAT)
    await house.first.keep(house.ann, request, encoded())
    assert plain(await house.first.load(house.ann, "resp_1")) == OUTPUT


async def begun(house: House, run: StoredResponses) -> Inbound:
    request = asked(background=True)
    await run.begin(house.ann, request, WIRE.begun_object(request, "resp_1", 7))
    return request


async def state(house: House, run: StoredResponses | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(await (run or house.first).get(house.ann, "resp_1"))
    return document


async def test_a_response_in_the_background_runs_and_ends_under_its_id(house: House) -> None:
    request = await begun(house, house.first)
    running = await state(house, house.second)
    assert (running["status"], running["background"]) == ("in_progress", True)
    with pytest.raises(Conflict):
        await house.first.load(house.ann, "resp_1")
    await house.first.keep(house.ann, request, encoded(id="resp_of_provider"), "resp_1")
    ended = await state(house)
    assert (ended["id"], ended["status"], ended["output"]) == (
        "resp_1",
        "completed",
        OUTPUT,
    )
    assert (ended["store"], ended["background"]) == (True, True)
    assert len(await house.first.load(house.ann, "resp_1")) == 3
    assert await house.first.items(house.ann, ("msg_1",))
    with pytest.raises(NotFound):
        await house.first.get(house.ann, "resp_of_provider")


async def test_a_response_whose_process_died_has_failed(house: House) -> None:
    await begun(house, house.first)
    house.living.remove("run-1")
    found = await state(house, house.second)
    assert (found["status"], found["error"]["code"]) == ("failed", "server_error")


async def test_a_failure_is_told_once_and_not_after_an_end(house: House) -> None:
    request = await begun(house, house.first)
    error = {"code": "shutting_down", "message": "Closed."}
    await house.first.fail(house.ann, "resp_1", error)
    await house.first.fail(house.ann, "resp_1", {"code": "x", "message": "y"})
    await house.first.keep(house.ann, request, encoded(), "resp_1")
    found = await state(house)
    assert (found["status"], found["error"], found["output"]) == ("failed", error, [])
    await house.first.fail(house.ann, "resp_unknown", error)


async def test_a_cancelled_response_stays_cancelled(house: House) -> None:
    request = asked(background=True)
    cancelled: list[str] = []
    run = await house.first.runs.begin(
        house.ann,
        request,
        "resp_1",
        WIRE.begun_object(request, "resp_1", 7),
        lambda: cancelled.append("resp_1"),
    )
    told = json.loads(await house.first.cancel(house.ann, "resp_1"))
    assert (told["status"], cancelled) == ("cancelled", ["resp_1"])
    await run.keep(encoded())
    await run.end()
    assert json.loads(await house.first.cancel(house.ann, "resp_1")) == told
    assert (await state(house), cancelled) == (told, ["resp_1"])


async def test_a_run_of_another_process_is_cancelled_in_the_books(house: House) -> None:
    await begun(house, house.first)
    assert json.loads(await house.second.cancel(house.ann, "resp_1"))["status"] == "cancelled"


async def test_a_response_that_was_waited_for_cannot_be_cancelled(house: House) -> None:
    await house.first.keep(house.ann, asked(), encoded())
    with pytest.raises(InvalidRequest) as refusal:
        await house.first.cancel(house.ann, "resp_1")
    assert refusal.value.message == "Cannot cancel a synchronous response."


async def test_a_deleted_response_does_not_come_back_with_its_answer(house: House) -> None:
    request = await begun(house, house.first)
    await house.first.delete(house.ann, "resp_1")
    await house.first.keep(house.ann, request, encoded(), "resp_1")
    with pytest.raises(NotFound):
        await state(house)


async def test_a_database_that_is_away_costs_the_response_and_not_the_request(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(None, data_dir=data_dir)
    async with database.write(None) as conn:
        await conn.exec_driver_sql("DROP TABLE kept_response")
    house = House(database, FakeClock(), ["org", "other"])
    await house.first.keep(house.ann, asked(), encoded())
    await house.first.fail(house.ann, "resp_1", {"code": "c", "message": "m"})
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    with pytest.raises(Unavailable):
        await begun(house, house.first)
    await database.close()
