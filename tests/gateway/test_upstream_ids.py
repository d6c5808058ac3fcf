"""The provider's own name of an answer, by which its support finds it."""

import json

import pytest
from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import running
from tests.gateway.transport.hostile import HostileServer, Peer
from tests.gateway.trying.scenes import target

from trunkline.gateway.snapshot import Alias
from trunkline.simulator.server import Simulator

BODY = json.dumps(
    {
        "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        (b"", None),
        (b"x-request-id: ours\r\n", "ours"),
        (b"request-id: ours\r\n", "ours"),
        (b"request-id: theirs\r\nx-request-id: ours\r\n", "ours"),
        (b"x-request-id: ours\r\nrequest-id: theirs\r\n", "ours"),
        (b"x-request-id:\r\nrequest-id: ours\r\n", "ours"),
        (b"request-id: ours\r\nx-request-id:\r\n", "ours"),
        (b"x-request-id:\r\n", None),
    ],
)
async def test_an_answer_is_known_by_the_first_of_its_names_that_says_anything(
    simulator: Simulator, headers: bytes, known: str | None
) -> None:
    async def answer(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.say(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
                % (headers, len(BODY))
                + BODY
            )

    server = HostileServer(answer)
    await server.start()
    try:
        named = Alias("named", (target(simulator, "sim-chat", origin=server.origin),))
        async with running(simulator, extra=[named]) as rig:
            assert (await post(rig, CHAT, chat("named"))).status_code == 200
        assert [outcome.upstream_id for _, outcome in rig.recorded.outcomes] == [known]
    finally:
        await server.stop()
