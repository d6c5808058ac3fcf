"""The whole product in the process of the test: the real front in front of the simulator."""

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import structlog
from tests.product.books import ledger_rows
from tests.product.offer import ACME, Copy, KeyChain, configuration

from trunkline.app import Front, open_front
from trunkline.cli.applying import apply_in
from trunkline.cli.session import open_session
from trunkline.identity.service.organisations import list_organisations
from trunkline.kit.clock import SystemClock
from trunkline.ledger.rows import Row
from trunkline.ledger.shipping import Shipper
from trunkline.limits.standing import BudgetStanding
from trunkline.settings import Settings, load_settings
from trunkline.simulator.server import Simulator

PATIENCE = 20.0
"""Seconds that anything may take before a test fails."""

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"


class Product:
    """A running front with its simulator. ``running_product`` owns and closes what it holds."""

    def __init__(
        self, front: Front, settings: Settings, simulator: Simulator, chain: KeyChain, log: Path
    ) -> None:
        self.front = front
        self.settings = settings
        self.simulator = simulator
        self.chain = chain
        self.log = log
        self._shipper = Shipper(front.kept.database, settings.data_dir / "journal", SystemClock())

    @property
    def port(self) -> int:
        return self.front.server.port

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.front.server.port}"

    @property
    def key(self) -> str:
        """The first organisation's first key."""
        return next(iter(self.chain.texts.values()))

    def client(self, key: str | None = None, **headers: str) -> httpx2.AsyncClient:
        """A plain HTTP client with a key."""
        sent = {"authorization": f"Bearer {key or self.key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.AsyncClient(base_url=self.base_url, headers=sent, timeout=PATIENCE)

    async def post(
        self, path: str, document: object, *, key: str | None = None, **headers: str
    ) -> httpx2.Response:
        """One request on a connection of its own."""
        async with self.client(key, **headers) as client:
            return await client.post(path, json=document)

    async def get(self, path: str, *, key: str | None = None, **headers: str) -> httpx2.Response:
        """One request on a connection of its own."""
        async with self.client(key, **headers) as client:
            return await client.get(path)

    async def rows(self) -> list[Row]:
        """The whole ledger, once everything in the journal has been shipped."""
        await self._shipper.drain()
        return await ledger_rows(self.front.kept.database)

    async def org_id(self, slug: str = "acme") -> str:
        """The identifier of an organisation."""
        from_slug = await _organisations(self.front)
        return from_slug[slug]

    async def standing(self, slug: str = "acme") -> BudgetStanding:
        """The only budget of an organisation."""
        (standing,) = self.front.known.admission.standings(await self.org_id(slug))
        return standing

    async def idle(self) -> None:
        """Wait until no request is left anywhere: client side, leases, provider side."""
        async with asyncio.timeout(PATIENCE):
            while self._busy():  # noqa: ASYNC110 - the parts tell nobody when they change
                await asyncio.sleep(0.002)

    def _busy(self) -> bool:
        return bool(
            self.front.server._lifecycle.in_flight
            or self.front.known.admission.stats().leases
            or self.front.upstream.stats().busy
            or any(attempt.ended is None for attempt in self.simulator.ledger)
        )

    async def log_text(self) -> str:
        """The log once its newest lines have left."""
        await asyncio.sleep(0.12)
        return self.log.read_text()


async def _organisations(front: Front) -> dict[str, str]:
    async with front.kept.database.read(None) as conn:
        return {org.slug: org.id for org in await list_organisations(conn)}


def settings_for(directory: Path, database_url: str | None = None, **options: Any) -> Settings:
    """Settings of a front on the loopback; options win, by field name."""
    chosen: dict[str, Any] = {
        "env": "test",
        "data_dir": directory,
        "port": 0,
        "roles": ("gateway", "control"),
        "allowed_networks": ("127.0.0.0/8",),
        "no_proxy": ("127.0.0.1",),
        "database_url": database_url,
        "shutdown_notice": 0.0,
        "shutdown_deadline": 3.0,
    }
    return load_settings(None, **(chosen | options))


@asynccontextmanager
async def running_product(
    directory: Path,
    simulator: Simulator,
    *,
    organisations: Iterable[Mapping[str, Any]] = (ACME,),
    models: Iterable[Mapping[str, Any]] = (),
    prices: Iterable[Mapping[str, Any]] = (),
    copies: Iterable[Copy] = (),
    database_url: str | None = None,
    chain: KeyChain | None = None,
    **options: Any,
) -> AsyncIterator[Product]:
    """Configure an installation in this data directory and serve it.

    Args:
        directory: its data directory.
        simulator: a running one; it stays the caller's.
        organisations: sections of the configuration file.
        models: further published models.
        prices: further prices.
        copies: further connections.
        database_url: PostgreSQL instead of SQLite.
        chain: keys of an earlier run on the same directory.
        options: settings by field name.
    """
    chain = chain or KeyChain(directory.parent)
    settings = settings_for(directory, database_url, **options)
    content = configuration(simulator.base_url, chain, organisations, models, prices, copies)
    async with open_session(settings) as session:
        await apply_in(session, content, source="test")
    log = directory.parent / "trunkline.log"
    with _process_state(), _descriptor(log) as log_fd:
        async with open_front(settings, log_fd=log_fd) as front:
            serving = asyncio.create_task(front.server.serve(), name="front")
            await front.server.listening()
            try:
                yield Product(front, settings, simulator, chain, log)
            finally:
                front.server.stop()
                await serving


@contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _process_state() -> Iterator[None]:
    """Put back what a front changes in its process: the logs and the garbage collector."""
    root = logging.getLogger()
    handlers, level, thresholds = root.handlers[:], root.level, gc.get_threshold()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
        gc.set_threshold(*thresholds)
        gc.unfreeze()
