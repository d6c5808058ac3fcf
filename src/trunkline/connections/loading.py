"""Reads the rows of connections and models, and builds what all organisations may call of them."""

from collections.abc import Iterable

import msgspec

from trunkline.connections import repository
from trunkline.connections.builder import Builder
from trunkline.connections.building import State
from trunkline.connections.price_book import PriceBook
from trunkline.connections.rows import OwnedRows, PriceOverride
from trunkline.gateway.snapshot import Snapshot
from trunkline.storage.changes import newest_change
from trunkline.storage.engine import Database


class Built(msgspec.Struct, frozen=True):
    """What one organisation may call, with the prices of one moment."""

    snapshot: Snapshot
    book: PriceBook


class World(msgspec.Struct, frozen=True):
    """Everything that can be called, as it was read at one time.

    Attributes:
        version: sequence number of the newest change that is in it.
        shared: what the operator shares with all.
        prices: those that the operator set.
        built: by organisation, of those with anything of their own. Others are added when they
            are first asked for: they have the shared part itself.
        problems: what could not be used as it is configured, by organisation.
    """

    version: int
    shared: State
    prices: list[PriceOverride]
    built: dict[str, Built]
    problems: dict[str | None, list[str]]

    def of(self, org_id: str) -> Built:
        """What an organisation may call."""
        built = self.built.get(org_id)
        if built is None:
            shared = self.shared
            snapshot = Snapshot(org_id, self.version, shared.aliases, shared.connections)
            built = self.built[org_id] = Built(snapshot, shared.book)
        return built

    @property
    def until(self) -> float:
        """The Unix second at which the first of its prices ends."""
        books = [self.shared.book, *(built.book for built in self.built.values())]
        return min(book.until for book in books)


class Loader:
    """Has no state of its own."""

    def __init__(self, database: Database, builder: Builder) -> None:
        self._database = database
        self._builder = builder

    async def everything(self) -> World:
        """All owners, read anew.

        Raises:
            Unavailable: the database does not answer.
        """
        async with self._database.read(None) as conn:
            version = await newest_change(conn)
            rows = await repository.rows_by_owner(conn)
        shared = await self._builder.shared(rows.shared)
        world = World(version, shared, rows.shared.prices, {}, {None: shared.problems})
        for org_id, own in rows.own.items():
            await self._add(world, org_id, own, version)
        return world

    async def again(self, world: World, orgs: Iterable[str]) -> World:
        """The same world, with some organisations read anew.

        Raises:
            Unavailable: the database does not answer.
        """
        wanted = tuple(orgs)
        async with self._database.read(None) as conn:
            version = await newest_change(conn)
            rows = await repository.rows_by_owner(conn, wanted)
        built, problems = dict(world.built), dict(world.problems)
        following = msgspec.structs.replace(world, version=version, built=built, problems=problems)
        for org_id in wanted:
            built.pop(org_id, None)
            problems.pop(org_id, None)
            if org_id in rows.own:
                await self._add(following, org_id, rows.own[org_id], version)
        return following

    async def _add(self, world: World, org_id: str, own: OwnedRows, version: int) -> None:
        state = await self._builder.own(own, world.shared, world.prices)
        snapshot = Snapshot(org_id, version, state.aliases, state.connections)
        world.built[org_id] = Built(snapshot, state.book)
        world.problems[org_id] = state.problems
