"""Takes changes into use in all their readers at once, so that none is ahead of another.

Each reader first reads what a change touches, which takes time, and gives back a function that puts
it into use, which takes none. Between the first and the last of these functions nothing else runs.
"""

from collections.abc import Awaitable, Callable, Sequence

from trunkline.storage.changes import Change, changes_after
from trunkline.storage.engine import Database

Prepare = Callable[[list[Change]], Awaitable[Callable[[], None] | None]]

# A log that grows faster than it can be read is followed nevertheless, if not in step.
MOST_READINGS = 5


class Together:
    """Follows the log with several readers. It has no state of its own.

    Args:
        readers: each reads what the changes touch, and gives back how to take it into use.
    """

    def __init__(self, database: Database, readers: Sequence[Prepare]) -> None:
        self._database = database
        self._readers = readers

    async def apply(self, changes: list[Change]) -> None:
        """Read what these changes touch and take it into use in one step. Idempotent.

        What was committed while the readers read may be known to the later ones only, so they all
        read again until nothing was. The log hands such changes on a second time.

        Raises:
            Unavailable: the database does not answer; nothing was taken into use.
        """
        for _ in range(MOST_READINGS):
            swaps = [await prepare(changes) for prepare in self._readers]
            newer = await self._after(changes)
            if not newer:
                break
            changes = changes + newer
        for swap in swaps:
            if swap is not None:
                swap()

    async def _after(self, changes: list[Change]) -> list[Change]:
        if not changes:
            return []
        async with self._database.read(None) as conn:
            return await changes_after(conn, changes[-1].seq)
