"""Keeps the admission's rules as the database says."""

from collections.abc import Callable, Iterable

from trunkline.identity.service.organisations import list_organisations
from trunkline.limits.adapter import InProcessAdmission
from trunkline.limits.service import KINDS, rules_of
from trunkline.storage.changes import Change
from trunkline.storage.engine import Database

# A change of an organisation may have moved its time zone, and with it its days.
_KINDS = KINDS | {"organisation"}


class RulesFeed:
    """Loads the rules of all organisations and follows their changes. It has no state of its own.

    ``app.py`` owns it: start the ``ChangePoller`` with ``apply`` or ``prepare``, then ``load``.
    """

    def __init__(self, database: Database, admission: InProcessAdmission) -> None:
        self._database = database
        self._admission = admission

    async def load(self) -> None:
        """Load the rules of every organisation, also where there are none."""
        (await self._read(None))()

    async def apply(self, changes: Iterable[Change]) -> None:
        """Load again what these changes may have touched. Idempotent."""
        (await self.prepare(changes))()

    async def prepare(self, changes: Iterable[Change]) -> Callable[[], None]:
        """Read what these changes may have touched; what is returned takes it into use at once.

        That lets rules change in the same step as keys and routes.

        Raises:
            Unavailable: the database does not answer.
        """
        touched = [change for change in changes if change.kind in _KINDS]
        if not touched:
            return _nothing
        if any(change.org_id is None and change.kind != "organisation" for change in touched):
            return await self._read(None)
        return await self._read({change.org_id or change.id for change in touched})

    async def _read(self, wanted: set[str] | None) -> Callable[[], None]:
        """Of all organisations, or of these only."""
        async with self._database.read(None) as conn:
            organisations = {org.id: org for org in await list_organisations(conn)}
            rules = [
                (org.id, await rules_of(conn, org.id), org.time_zone)
                for org in organisations.values()
                if wanted is None or org.id in wanted
            ]

        def swap() -> None:
            for org_id, held, time_zone in rules:
                self._admission.load(org_id, held, time_zone)
            for gone in (wanted or set()) - organisations.keys():
                self._admission.unload(gone)

        return swap


def _nothing() -> None:
    """What is taken into use where no rule was touched."""
