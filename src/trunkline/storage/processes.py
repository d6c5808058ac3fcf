"""Which processes of the installation live, and the rule that there is one front without Redis."""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import socket
from pathlib import Path

import msgspec
from sqlalchemy import delete, insert, select, update

from trunkline import __version__
from trunkline.errors import Conflict, TrunklineError
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.storage.engine import Database
from trunkline.storage.tables.process import process

LOCK_FILE = "front.lock"
HEARTBEAT = 5.0  # Seconds.
DEAD_AFTER_MS = 15_000
FORGET_AFTER_MS = 24 * 3600 * 1000

_WHY_ALONE = (
    "Limits, budgets and the cache live in the memory of one front, so that two fronts would each "
    "grant them in full."
)
_HINT_ALONE = "Stop the other one first; this release runs one front for each database."

logger = logging.getLogger(__name__)


class DataDirectoryLock:
    """Held for the life of a front. The kernel gives it back however the process ends.

    Its state is one open file, which the owner closes.
    """

    def __init__(self, data_dir: Path, *, alone: bool) -> None:
        """Take the lock.

        Args:
            data_dir: made if absent.
            alone: true for a front without PostgreSQL and Redis; others share the directory.

        Raises:
            Conflict: another front has it in a way that does not allow this one.
        """
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(
                self._descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB
            )
        except BlockingIOError:
            self.close()
            raise Conflict(
                f"Another front serves from the data directory {data_dir}. {_WHY_ALONE}",
                code="front_already_running",
                hint=_HINT_ALONE,
            ) from None

    def close(self) -> None:
        """Give the lock back. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class ProcessEntry(msgspec.Struct, frozen=True):
    """One run of one process. Times are Unix milliseconds."""

    id: str
    role: str
    host: str
    pid: int
    version: str
    started_ms: int
    heartbeat_ms: int


class ProcessRegistry:
    """Tells the others that this process lives, and this process which others do.

    Its state is one task; ``app.py`` starts and stops it.
    """

    def __init__(self, database: Database, *, role: str, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._role = role
        self.id = new_id()

    async def start(self, *, alone: bool = False) -> None:
        """Enter the table and keep the entry alive.

        Args:
            alone: refuse to start while another process of the same role lives, on any machine.

        Raises:
            Conflict: one does.
            Unavailable: the database does not answer.
        """
        now_ms = self._now_ms()
        async with self._database.write(None) as conn:
            await conn.execute(
                delete(process).where(process.c.heartbeat_ms < now_ms - FORGET_AFTER_MS)
            )
            if alone:
                rows = await conn.execute(select(process).where(process.c.role == self._role))
                for row in rows:
                    self._refuse_second(ProcessEntry(*row))
            await conn.execute(insert(process).values(msgspec.structs.asdict(self._entry(now_ms))))
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    async def stop(self) -> None:
        """Leave the table. Idempotent; a database that is away is no reason not to stop."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(TrunklineError):
            async with self._database.write(None) as conn:
                await conn.execute(delete(process).where(process.c.id == self.id))

    async def living(self) -> list[ProcessEntry]:
        """The processes that have been heard of lately, oldest first."""
        async with self._database.read(None) as conn:
            rows = await conn.execute(select(process).order_by(process.c.id))
            return [entry for row in rows if self._lives(entry := ProcessEntry(*row))]

    async def is_alive(self, process_id: str) -> bool:
        """Whether a run of a process goes on, as far as its heartbeats tell."""
        async with self._database.read(None) as conn:
            row = (await conn.execute(select(process).where(process.c.id == process_id))).first()
        return row is not None and self._lives(ProcessEntry(*row))

    def _refuse_second(self, other: ProcessEntry) -> None:
        if self._lives(other):
            raise Conflict(
                f"Another {self._role} runs on {other.host} as process {other.pid}. {_WHY_ALONE}",
                code="front_already_running",
                hint=_HINT_ALONE,
            )

    def _lives(self, entry: ProcessEntry) -> bool:
        if self._now_ms() - entry.heartbeat_ms > DEAD_AFTER_MS:
            return False
        if entry.id == self.id or entry.host != socket.gethostname():
            return True
        # On our own machine we know better than the heartbeats. A container that was started
        # again has the host and the process id of the one before it.
        return entry.pid != os.getpid() and _process_exists(entry.pid)

    def _entry(self, now_ms: int) -> ProcessEntry:
        return ProcessEntry(
            id=self.id,
            role=self._role,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            started_ms=now_ms,
            heartbeat_ms=now_ms,
        )

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                async with self._database.write(None) as conn:
                    await conn.execute(
                        update(process)
                        .where(process.c.id == self.id)
                        .values(heartbeat_ms=self._now_ms())
                    )
            except TrunklineError as error:
                logger.warning("The heartbeat could not be written: %s", error.reference)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        # Any other refusal means that it is there and belongs to another user.
        return error.errno != errno.ESRCH
    return True
