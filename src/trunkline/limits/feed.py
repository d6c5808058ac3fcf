"""Keeps the admission's rules as the database says."""

from collections.abc import Iterable

from trunkline.identity.service.organisations import list_organisations
from trunkline.limits.adapter import InProcessAdmission
from trunkline.limits.service import KINDS, rules_of
from trunkline.storage.changes import Change
from trunkline.storage.engine import Database

# A change of an organisation may have moved its time zone, and with it its days.
_KINDS = KINDS | {"organisation"}


class RulesFeed:
    """Loads the rules of all organisations and follows their changes. It has no state of its own.

    ``app.py`` owns it: start the ``ChangePoller`` with ``apply``, then ``load``.
    """

    def __init__(self, database: Database, admission: InProcessAdmission) -> None:
        self._database = database
        self._admission = admission

    async def load(self) -> None:
        """Load the rules of every organisation, also where there are none."""
        await self._load(None)

    async def apply(self, changes: Iterable[Change]) -> None:
        """Load again what these changes may have touched. Idempotent."""
        touched = [change for change in changes if change.kind in _KINDS]
        if not touched:
            return
        if any(change.org_id is None and change.kind != "organisation" for change in touched):
            await self._load(None)
            return
        await self._load({change.org_id or change.id for change in touched})

    async def _load(self, wanted: set[str] | None) -> None:
        async with self._database.read(None) as conn:
            organisations = {org.id: org for org in await list_organisations(conn)}
            for org in organisations.values():
                if wanted is None or org.id in wanted:
                    self._admission.load(org.id, await rules_of(conn, org.id), org.time_zone)
        for gone in (wanted or set()) - organisations.keys():
            self._admission.unload(gone)
