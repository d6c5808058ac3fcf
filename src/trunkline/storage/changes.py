"""The log of changes that tells every process which rows of its memory are out of date."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import msgspec
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import TrunklineError
from trunkline.kit.clock import Clock, SystemClock
from trunkline.storage.backend import Look
from trunkline.storage.engine import Database
from trunkline.storage.tables.change import change

POLL_LIMIT = 1000
KEPT_CHANGES = 100_000
# Any number that nothing else in the database uses; it spells "chan".
APPEND_LOCK = 0x6368616E

logger = logging.getLogger(__name__)


class Change(msgspec.Struct, frozen=True):
    """One row that was made, altered or removed.

    Attributes:
        seq: rises in the order of the commits.
        org_id: the organisation that the row belongs to, or None for the installation's own.
        kind: the table or noun, such as ``api_key``.
        id: the row's identifier.
    """

    seq: int
    org_id: str | None
    kind: str
    id: str


async def append_change(
    conn: AsyncConnection,
    org_id: str | None,
    kind: str,
    id: str,  # noqa: A002 - it is the name of the column and of the field of Change.
) -> None:
    """Tell all processes of a change, in the transaction that makes it.

    Call it last in the unit of work: on PostgreSQL it takes a lock until the commit, so that
    sequence numbers become visible in their own order and no reader skips one.
    """
    await hold_changes(conn)
    await conn.execute(insert(change).values(org_id=org_id, kind=kind, id=id))


async def hold_changes(conn: AsyncConnection) -> None:
    """Let no other unit of work tell of a change before this one ends.

    Whoever compares what there is with what it shall be takes it first, so that two of them follow
    each other. On SQLite units of work that write do so anyway.
    """
    if conn.dialect.name == "postgresql":
        await conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": APPEND_LOCK})


async def newest_change(conn: AsyncConnection) -> int:
    """The highest sequence number so far, 0 in an empty log."""
    return int((await conn.execute(select(func.coalesce(func.max(change.c.seq), 0)))).scalar_one())


async def changes_after(conn: AsyncConnection, seq: int) -> list[Change]:
    """The next changes after a sequence number, at most ``POLL_LIMIT``."""
    rows = await conn.execute(
        select(change.c.seq, change.c.org_id, change.c.kind, change.c.id)
        .where(change.c.seq > seq)
        .order_by(change.c.seq)
        .limit(POLL_LIMIT)
    )
    return [Change(*row) for row in rows]


class ChangePoller:
    """Reads the log every interval and hands new changes on, in order, each at least once.

    Its state is the last sequence number handed on, when that was, and one task. ``start`` it
    before loading what the changes keep fresh, so that nothing falls between; ``app.py`` owns and
    stops it.
    """

    def __init__(
        self,
        database: Database,
        *,
        interval: float = 0.3,
        on_changes: Callable[[list[Change]], Awaitable[None]],
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._interval = interval
        self._on_changes = on_changes
        self._clock = clock or SystemClock()
        self._seq = 0
        self._fresh_at = self._clock.monotonic()
        self._failing = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def lag(self) -> float:
        """Seconds since the database last told us that we know everything."""
        return self._clock.monotonic() - self._fresh_at

    @property
    def seq(self) -> int:
        """The sequence number up to which changes were handed on."""
        return self._seq

    async def start(self) -> None:
        """Remember where the log ends now and begin to follow it.

        Raises:
            Unavailable: the log cannot be read.
        """
        async with self._database.read(None) as conn:
            self._seq = await newest_change(conn)
        self._fresh_at = self._clock.monotonic()
        self._task = asyncio.create_task(self._follow(), name="change-poller")

    async def stop(self) -> None:
        """Stop following. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def poll_now(self) -> None:
        """Look at once instead of at the end of the interval."""
        self._wake.set()

    async def _follow(self) -> None:
        while True:
            try:
                async with self._database.watch() as look:
                    while True:
                        await self._poll(look)
                        self._failing = False
                        await self._pause()
            except Exception as error:  # noqa: BLE001 - any failure makes us stale, which ``lag`` tells; never dead.
                self._complain(error)
            await self._pause()

    def _complain(self, error: Exception) -> None:
        """Log the first failure of a row of them: the polls go on several times a second."""
        if self._failing:
            return
        self._failing = True
        if isinstance(error, TrunklineError):
            logger.warning("The log of changes cannot be read: %s", error.reference)
        else:
            logger.error("A change could not be taken in", exc_info=error)

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval):
                await self._wake.wait()
        self._wake.clear()

    async def _poll(self, look: Look) -> None:
        asked_at = self._clock.monotonic()
        if await look():
            while await self._hand_on():
                pass
        self._fresh_at = asked_at

    async def _hand_on(self) -> bool:
        """Hand on one page; true when there may be another."""
        async with self._database.read(None) as conn:
            changes = await changes_after(conn, self._seq)
        if changes:
            await self._on_changes(changes)
            self._seq = changes[-1].seq
        return len(changes) == POLL_LIMIT


async def forget_changes(conn: AsyncConnection, keep: int = KEPT_CHANGES) -> int:
    """Remove all but the newest changes; how many were removed.

    A process that was away for longer than these last loads everything at its start anyway.
    """
    oldest = await newest_change(conn) - keep
    removed = await conn.execute(delete(change).where(change.c.seq <= oldest))
    return int(removed.rowcount)
