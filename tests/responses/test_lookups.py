"""Looking kept responses up, and going on from them, as the data path does it."""

import json
from typing import Any

import msgspec
import pytest

from trunkline.errors import InvalidRequest, NotFound
from trunkline.gateway import keeping
from trunkline.gateway.bare import FixedRoutes, NoGenerations, NoObserver, NoResponses, OneCaller
from trunkline.gateway.caller import Caller
from trunkline.gateway.lookup import LookupPorts, Question
from trunkline.gateway.ports import KeptResponses
from trunkline.gateway.responses import (
    cancel_response,
    delete_response,
    list_input_items,
    show_response,
)
from trunkline.gateway.snapshot import Snapshot
from trunkline.gateway.wire.contract import CHAT, Inbound
from trunkline.gateway.wire.openai_responses.passing import OpenAIResponses
from trunkline.identity.service import organisations
from trunkline.kit.clock import FakeClock
from trunkline.responses.adapter import StoredResponses
from trunkline.storage.engine import Database

WIRE = OpenAIResponses()
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
ANSWER = {"id": "resp_1", "object": "response", "status": "completed", "output": [THOUGHT, CALL]}


class Desk:
    """Where a caller asks about the responses that it keeps."""

    def __init__(self, responses: KeptResponses, caller: Caller) -> None:
        self.responses = responses
        self.caller = caller

    def question(self, item: str = "resp_1", query: bytes = b"") -> Question:
        snapshot = Snapshot(self.caller.org_id, 1, {}, {})
        ports = LookupPorts(
            OneCaller("k", self.caller),
            FixedRoutes(snapshot),
            NoGenerations(),
            NoObserver(),
            self.responses,
        )
        return Question(self.caller, WIRE, item, ports, query)

    async def items(self, query: bytes = b"") -> dict[str, Any]:
        page: dict[str, Any] = told(await list_input_items(self.question(query=query)))
        return page


@pytest.fixture
async def desk(sqlite_database: Database) -> Desk:
    clock = FakeClock()
    async with sqlite_database.write(None) as conn:
        org = await organisations.create_organisation(conn, name="Acme", clock=clock)

    async def is_alive(owner: str) -> bool:
        return owner == "run"

    responses = StoredResponses(
        sqlite_database, owner="run", is_alive=is_alive, clock=clock, days=30, most_bytes=99_999
    )
    return Desk(responses, Caller(org_id=org.id, key_id="key"))


def asked(**members: Any) -> Inbound:
    return WIRE.read_request(json.dumps({"model": "m", "input": "hi", **members}).encode(), CHAT)


def told(found: object) -> Any:
    return json.loads(msgspec.json.encode(found))


async def keep(desk: Desk, **members: Any) -> None:
    await desk.responses.keep(desk.caller, asked(**members), json.dumps(ANSWER).encode())


async def test_a_response_is_shown_and_deleted(desk: Desk) -> None:
    await keep(desk)
    assert told(await show_response(desk.question()))["output"] == [THOUGHT, CALL]
    assert told(await delete_response(desk.question())) == {
        "id": "resp_1",
        "object": "response",
        "deleted": True,
    }
    for look in (show_response, delete_response, cancel_response, list_input_items):
        with pytest.raises(NotFound) as missing:
            await look(desk.question())
        assert missing.value.message == "Response with id 'resp_1' not found."


@pytest.mark.parametrize("query", [b"stream=true", b"starting_after=3", b"stream=1&x="])
async def test_the_events_of_a_response_are_not_shown_again(desk: Desk, query: bytes) -> None:
    await keep(desk)
    with pytest.raises(InvalidRequest) as refused:
        await show_response(desk.question(query=query))
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", "stream")
    assert await show_response(desk.question(query=b"stream=false&include=x"))


async def test_only_a_response_in_the_background_is_cancelled(desk: Desk) -> None:
    await keep(desk)
    with pytest.raises(InvalidRequest):
        await cancel_response(desk.question())
    request = asked(background=True)
    begun = WIRE.begun_object(request, "resp_2", 7)
    await desk.responses.begin(desk.caller, request, begun)
    assert told(await cancel_response(desk.question("resp_2")))["status"] == "cancelled"


async def test_input_items_come_newest_first_a_page_at_a_time(desk: Desk) -> None:
    said = [{"role": "user", "content": f"{number}"} for number in range(25)]
    await keep(desk, input=[*said, CALL])
    first = await desk.items()
    assert (first["object"], len(first["data"]), first["has_more"]) == ("list", 20, True)
    assert first["data"][:2] == [
        CALL,
        {
            "id": "msg_000024",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_text", "text": "24"}],
        },
    ]
    assert (first["first_id"], first["last_id"]) == ("fc_1", first["data"][-1]["id"])
    rest = await desk.items(b"after=" + first["last_id"].encode())
    assert [item["id"] for item in rest["data"]] == [f"msg_{n:06d}" for n in range(5, -1, -1)]
    assert not rest["has_more"]
    oldest = await desk.items(b"order=asc&limit=1")
    assert oldest["data"][0]["content"] == [{"type": "input_text", "text": "0"}]


