"""The product as its operator starts it: `trunkline serve` as processes that can be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
from tests.product.books import ledger_rows
from tests.product.offer import ACME, KeyChain, configuration
from tests.product.running import settings_for
from tests.services.process import free_port

from trunkline.cli.applying import apply_in
from trunkline.cli.session import open_session
from trunkline.configuration.schema import ConfigurationFile
from trunkline.ledger.rows import Row
from trunkline.storage.engine import Database

READY_PATIENCE = 30.0
STOP_PATIENCE = 60.0


class Installation:
    """A data directory, its configuration file and its keys; fronts come and go on it.

    Its state is the process that runs now, if any. ``installation`` below owns it.
    """

    def __init__(self, directory: Path, options: Mapping[str, str]) -> None:
        self.data = directory / "data"
        self.log = directory / "trunkline.log"
        self.chain = KeyChain(directory)
        self._options = options
        self._front: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def key(self) -> str:
        """The first organisation's first key."""
        return next(iter(self.chain.texts.values()))

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the running front."""
        assert self._front is not None
        return self._front.pid

    async def configure(
        self, simulator_url: str, organisations: Iterable[Mapping[str, Any]] = (ACME,)
    ) -> None:
        """Make the installation be so; a front that runs learns of it within a second."""
        await self.apply(configuration(simulator_url, self.chain, organisations))

    async def apply(self, content: ConfigurationFile) -> None:
        """As ``configure``, with a configuration made by the caller with this chain of keys."""
        settings = settings_for(self.data, self._options.get("TRUNKLINE_DATABASE_URL"))
        async with open_session(settings) as session:
            await apply_in(session, content, source="test")

    async def start(self) -> None:
        """Start the front and its worker, and wait until it is ready."""
        self.port = free_port()
        command = [sys.executable, "-m", "trunkline.cli.main", "serve", "--port", str(self.port)]
        command += ["--data", str(self.data)]
        with self.log.open("ab") as log:
            self._front = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data.parent,
                env=self.environment(),
            )
        await self._ready(self._front)

    def environment(self) -> dict[str, str]:
        """What a process of this installation sees."""
        kept = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "COVERAGE_PROCESS_START")
        inherited = {name: os.environ[name] for name in kept if name in os.environ}  # noqa: TID251 - of the test, not of the product
        own = {
            "TRUNKLINE_ENV": "test",
            "TRUNKLINE_ALLOWED_NETWORKS": "127.0.0.0/8",
            "TRUNKLINE_DATA_DIR": str(self.data),
            "TRUNKLINE_SHUTDOWN_NOTICE": "0",
        }
        return inherited | own | dict(self._options)

    async def _ready(self, front: "subprocess.Popen[bytes]") -> None:
        async with asyncio.timeout(READY_PATIENCE), httpx2.AsyncClient() as client:
            while front.poll() is None:
                try:
                    answer = await client.get(f"{self.base_url}/health/ready")
                except httpx2.TransportError:
                    answer = None
                if answer is not None and answer.status_code == 200:
                    return
                await asyncio.sleep(0.05)
        raise RuntimeError(f"the front ended with {front.returncode}: {self.log.read_text()}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the front alone."""
        os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait for the end of the front and of its worker; the front's exit code."""
        front = self._front
        assert front is not None
        children = _children_of(front.pid)
        code = await asyncio.to_thread(front.wait, STOP_PATIENCE)
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, STOP_PATIENCE)
        assert not alive
        self._front = None
        return code

    async def kill(self) -> None:
        """As the kernel does it when memory is short: the front dies at once."""
        self.send(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """As an operator does it; the exit code."""
        self.send(signal.SIGTERM)
        return await self.ended()

    async def close(self) -> None:
        """Leave nothing running."""
        if self._front is not None and self._front.poll() is None:
            await self.kill()

    async def rows(self) -> list[Row]:
        """The ledger as it is in the database."""
        url = self._options.get("TRUNKLINE_DATABASE_URL")
        database = await Database.open(url, data_dir=self.data)
        try:
            return await ledger_rows(database)
        finally:
            await database.close()

    async def metrics(self) -> dict[str, float]:
        """The numbers of a scrape, summed over their labels."""
        async with httpx2.AsyncClient() as client:
            text = (await client.get(f"{self.base_url}/metrics")).text
        sums: dict[str, float] = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                series, _, number = line.rpartition(" ")
                name = series.partition("{")[0]
                sums[name] = sums.get(name, 0.0) + float(number)
        return sums


def _children_of(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@asynccontextmanager
async def installation(directory: Path, **options: str) -> AsyncIterator[Installation]:
    """An installation in this directory, with settings by their environment names."""
    made = Installation(directory, options)
    try:
        yield made
    finally:
        await made.close()
