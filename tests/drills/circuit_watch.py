"""What the health API tells of a target while a drill runs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from tests.product.process import Installation

INTERVAL = 0.1


class CircuitWatch:
    """Notes each change of a target's circuit. ``watched_circuit`` owns its task.

    Attributes:
        changes: Unix seconds and the state from then on, oldest first.
    """

    def __init__(self, made: Installation, connection: str, model: str) -> None:
        self._made = made
        self._place = (connection, model)
        self.changes: list[tuple[float, str]] = []

    async def follow(self) -> None:
        """Look again and again."""
        headers = {"authorization": f"Bearer {self._made.key}"}
        async with httpx2.AsyncClient(base_url=self._made.base_url, headers=headers) as client:
            while True:
                state = self._state(await client.get("/api/providers/health"))
                if not self.changes or self.changes[-1][1] != state:
                    self.changes.append((time.time(), state))
                await asyncio.sleep(INTERVAL)

    async def until(self, state: str, patience: float) -> float:
        """Wait until the circuit is so; Unix seconds at which it was seen."""
        async with asyncio.timeout(patience):
            while not self.changes or self.changes[-1][1] != state:  # noqa: ASYNC110 - far away
                await asyncio.sleep(0.02)
        return self.changes[-1][0]

    def told(self, since: float) -> str:
        """The changes for people, in seconds since a moment."""
        return ", ".join(f"{state} at {at - since:.1f} s" for at, state in self.changes[1:])

    def _state(self, answer: httpx2.Response) -> str:
        for target in answer.json()["targets"]:
            if (target["connection"], target["model"]) == self._place:
                return str(target["circuit"]["state"])
        return "unknown"


@asynccontextmanager
async def watched_circuit(
    made: Installation, connection: str, model: str
) -> AsyncIterator[CircuitWatch]:
    """Watch for the length of the block."""
    watch = CircuitWatch(made, connection, model)
    running = asyncio.create_task(watch.follow())
    try:
        yield watch
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
