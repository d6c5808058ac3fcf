"""What a provider gets of a caller's request, by a provider that keeps it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import connection, running

from trunkline.gateway.snapshot import Alias, Origin, Target
from trunkline.simulator.server import Simulator

ANSWER = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi."}}]}'


class Keeping:
    """A provider that answers everything alike and keeps heads and bodies."""

    def __init__(self, port: int) -> None:
        self.origin = Origin("http", "127.0.0.1", port)
        self.heads: list[bytes] = []
        self.bodies: list[dict[str, Any]] = []


@contextlib.asynccontextmanager
async def keeping() -> AsyncIterator[Keeping]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(line for line in head.split(b"\r\n") if b"content-length" in line)
        kept.heads.append(head)
        kept.bodies.append(json.loads(await reader.readexactly(int(length.partition(b":")[2]))))
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    kept = Keeping(server.sockets[0].getsockname()[1])
    async with server:
        yield kept


@pytest.mark.parametrize(("asked", "limit"), [({}, 9), ({"max_completion_tokens": 5}, 5)])
async def test_the_ceiling_of_an_alias_is_told_in_each_targets_own_member(
    simulator: Simulator, asked: dict[str, int], limit: int
) -> None:
    async with keeping() as kept:
        dead = connection(
            simulator,
            "openai_chat",
            origin=Origin("http", "127.0.0.1", 9),
            output_limit_field="max_completion_tokens",
        )
        account = connection(simulator, "openai_chat", origin=kept.origin)
        targets = (Target(dead, "m", None), Target(account, "m", None))
        alias = Alias(name="m", targets=targets, max_tokens=9)
        async with running(simulator, extra=[alias]) as rig:
            answer = await post(rig, CHAT, chat("m", **asked))
    assert answer.status_code == 200
    assert [body["max_tokens"] for body in kept.bodies] == [limit]


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("x-title", True),
        ("x-goog-user-project", False),
        ("cf-connecting-ip", False),
        ("true-client-ip", False),
        ("cdn-loop", False),
        ("idempotency-key", False),
    ],
)
async def test_what_acts_on_the_shared_account_or_tells_of_the_callers_network_stays_here(
    simulator: Simulator, name: str, *, passes: bool
) -> None:
    async with keeping() as kept:
        account = connection(simulator, "openai_chat", origin=kept.origin)
        alias = Alias(name="m", targets=(Target(account, "m", None),))
        async with running(simulator, extra=[alias]) as rig:
            answer = await post(rig, CHAT, chat("m"), **{name: "mine"})
    assert answer.status_code == 200
    [head] = kept.heads
    assert (f"\r\n{name}:".encode() in head) == passes
