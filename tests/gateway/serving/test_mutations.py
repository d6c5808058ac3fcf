"""Damaged requests: whatever arrives, the answer is ours and the server goes on."""

import asyncio
import random
import re

import pytest
from tests.gateway.serving.rig import GET, Rig, post, running

from trunkline.gateway.serving.edges import Edges

CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
UPGRADE = post(b"abc", more=b"Connection: upgrade\r\nUpgrade: h2c\r\n")
WHOLE = [GET, post(b"abc"), CHUNKED, UPGRADE, GET + CHUNKED + post(b"abc") + GET]
PIECES = [
    b"\r",
    b"\n",
    b"\0",
    b":",
    b" ",
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"\xff",
    b"0",
]
QUICK = Edges(header_timeout=0.1, body_idle=0.1, keep_alive=0.1, linger=0.1, header_bytes=4096)
STATUSES = {200, 400, 405, 408, 426, 431}


def damaged(chance: random.Random) -> bytes:
    """A request with up to four cuts, insertions and repetitions."""
    data = chance.choice(WHOLE)
    for _ in range(chance.randint(1, 4)):
        at, end = sorted(chance.choices(range(len(data) + 1), k=2))
        middle = chance.choice([b"", chance.choice(PIECES), data[at:end] * 2, chance.randbytes(3)])
        data = data[:at] + middle + (data[end:] if chance.random() < 0.3 else data[at:])
    return data


async def statuses_of(rig: Rig, data: bytes, chance: random.Random) -> set[int]:
    client = await rig.connect()
    cut = chance.randint(0, len(data))
    client.send(data[:cut])
    await asyncio.sleep(0)
    client.send(data[cut:])
    answers = re.findall(rb"HTTP/1\.1 (\d+) [^\r\n]*\r\n", await client.rest())
    return {int(status) for status in answers}


@pytest.mark.parametrize("seed", range(4))
async def test_no_damage_makes_an_error_of_ours_or_keeps_anything(seed: int) -> None:
    chance = random.Random(seed)
    async with running(edges=QUICK) as rig:
        cases = [damaged(chance) for _ in range(150)]
        seen = await asyncio.gather(*(statuses_of(rig, case, chance) for case in cases))
        odd = {case: found for case, found in zip(cases, seen, strict=True) if found - STATUSES}
        assert odd == {}
        assert set().union(*seen) >= {200, 400}
        await rig.until(lambda: rig.server.open_connections == 0)
        assert (rig.lifecycle.body_bytes, rig.lifecycle.in_flight) == (0, 0)
        assert (await rig.ask(GET)).status == 200
