"""Requests that the process makes of itself take the same way as those from outside."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.gateway.http import chat
from tests.gateway.rig import Rig, connection, running

from trunkline.errors import Unavailable
from trunkline.gateway.arrival import Arrival
from trunkline.gateway.caller import Caller
from trunkline.gateway.inward_call import CollectedSink, InwardAnswer, InwardCalls
from trunkline.gateway.sink import Sink
from trunkline.gateway.snapshot import Alias, Target
from trunkline.gateway.wire.contract import CHAT, Wire
from trunkline.gateway.wire.registry import WIRES
from trunkline.simulator.server import Simulator

CALLER = Caller(org_id="org-1", key_id="key-7", scopes=frozenset({"inference"}))
WIRE = WIRES["openai_chat"]
PATH = "/v1/chat/completions"


async def ask(rig: Rig, document: Any, caller: Caller = CALLER) -> InwardAnswer:
    return await rig.inward.call(caller, WIRE, CHAT, PATH, msgspec.json.encode(document))


async def test_a_whole_answer_is_metered_under_the_caller_without_any_credential(
    simulator: Simulator,
) -> None:
    async with running(simulator) as rig:
        answer = await ask(rig, chat())
        event = await rig.observed.wait_for(1)
    assert answer.status == 200
    assert msgspec.json.decode(answer.body)["object"] == "chat.completion"
    [(attempt, outcome)] = rig.recorded.outcomes
    assert (attempt.key_id, outcome.cost_nano) == ("key-7", simulator.ledger[0].bill_nano)
    assert dict(answer.headers)[b"x-trunkline-generation-id"].decode() == attempt.request_id
    assert (event.route, event.status, rig.admitted.released) == ("inward", 200, 1)


async def test_a_stream_comes_as_all_its_bytes(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        answer = await ask(rig, chat(stream=True))
    assert answer.status == 200
    assert answer.body.endswith(b"data: [DONE]\n\n")


async def test_an_error_is_an_answer_in_the_wire(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        missing = await ask(rig, chat("nobody"))
        forbidden = await ask(rig, chat(), Caller(org_id="org-1", key_id="k"))
    assert (missing.status, forbidden.status) == (404, 403)
    assert msgspec.json.decode(missing.body)["error"]["code"] == "model_not_found"


async def test_cancelling_the_task_ends_the_request(simulator: Simulator) -> None:
    target = Target(connection(simulator, "openai_chat"), "sim-fast+fault=silence", None)
    async with running(simulator, extra=[Alias(name="silent", targets=(target,))]) as rig:
        task = asyncio.create_task(ask(rig, chat("silent")))
        async with asyncio.timeout(20):
            await rig.recorded.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        event = await rig.observed.wait_for(1)
        assert rig.admitted.released == 1
    assert len(event.attempts) == 1


async def test_before_the_data_path_has_started_nothing_is_called() -> None:
    with pytest.raises(Unavailable):
        await InwardCalls().call(CALLER, WIRE, CHAT, PATH, b"{}")


async def test_an_answer_that_was_not_ended_or_is_too_long_is_none() -> None:
    async def say_nothing(arrival: Arrival, wire: Wire, operation: str, sink: Sink) -> None:
        sink.start(200, [])

    calls = InwardCalls()
    calls.serve(say_nothing)
    nothing = InwardAnswer(0, (), b"")
    assert await calls.call(CALLER, WIRE, CHAT, PATH, b"{}") == nothing
    sink = CollectedSink(3)
    sink.start(200, [(b"a", b"b")])
    await sink.write(b"12")
    sink.write_soon(b"3")
    sink.finish()
    assert sink.answer == InwardAnswer(200, ((b"a", b"b"),), b"123")
    assert sink.push(b"4567") is False
    assert sink.answer == nothing
