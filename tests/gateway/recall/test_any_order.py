"""Many callers of the same in any order: whatever happens, nothing is mixed, lost or left over."""

import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator

import pytest
from tests.gateway.http import CHAT, RawClient, chat
from tests.gateway.recall.stage import HEAD, Stage, ended, response, said, whole
from tests.gateway.rig import Rig, running
from tests.gateway.transport.hostile import Peer, until
from typing_extensions import override

from trunkline.simulator.server import Simulator

FAILED = response(500, {"error": {"message": "No."}})
REFUSED = response(400, {"error": {"message": "No.", "type": "invalid_request_error"}})
PIECE = re.compile(rb"<(\d+):(\d+)/(\d+)>")


class Fickle(Stage):
    """Answers, fails and breaks off by chance; each piece says which request it answers."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    @override
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answered(peer):
                pass
        writer.close()

    async def _answered(self, peer: Peer) -> bool:
        rng, stream = self._rng, b'"stream": true' in await peer.request()
        self.asked += 1
        number, fate, length = self.asked, rng.random(), rng.randint(1, 9)
        await asyncio.sleep(rng.random() / 50)
        if fate < 0.2:
            await peer.say(FAILED if fate < 0.15 else REFUSED)
        elif not stream:
            await peer.say(whole(f"<{number}:0/1>"))
        else:
            await peer.say(HEAD)
            for place in range(length):
                await peer.say(said(f"<{number}:{place}/{length}>"))
                await asyncio.sleep(rng.random() / 200)
            if fate < 0.4:
                peer.reset()
                return False
            await peer.say(ended())
        return True


@contextlib.asynccontextmanager
async def fickle(rng: random.Random) -> AsyncIterator[Fickle]:
    """A provider on a free port, gone after the block."""
    provider = Fickle(rng)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()


async def ask(rig: Rig, rng: random.Random, *, stream: bool) -> bytes | None:
    """One caller, who may want something of its own, and may leave: then None."""
    wish = rng.random()
    headers = {"x_trunkline_buffered": "true"} if wish < 0.15 else {}
    if wish > 0.8:
        headers["x_trunkline_cache"] = rng.choice(["refresh", "max-age=0", "off"])
    await asyncio.sleep(rng.random() / 20)
    client = await RawClient.send(
        rig, CHAT, chat("m", stream=stream), connection="close", **headers
    )
    if rng.random() < 0.3:
        await asyncio.sleep(rng.random() / 20)
        await client.leave()
        return None
    return await client.rest()


def is_honest(answer: bytes) -> bool:
    """Whether it is one answer from its beginning: to its end, or with an error."""
    pieces = [tuple(map(int, found)) for found in PIECE.findall(answer)]
    whole_until_here = [place for _, place, _ in pieces] == list(range(len(pieces)))
    of_one = len({number for number, _, _ in pieces}) <= 1
    failed = b'"error"' in answer
    complete = bool(pieces) and len(pieces) == pieces[0][2] and not failed
    if b"transfer-encoding: chunked" in answer:
        complete = complete and b"[DONE]" in answer
    return (
        of_one
        and whole_until_here
        and (failed != complete)
        and not (failed and b"[DONE]" in answer)
    )


@pytest.mark.parametrize("seed", range(4))
async def test_callers_of_the_same_get_one_whole_answer_or_an_error(
    simulator: Simulator, seed: int
) -> None:
    rng = random.Random(seed)
    async with (
        fickle(rng) as provider,
        running(simulator, extra=[provider.alias(simulator, hold_headers=0.02)]) as rig,
    ):
        for _ in range(4):
            stream = rng.random() < 0.7
            answers = await asyncio.gather(*(ask(rig, rng, stream=stream) for _ in range(40)))
            assert [one for one in answers if one is not None and not is_honest(one)] == []
            await until(lambda: rig.observed.running == 0 and rig.recall.stats().flights == 0)
            assert rig.recall.stats().followers == 0
            assert rig.admitted.released == len(rig.admitted.asks)
            assert rig.admitted.settled.keys() == rig.admitted.covered.keys()
            await rig.recall.forget("org-1")
        assert provider.asked < len(rig.admitted.asks) / 2
