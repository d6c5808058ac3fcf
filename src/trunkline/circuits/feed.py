"""Keeps the circuits of a process held as the database says."""

from collections.abc import Callable, Iterable, Mapping

from trunkline.circuits import repository
from trunkline.circuits.records import CIRCUIT, HeldState
from trunkline.storage.changes import Change
from trunkline.storage.engine import Database

# A connection that is made anew has another id under the same name.
_KINDS = frozenset({CIRCUIT, "connection"})

Override = Callable[[Mapping[str, HeldState]], None]


class CircuitFeed:
    """Reads all held circuits and follows their changes. It has no state of its own.

    ``app.py`` owns it: start the ``ChangePoller`` with ``apply`` or ``prepare``, then ``load``.

    Args:
        database: where they are kept.
        override: takes them into use, by the key of the target; ``Health.override``.
        environment: the ids of the connections that the environment makes, by name.
    """

    def __init__(
        self, database: Database, override: Override, environment: Mapping[str, str]
    ) -> None:
        self._database = database
        self._override = override
        self._environment = environment

    async def load(self) -> None:
        """Read them all and take them into use.

        Raises:
            Unavailable: the database does not answer.
        """
        (await self._read())()

    async def apply(self, changes: Iterable[Change]) -> None:
        """Read again what these changes may have touched. Idempotent."""
        prepared = await self.prepare(changes)
        if prepared is not None:
            prepared()

    async def prepare(self, changes: Iterable[Change]) -> Callable[[], None] | None:
        """Read what these changes may have touched; what is returned takes it into use at once.

        None comes back where they touch nothing.

        Raises:
            Unavailable: the database does not answer.
        """
        if not any(change.kind in _KINDS for change in changes):
            return None
        return await self._read()

    async def _read(self) -> Callable[[], None]:
        async with self._database.read(None) as conn:
            found = await repository.with_connections(conn)
        states: dict[str, HeldState] = {}
        for held, own_id in found:
            # What the operator stores under the name of one from the environment comes before it.
            shared_id = None if held.org_id else self._environment.get(held.connection)
            # Without a connection of its owner it holds nothing; above all not a shared one.
            connection_id = own_id or shared_id
            if connection_id is not None:
                states[f"{connection_id}/{held.model}"] = held.state
        return lambda: self._override(states)
