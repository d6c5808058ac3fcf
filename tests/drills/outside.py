"""Simulated providers as a process of their own, so that it can be stopped like a real one."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import msgspec
from tests.services.process import free_port

from trunkline.simulator.ledger import SeenAttempt

START_PATIENCE = 20.0


class Outside:
    """A running simulator. ``outside_simulator`` owns its process."""

    def __init__(self, port: int, pid: int) -> None:
        self.pid = pid
        self.base_url = f"http://127.0.0.1:{port}"

    async def seen(self) -> list[SeenAttempt]:
        """Its ledger, once nothing runs any more."""
        async with httpx2.AsyncClient(base_url=self.base_url, timeout=30) as client:
            while (await client.get("/_simulator/state")).json()["running"]:  # noqa: ASYNC110 - far away
                await asyncio.sleep(0.05)
            answer = await client.get("/_simulator/attempts")
        return msgspec.json.decode(answer.content, type=_Listed).attempts

    async def set_fault(self, fault: str, *, model: str | None = None, share: float = 1.0) -> None:
        """Let this share of the requests to come meet a fault."""
        rule = {"fault": fault, "model": model, "share": share}
        async with httpx2.AsyncClient(base_url=self.base_url) as client:
            assert (await client.post("/_simulator/fault", json=rule)).status_code == 200

    async def clear_faults(self) -> None:
        """Take all faults back."""
        async with httpx2.AsyncClient(base_url=self.base_url) as client:
            await client.delete("/_simulator/fault")

    async def answers(self) -> bool:
        """Whether it can be talked to."""
        try:
            async with httpx2.AsyncClient(base_url=self.base_url) as client:
                return (await client.get("/_simulator/state")).status_code == 200
        except httpx2.TransportError:
            return False


class _Listed(msgspec.Struct):
    attempts: list[SeenAttempt]


@asynccontextmanager
async def outside_simulator(directory: Path, seed: int) -> AsyncIterator[Outside]:
    """Start one, and end it with the block."""
    port = free_port()
    command = [sys.executable, "-m", "trunkline.cli.main", "simulate", "--json"]
    command += ["--port", str(port), "--seed", str(seed)]
    with (directory / "simulator.log").open("wb") as log:
        child = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        outside = Outside(port, child.pid)
        async with asyncio.timeout(START_PATIENCE):
            while not await outside.answers():  # noqa: ASYNC110 - another process starts
                await asyncio.sleep(0.05)
        yield outside
    finally:
        child.kill()
        await asyncio.to_thread(child.wait)
