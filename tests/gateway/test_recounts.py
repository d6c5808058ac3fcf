"""What is handed over to be counted where the provider told no usage."""

import asyncio
from typing import Any

import httpx2
import pytest
from tests.gateway.http import CHAT, chat
from tests.gateway.rig import KEY, Rig, connection, running
from typing_extensions import override

from trunkline.gateway.bare import NoRecounts
from trunkline.gateway.metering.price import Price, Rates
from trunkline.gateway.ports import Unmetered
from trunkline.gateway.snapshot import Alias, Origin, Target
from trunkline.simulator.server import Simulator

SAID = b'{"choices":[{"message":{"content":"hi"}}],"text":"hi"}'


class Offered(NoRecounts):
    """Keeps what it is offered."""

    def __init__(self) -> None:
        self.all: list[Unmetered] = []

    @override
    def offer(self, unmetered: Unmetered) -> bool:
        self.all.append(unmetered)
        return True


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An answer without a usage, whatever is asked."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(SAID), SAID)
    )
    await writer.drain()
    await reader.read()
    writer.close()


async def ask(rig: Rig, path: str, **content: Any) -> None:
    async with httpx2.AsyncClient(base_url=rig.base_url) as client:
        headers = {"authorization": f"Bearer {KEY}"}
        answer = await client.post(path, headers=headers, **content)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("wire", "path", "content", "counted"),
    [
        ("openai_chat", CHAT, {"json": chat("m")}, 1),
        (
            "openai_transcription",
            "/v1/audio/transcriptions",
            {"data": {"model": "m"}, "files": {"file": ("a.wav", b"RIFF" * 500)}},
            0,
        ),
    ],
)
async def test_only_texts_are_counted_and_sound_keeps_its_estimate(
    simulator: Simulator, wire: str, path: str, content: dict[str, Any], counted: int
) -> None:
    offered = Offered()
    server = await asyncio.start_server(say, "127.0.0.1", 0)
    async with server:
        origin = Origin("http", "127.0.0.1", server.sockets[0].getsockname()[1])
        price = Price("p", Rates(input=1_000_000, output=1_000_000))
        target = Target(connection(simulator, wire, origin=origin), "m", price)
        alias = Alias(name="m", targets=(target,))
        async with running(simulator, extra=[alias], recounts=offered) as rig:
            await ask(rig, path, **content)
    [(attempt, outcome)] = rig.recorded.outcomes
    assert len(offered.all) == counted
    assert rig.admitted.provisional == ({attempt.id} if counted else set())
    assert outcome.cost_state == "estimated"
    assert outcome.cost_nano is not None
    assert outcome.cost_nano >= (attempt.floor_nano or 0) > 0
