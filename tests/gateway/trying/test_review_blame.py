"""No caller opens a circuit for all others by what it asks for, or by how slowly it reads."""

import asyncio

from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import running
from tests.gateway.transport.hostile import HostileServer, Peer
from tests.gateway.trying.scenes import alias, balanced, target

from trunkline.gateway.policy import CircuitTerms, Waits
from trunkline.simulator.server import Simulator

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
FRAME = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'


async def babble(peer: Peer) -> None:
    """Speak for ever."""
    await peer.request()
    await peer.say(HEAD)
    while True:
        await peer.say(FRAME)
        await asyncio.sleep(0.01)


async def test_an_answer_that_takes_long_is_no_failure_of_its_target(simulator: Simulator) -> None:
    server = HostileServer(babble)
    await server.start()
    talker = target(simulator, "sim-fast", origin=server.origin)
    route = alias(
        talker, waits=Waits(total=0.2), circuit=CircuitTerms(minimum=1, failures=0.1, open=60.0)
    )
    try:
        async with running(simulator, extra=[route]) as rig:
            answer = await post(rig, CHAT, chat("m", stream=True))
            (report,) = rig.health.report()
            state = rig.health.state(talker)
    finally:
        await server.stop()
    assert answer.text.count("word") > 1
    assert "data: [DONE]" not in answer.text
    assert [end.ending for _, end in rig.recorded.outcomes] == ["timed_out"]
    assert (state, report.failures, report.in_flight) == ("closed", 0, 0)
    assert balanced(rig)