async def test_a_string_was_a_message_and_what_the_model_said_is_output(desk: Desk) -> None:
    answered = {"role": "assistant", "content": "yes", "status": None}
    await keep(desk, input=[answered, {"type": "strange"}])
    page = await desk.items(b"order=asc")
    assert page["data"] == [
        {
            "id": "msg_000000",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "yes"}],
            "status": "completed",
        },
        {"id": "item_000001", "type": "strange"},
    ]


async def test_a_page_of_nothing_is_empty(desk: Desk) -> None:
    await keep(desk)
    page = await desk.items(b"after=msg_000000")
    assert page == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("query", "error", "param"),
    [
        (b"limit=0", InvalidRequest, "limit"),
        (b"limit=101", InvalidRequest, "limit"),
        (b"limit=x", InvalidRequest, "limit"),
        (b"limit=%C2%B2", InvalidRequest, "limit"),
        (b"order=up", InvalidRequest, "order"),
        (b"after=nothing", NotFound, "after"),
    ],
)
async def test_pages_that_make_no_sense_are_refused(
    desk: Desk, query: bytes, error: type[InvalidRequest | NotFound], param: str
) -> None:
    await keep(desk)
    with pytest.raises(error) as refused:
        await desk.items(query)
    assert refused.value.param == param


async def test_a_request_goes_on_from_a_response_and_from_items(desk: Desk) -> None:
    await keep(desk)
    result = {"type": "function_call_output", "call_id": "c", "output": "x"}
    request = asked(input=[result], previous_response_id="resp_1")
    await keeping.go_on(desk.responses, desk.caller, WIRE, request)
    said = {"type": "message", "role": "user", "content": "hi"}
    assert json.loads(WIRE.write_request(request, "m"))["input"] == [said, THOUGHT, CALL, result]
    references = [{"type": "item_reference", "id": known} for known in ("rs_1", "fc_1")]
    request = asked(input=[*references, result])
    await keeping.go_on(desk.responses, desk.caller, WIRE, request)
    assert json.loads(WIRE.write_request(request, "m"))["input"] == [THOUGHT, CALL, result]


async def test_what_a_caller_is_about_to_get_is_kept(desk: Desk) -> None:
    whole = json.dumps(ANSWER).encode()
    last = json.dumps({"type": "response.completed", "response": {**ANSWER, "id": "resp_2"}})
    for told_last in (whole, b"data: " + last.encode() + b"\n\n", b"data: [DONE]\n\n"):
        await keeping.keep(desk.responses, desk.caller, WIRE, asked(), told_last, None)
    for known in ("resp_1", "resp_2"):
        assert told(await show_response(desk.question(known)))["id"] == known


async def test_a_run_in_the_background_begins_with_an_id_and_ends_under_it(desk: Desk) -> None:
    responses = desk.responses
    assert isinstance(responses, StoredResponses)
    request, cancelled = asked(background=True), list[str]()
    run = await keeping.begin(
        responses.runs, desk.caller, WIRE, request, "a-b", 7, lambda: cancelled.append("x")
    )
    assert json.loads(run.response)["status"] == "queued"
    assert told(await show_response(desk.question("resp_ab")))["status"] == "in_progress"
    await keeping.keep(responses, desk.caller, WIRE, request, json.dumps(ANSWER).encode(), run)
    await run.end()
    assert told(await show_response(desk.question("resp_ab")))["output"] == [THOUGHT, CALL]
    assert cancelled == []


def test_only_some_requests_stand_for_more_than_they_say() -> None:
    reference = [{"type": "item_reference", "id": "msg_1"}]
    assert [
        keeping.goes_on(asked(**members))
        for members in ({}, {"input": reference}, {"previous_response_id": "resp_1"})
    ] == [False, True, True]


async def test_where_nothing_is_kept_there_is_nothing_to_go_on_from() -> None:
    desk = Desk(NoResponses(), Caller("org", "key"))
    await keep(desk)
    await desk.responses.begin(desk.caller, asked(), b"")
    await desk.responses.fail(desk.caller, "resp_1", {})
    for look in (show_response, delete_response, cancel_response, list_input_items):
        with pytest.raises(NotFound):
            await look(desk.question())
    for members in (
        {"previous_response_id": "resp_1"},
        {"input": [{"type": "item_reference", "id": "rs_1"}]},
    ):
        with pytest.raises(NotFound):
            await keeping.go_on(desk.responses, desk.caller, WIRE, asked(**members))
