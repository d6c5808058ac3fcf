"""Counting tokens: who is asked, and what it is told."""

import asyncio
import json
from typing import Any

from tests.gateway.http import HELLO, MESSAGES, post
from tests.gateway.rig import connection, running

from trunkline.gateway.snapshot import Alias, Origin, Target
from trunkline.simulator.server import Simulator


class Counter:
    """A provider that counts 7 tokens whatever it is sent, and keeps that."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)
        self.bodies.append(json.loads(await reader.readexactly(int(length.partition(b":")[2]))))
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b'content-length: 17\r\n\r\n{"totalTokens":7}'
        )
        writer.close()


async def test_the_ceiling_of_an_alias_is_no_business_of_who_counts(simulator: Simulator) -> None:
    counter = Counter()
    server = await asyncio.start_server(counter.serve, "127.0.0.1", 0)
    async with server:
        origin = Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
        target = Target(connection(simulator, "gemini", origin=origin), "g", None)
        alias = Alias(name="m", targets=(target,), max_tokens=9)
        async with running(simulator, extra=[alias]) as rig:
            said = {"contents": [{"parts": [{"text": "hi"}]}]}
            answer = await post(rig, "/v1beta/models/m:countTokens", said)
    assert answer.json() == {"totalTokens": 7}
    assert counter.bodies == [said]


async def test_only_who_speaks_the_callers_wire_is_asked(simulator: Simulator) -> None:
    targets = tuple(
        Target(connection(simulator, wire), "sim-fast", None)
        for wire in ("openai_responses", "gemini", "anthropic_messages")
    )
    async with running(simulator, extra=[Alias(name="m", targets=targets)]) as rig:
        answer = await post(rig, f"{MESSAGES}/count_tokens", {"model": "m", "messages": HELLO})
    assert answer.headers["x-trunkline-attempts"] == "1"
    assert answer.json()["input_tokens"] > 0
    [(attempt, _)] = rig.recorded.outcomes
    assert attempt.wire == "anthropic_messages"
