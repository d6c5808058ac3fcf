"""One run of a configuration through an open unit of work."""

from typing import NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.collecting import Collector
from trunkline.configuration.difference import edits_between
from trunkline.configuration.export import Document, export_organisation, export_shared
from trunkline.configuration.hiding import hidden_edits
from trunkline.configuration.loading import Loaded
from trunkline.configuration.organisation import OrganisationApplier
from trunkline.configuration.owned import Owned
from trunkline.configuration.plan import OwnerPlan, Plan
from trunkline.configuration.pruning import slips
from trunkline.configuration.rules import apply_tiers
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.errors import NotFound
from trunkline.identity.pepper import Pepper
from trunkline.identity.service.organisations import find_organisation
from trunkline.kit.clock import Clock
from trunkline.storage.changes import POLL_LIMIT, Change, changes_after, newest_change
from trunkline.storage.engine import Database


class Parts(NamedTuple):
    """What applying needs of the installation."""

    database: Database
    connections: ConnectionService
    pepper: Pepper
    secrets: Secrets
    clock: Clock


class IssuedText(NamedTuple):
    """The text of a key that was made just now. It cannot be had again."""

    organisation: str
    key: str
    text: str


class Touched(NamedTuple):
    """One owner before and after a run.

    Attributes:
        organisation: its slug; None for what is shared with all.
        org_id: None for what is shared with all.
        before: what it had; nothing where it was not there.
    """

    organisation: str | None
    org_id: str | None
    before: Document
    after: Document


class Outcome(msgspec.Struct, frozen=True):
    """What a run did, in a unit of work that is still open.

    Attributes:
        changes: every row that was made, altered or removed.
        issued: the texts of keys that were made without a secret of their own.
        owners: all owners that the configuration speaks of.
    """

    changes: tuple[Change, ...]
    issued: tuple[IssuedText, ...]
    owners: tuple[Touched, ...]
    plan: Plan


class Run:
    """Applies one configuration. Its state is what it noted; it lives as long as the unit of work.

    Args:
        conn: the unit of work, of a system path.
        parts: of the installation.
        loaded: the configuration.
        texts: of the keys that name a secret, by path.
        collector: gets what is refused.
        prune: whether what the configuration does not name is removed.
    """

    def __init__(
        self,
        conn: AsyncConnection,
        parts: Parts,
        loaded: Loaded,
        texts: dict[str, str],
        collector: Collector,
        *,
        prune: bool,
    ) -> None:
        self._conn = conn
        self._parts = parts
        self._loaded = loaded
        self._texts = texts
        self._collector = collector
        self._prune = prune
        self._issued: list[IssuedText] = []
        self._org_ids: dict[str, str] = {}

    async def outcome(self) -> Outcome:
        """Apply everything and tell what that did; only the collector says whether it may stay."""
        slugs = [section.slug for section in self._loaded.content.organisations]
        before = {slug: await self._exported(slug) for slug in (None, *slugs)}
        newest = await newest_change(self._conn)
        if self._prune:
            self._collector.problems += slips(self._loaded, before[None])
        if not self._collector.problems:
            await self._apply()
        if self._collector.problems:
            return Outcome((), (), (), Plan((), 0))
        changes = await _changes(self._conn, newest)
        owners = tuple([
            Touched(slug, slug and self._org_ids[slug], before[slug], await self._exported(slug))
            for slug in (None, *slugs)
        ])  # fmt: skip
        told = ((owner, hidden_edits(edits_between(owner.before, owner.after))) for owner in owners)
        plans = tuple(OwnerPlan(owner.organisation, edits) for owner, edits in told if edits)
        return Outcome(changes, tuple(self._issued), owners, Plan(plans, len(changes)))

    async def _exported(self, slug: str | None) -> Document:
        if slug is None:
            return await export_shared(self._conn, self._parts.connections)
        try:
            organisation = await find_organisation(self._conn, slug)
        except NotFound:
            return {}
        return await export_organisation(self._conn, self._parts.connections, organisation)

    async def _apply(self) -> None:
        file, parts = self._loaded.content, self._parts
        shared = Owned(self._conn, parts.connections, parts.clock, None, file, "", self._collector)
        await shared.apply()
        await apply_tiers(self._conn, None, file.tiers, parts.clock)
        appliers = [self._applier(number) for number in range(len(file.organisations))]
        for section, applier in zip(file.organisations, appliers, strict=True):
            org_id = await applier.apply(self._texts)
            self._issued += [IssuedText(section.slug, *issued) for issued in applier.issued]
            if org_id is not None:
                self._org_ids[section.slug] = org_id
        if self._collector.problems:
            return
        applied = list(zip(appliers, self._org_ids.values(), strict=True))
        if self._prune:
            for applier, org_id in applied:
                await applier.prune(org_id)
            if self._loaded.shared:
                await shared.prune()
            for applier, org_id in applied:
                await applier.check_pruned(org_id)
        await shared.check_routes()
        for applier, org_id in applied:
            await applier.check_routes(org_id)

    def _applier(self, number: int) -> OrganisationApplier:
        return OrganisationApplier(
            self._conn,
            self._loaded.content.organisations[number],
            f"organisations[{number}].",
            self._parts.connections,
            self._collector,
            pepper=self._parts.pepper,
            clock=self._parts.clock,
            whole=self._loaded.whole,
        )


async def _changes(conn: AsyncConnection, before: int) -> tuple[Change, ...]:
    found: list[Change] = []
    while True:
        page = await changes_after(conn, found[-1].seq if found else before)
        found += page
        if len(page) < POLL_LIMIT:
            return tuple(found)
