"""The gateway's routing state, built from database, environment and catalogue."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from typing_extensions import override

from trunkline.catalog.capabilities import Capabilities
from trunkline.catalog.reader import Catalog
from trunkline.connections.accounts import Credentials
from trunkline.connections.builder import Builder
from trunkline.connections.guards import GuardMaker
from trunkline.connections.loading import Loader, World
from trunkline.connections.secrets import Secrets
from trunkline.errors import Unavailable
from trunkline.gateway.ports import Routes
from trunkline.gateway.snapshot import Snapshot, Target
from trunkline.kit.clock import Clock
from trunkline.settings import Settings
from trunkline.storage.changes import Change
from trunkline.storage.engine import Database

KINDS = frozenset({"connection", "alias", "price_override", "guardrail"})
SHORTEST_SLEEP = 0.005
MAX_PASSED_NAMES = 4096
# What the ledger keeps of a name.
MAX_NAME = 256
RETRY_SECONDS = 1.0
# A stepped clock is noticed within this time.
MAX_SLEEP = 30.0

logger = logging.getLogger(__name__)


class SnapshotRoutes(Routes):
    """The snapshots of all organisations.

    Its state is the world in use, the newest one that was built, and the names that were passed on
    as ``connection/model``; all change on the event loop only and are swapped whole. ``app.py``
    owns it: start the ``ChangePoller`` with ``prepare`` or ``apply``, then ``start``; ``stop`` it
    at the end.
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
        guards: GuardMaker | None = None,
    ) -> None:
        self._clock = clock
        builder = Builder(
            settings,
            secrets,
            catalog or Catalog(),
            capabilities or Capabilities(),
            clock,
            credentials,
            guards,
        )
        self._loader = Loader(database, builder)
        # Both are counted, because what was built later may be taken into use earlier.
        self._used: tuple[int, World | None] = (0, None)
        self._newest: tuple[int, World | None] = (0, None)
        self._passed: dict[tuple[str, str], tuple[Snapshot, Target]] = {}
        self._building = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be used as it is configured, for the operator."""
        world = self._used[1]
        found = {} if world is None else world.problems
        return tuple(problem for problems in found.values() for problem in problems)

    @override
    def snapshot(self, org_id: str) -> Snapshot:
        return self._world.of(org_id).snapshot

    @override
    def target_for(self, snapshot: Snapshot, name: str) -> Target | None:
        passed = self._passed.get((snapshot.org_id, name))
        if passed is not None and passed[0] is snapshot:
            return passed[1]
        connection_name, _, model = name.partition("/")
        connection = snapshot.connections.get(connection_name)
        if connection is None or not model or len(name) > MAX_NAME or not model.isprintable():
            return None
        target = self._world.of(snapshot.org_id).book.target(connection, model)
        if len(self._passed) >= MAX_PASSED_NAMES:
            self._passed.clear()
        self._passed[snapshot.org_id, name] = (snapshot, target)
        return target

    @property
    def _world(self) -> World:
        world = self._used[1]
        if world is None:
            raise Unavailable(
                "The models are not known yet.", code="routes_unavailable", retry_after=1
            )
        return world

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
        """Build everything anew and take it into use.

        Raises:
            Unavailable: the database does not answer; what was built stays in use.
        """
        async with self._building:
            self._take(*self._found(await self._loader.everything()))

    async def prepare(self, changes: Sequence[Change]) -> Callable[[], None] | None:
        """Build what these changes touch: some organisations, or all of them. Idempotent.

        Nothing of it is in use yet: the function that comes back takes it into use without
        waiting for anything, so that it can be done in one step with what other parts have
        prepared. None comes back where the changes touch nothing. What is never taken into use
        becomes so with the next that is.

        Raises:
            Unavailable: the database does not answer; what was built stays in use.
        """
        touched = {change.org_id for change in changes if change.kind in KINDS}
        if not touched:
            return None
        async with self._building:
            newest = self._newest[1]
            if newest is None or None in touched:
                world = await self._loader.everything()
            else:
                orgs = sorted(org_id for org_id in touched if org_id is not None)
                world = await self._loader.again(newest, orgs)
            number, world = self._found(world)
        return lambda: self._take(number, world)

    async def apply(self, changes: Sequence[Change]) -> None:
        """Build again what these changes touch, and take it into use. Idempotent.

        Raises:
            Unavailable: the database does not answer; what was built stays in use.
        """
        take = await self.prepare(changes)
        if take is not None:
            take()

    async def refresh(self) -> None:
        """Build everything anew if the time of a price is over.

        While something else is prepared nothing is done: it would be taken into use before what
        belongs to it.
        """
        used, world = self._used
        if world is not None and self._clock.now() >= world.until and used == self._newest[0]:
            await self.load()

    def _found(self, world: World) -> tuple[int, World]:
        """The world with its number, which is the newest one from now on."""
        number = self._newest[0] + 1
        self._newest = (number, world)
        return number, world

    def _take(self, number: int, world: World) -> None:
        """Serve this world, unless a later one, which has all of it, is served already."""
        used, before = self._used
        if number <= used:
            return
        self._used = (number, world)
        self._passed.clear()
        _note(world, {} if before is None else before.problems)

    async def _follow_prices(self) -> None:
        while True:
            wait = self._world.until - self._clock.now()
            await asyncio.sleep(min(max(wait, SHORTEST_SLEEP), MAX_SLEEP))
            try:
                await self.refresh()
            except Exception:
                # Whatever fails, the last prices stay in use and the next try follows.
                logger.exception("Prices whose date has come are not in use yet")
                await asyncio.sleep(RETRY_SECONDS)


def _note(world: World, before: dict[str | None, list[str]]) -> None:
    """Tell the operator each problem when it comes up, and not again."""
    for org_id, found in world.problems.items():
        for problem in sorted(set(found) - set(before.get(org_id, ()))):
            logger.warning("In the configuration of %s: %s", org_id or "all", problem)
