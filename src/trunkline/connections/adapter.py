"""The gateway's routing state, built from database, environment and catalogue."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import msgspec
from typing_extensions import override

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import Catalog
from trunkline.connections import repository
from trunkline.connections.accounts import Credentials
from trunkline.connections.builder import Builder
from trunkline.connections.building import State
from trunkline.connections.price_book import PriceBook
from trunkline.connections.rows import PriceOverride
from trunkline.connections.secrets import Secrets
from trunkline.errors import Unavailable
from trunkline.gateway.ports import Routes
from trunkline.gateway.snapshot import Snapshot, Target
from trunkline.kit.clock import Clock
from trunkline.settings import Settings
from trunkline.storage.changes import Change, newest_change
from trunkline.storage.engine import Database

KINDS = frozenset({"connection", "alias", "price_override"})
SHORTEST_SLEEP = 0.001
MAX_PASSED_NAMES = 4096
# What the ledger keeps of a name.
MAX_NAME = 256
RETRY_SECONDS = 1.0
# A stepped clock is noticed within this time.
MAX_SLEEP = 30.0

logger = logging.getLogger(__name__)


class _Built(msgspec.Struct, frozen=True):
    snapshot: Snapshot
    book: PriceBook


class SnapshotRoutes(Routes):
    """The snapshots of all organisations.

    Its state is the shared part, the snapshots built from it, and the names that were passed on
    as ``connection/model``; all change on the event loop only and are swapped whole. ``app.py``
    owns it: start the ``ChangePoller`` with ``apply``, then ``start``; ``stop`` it at the end.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        secrets: Secrets,
        *,
        clock: Clock,
        catalog: Catalog | None = None,
        capabilities: Capabilities | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._builder = Builder(
            settings,
            secrets,
            catalog or Catalog(),
            capabilities or Capabilities(),
            clock,
            credentials,
        )
        self._shared: State | None = None
        self._shared_prices: list[PriceOverride] = []
        self._version = 0
        self._built: dict[str, _Built] = {}
        self._passed: dict[tuple[str, str], tuple[Snapshot, Target]] = {}
        self._problems: dict[str | None, list[str]] = {}
        self._building = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be used as it is configured, for the operator."""
        return tuple(problem for found in self._problems.values() for problem in found)

    @override
    def snapshot(self, org_id: str) -> Snapshot:
        built = self._built.get(org_id)
        if built is None:
            built = self._plain(org_id)
        return built.snapshot

    @override
    def target_for(self, snapshot: Snapshot, name: str) -> Target | None:
        passed = self._passed.get((snapshot.org_id, name))
        if passed is not None and passed[0] is snapshot:
            return passed[1]
        connection_name, _, model = name.partition("/")
        connection = snapshot.connections.get(connection_name)
        if connection is None or not model or len(name) > MAX_NAME or not model.isprintable():
            return None
        built = self._built.get(snapshot.org_id) or self._plain(snapshot.org_id)
        target = built.book.target(connection, model)
        if len(self._passed) >= MAX_PASSED_NAMES:
            self._passed.clear()
        self._passed[snapshot.org_id, name] = (snapshot, target)
        return target

    async def start(self) -> None:
        """Load everything, and from then on take each dated price into use when its time comes.

        Raises:
            Unavailable: the database does not answer.
        """
        await self.load()
        self._task = asyncio.create_task(self._follow_prices(), name="price-dates")

    async def stop(self) -> None:
        """Stop following the dates of prices. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def load(self) -> None:
        """Build everything anew.

        Raises:
            Unavailable: the database does not answer; what was built stays in use.
        """
        async with self._building:
            await self._build_all()

    async def apply(self, changes: Sequence[Change]) -> None:
        """Build again what these changes touch: some organisations, or all of them. Idempotent.

        Raises:
            Unavailable: the database does not answer; what was built stays in use.
        """
        touched = [change.org_id for change in changes if change.kind in KINDS]
        orgs = {org_id for org_id in touched if org_id is not None}
        async with self._building:
            shared = self._shared
            if touched and (shared is None or None in touched):
                await self._build_all()
            elif shared is not None:
                for org_id in orgs:
                    await self._build_one(org_id, shared)

    async def refresh(self) -> None:
        """Build everything anew if the time of a price is over."""
        if self._clock.now() >= self._due:
            await self.load()

    @property
    def _due(self) -> float:
        books = [built.book.until for built in self._built.values()]
        if self._shared is not None:
            books.append(self._shared.book.until)
        return min(books, default=float("inf"))

    async def _follow_prices(self) -> None:
        while True:
            wait = self._due - self._clock.now()
            await asyncio.sleep(min(max(wait, SHORTEST_SLEEP), MAX_SLEEP))
            try:
                await self.refresh()
            except Exception:
                # Whatever fails, the last prices stay in use and the next try follows.
                logger.exception("Prices whose date has come are not in use yet")
                await asyncio.sleep(RETRY_SECONDS)

    async def _build_all(self) -> None:
        async with self._database.read(None) as conn:
            version = await newest_change(conn)
            rows = await repository.rows_by_owner(conn)
        shared = await self._builder.shared(rows.shared)
        problems: dict[str | None, list[str]] = {None: shared.problems}
        built: dict[str, _Built] = {}
        for org_id, own in rows.own.items():
            state = await self._builder.own(own, shared, rows.shared.prices)
            built[org_id] = _finished(org_id, version, state)
            problems[org_id] = state.problems
        self._shared, self._shared_prices = shared, rows.shared.prices
        self._version, self._built = version, built
        self._passed.clear()
        self._note(problems)

    async def _build_one(self, org_id: str, shared: State) -> None:
        async with self._database.read(None) as conn:
            version = await newest_change(conn)
            rows = await repository.rows_by_owner(conn, (org_id,))
        own = rows.own.get(org_id)
        problems: list[str] = []
        if own is None:
            self._built.pop(org_id, None)
        else:
            state = await self._builder.own(own, shared, self._shared_prices)
            self._built[org_id] = _finished(org_id, version, state)
            problems = state.problems
        self._version = version
        self._note({org_id: problems})

    def _plain(self, org_id: str) -> _Built:
        """An organisation without anything of its own has the shared part itself."""
        shared = self._shared
        if shared is None:
            raise Unavailable(
                "The models are not known yet.", code="routes_unavailable", retry_after=1
            )
        snapshot = Snapshot(org_id, self._version, shared.aliases, shared.connections)
        built = self._built[org_id] = _Built(snapshot, shared.book)
        return built

    def _note(self, problems: dict[str | None, list[str]]) -> None:
        for org_id, found in problems.items():
            for problem in set(found) - set(self._problems.get(org_id, ())):
                logger.warning("In the configuration of %s: %s", org_id or "all", problem)
        self._problems.update(problems)


def _finished(org_id: str, version: int, state: State) -> _Built:
    return _Built(Snapshot(org_id, version, state.aliases, state.connections), state.book)
