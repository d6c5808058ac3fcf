"""The journal: where an attempt is written before its bytes leave and when its cost is known.

One append-only file per process slot. The records wait here for the ledger; README.md of this
folder tells their life and what survives which failure.
"""

import asyncio
import contextlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from typing_extensions import override

from trunkline.errors import Unavailable
from trunkline.gateway.metering.event import Attempt, Outcome, Progress
from trunkline.gateway.ports import Recorder
from trunkline.kit.clock import Clock
from trunkline.ledger.frames import frame
from trunkline.ledger.recent import RecentCloses
from trunkline.ledger.records import CLOSE, MOST_PROGRESS, OPEN, Advanced, Carried, encode
from trunkline.ledger.recovery import adopt, adopt_all
from trunkline.ledger.segments import Segment
from trunkline.ledger.slots import Slot

SEGMENT_BYTES = 64 * 1024 * 1024
SYNC_SECONDS = 0.2
PROGRESS_SECONDS = 2.0
# Enough for what the ledger has not got yet; more would push everything else out of the caches.
RECENT_REQUESTS = 1024


class JournalStats(msgspec.Struct, frozen=True):
    """The journal's state, for metrics and readiness.

    Attributes:
        ready: whether attempts can be recorded.
        appended_bytes: written by this process since it started.
        unsynced_bytes: written and perhaps not on the disk yet; a power loss may take them.
        lag_seconds: since the oldest of these were written; 0 when there are none.
        live: attempts that are open.
        pending: closes that could not be written yet.
        adopted: attempts of dead processes that were closed as lost at start.
        last_error: the newest failure of the disk, or None.
    """

    ready: bool
    appended_bytes: int
    unsynced_bytes: int
    lag_seconds: float
    live: int
    pending: int
    adopted: int
    last_error: str | None


class _Live(msgspec.Struct):
    """An open attempt, also as it stands in records, and how much of its progress was written."""

    attempt: Attempt
    encoded: bytes
    progress: Progress
    written: int = 0


class Journal(Recorder):
    """Records attempts on the local disk; owned, started and closed by the composition root.

    All methods but the sync run on the event loop. Its state: the segment that is appended to, the
    attempts that are open, the closes that wait for a disk that failed, and the newest closes.

    After a failed write the segment is given up: the next beat begins another one, which carries
    over everything unfinished. Until that works ``opened`` refuses.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        recent_requests: int = RECENT_REQUESTS,
    ) -> None:
        self._root = root
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._slot: Slot | None = None
        self._segment: Segment | None = None
        self._retired: list[Segment] = []
        self._live: dict[str, _Live] = {}
        self._pending: deque[bytes] = deque()
        self._recent = RecentCloses(recent_requests)
        self._retired_bytes = 0
        self._synced = 0
        self._dirty_since: float | None = None
        self._adopted = 0
        self._last_error: str | None = None
        self._thread = ThreadPoolExecutor(1, "journal-sync")
        self._loop_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Adopt what dead processes left, take a slot and begin a segment.

        Raises:
            Unavailable: the directory cannot be used at all.
        """
        try:
            await asyncio.to_thread(self._take_slot)
        except OSError as error:
            raise Unavailable(
                f"The journal directory {self._root} cannot be used: {error}.",
                code="journal_unavailable",
                hint="Make the data directory writable and free space on its volume.",
            ) from error
        self._begin_segment()
        self._loop_task = asyncio.create_task(
            self._run(progress_at=self._clock.monotonic()), name="journal"
        )

    async def close(self) -> None:
        """Write what waits, sync and give the slot back; attempts still open count as lost."""
        if self._loop_task is not None:
            self._loop_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop_task
            self._loop_task = None
        if self._slot is not None:
            self.tick()
            self._recover()
            self._retire()
            await self._sync()
            self._slot.release()
            self._slot = None
        self._thread.shutdown()

    @override
    def opened(self, attempt: Attempt) -> Progress:
        encoded = encode(attempt)
        try:
            self._append(frame(OPEN, encoded))
        except OSError as error:
            raise Unavailable(
                "The journal cannot be written, so nothing may be spent now.",
                code="journal_unavailable",
                hint="The operator must free space on the volume of the data directory.",
                retry_after=1.0,
            ) from error
        progress = Progress(attempt.id)
        self._live[attempt.id] = _Live(attempt, encoded, progress)
        return progress

    @override
    def closed(self, attempt: Attempt, outcome: Outcome) -> None:
        live = self._live.get(attempt.id)
        encoded = live.encoded if live is not None and live.attempt is attempt else encode(attempt)
        close = frame(CLOSE, encoded, encode(outcome))
        self._recent.add(attempt.request_id, close)
        try:
            self._append(close)
        except OSError:
            self._pending.append(close)
        # Only now: a segment that begins in between must carry the attempt over.
        self._live.pop(attempt.id, None)

    def tick(self) -> None:
        """Write how far the live attempts have come since the last tick; one write for them all."""
        moved = [live for live in self._live.values() if live.progress.output_bytes != live.written]
        for start in range(0, len(moved), MOST_PROGRESS):
            part = moved[start : start + MOST_PROGRESS]
            try:
                self._append(frame(encode(Advanced(tuple(live.progress for live in part)))))
            except OSError:
                return  # The next segment carries the progress over.
            for live in part:
                live.written = live.progress.output_bytes

    def recent(self, request_id: str) -> tuple[tuple[Attempt, Outcome], ...]:
        """The closed attempts of one of the newest requests, which the ledger may not have yet."""
        return self._recent.find(request_id)

    def under_way(self) -> list[Attempt]:
        """The attempts that are open."""
        return [live.attempt for live in self._live.values()]

    def stats(self) -> JournalStats:
        """A picture of this moment."""
        since = self._dirty_since
        return JournalStats(
            ready=self._segment is not None,
            appended_bytes=self._appended_bytes(),
            unsynced_bytes=self._appended_bytes() - self._synced,
            lag_seconds=0.0 if since is None else self._clock.monotonic() - since,
            live=len(self._live),
            pending=len(self._pending),
            adopted=self._adopted,
            last_error=self._last_error,
        )

    def _take_slot(self) -> None:
        self._adopted = adopt_all(self._root, self._clock)
        self._slot = Slot.claim_lowest(self._root)
        # Another process may have used the slot and died since.
        self._adopted += adopt(self._slot, self._clock)

    def _append(self, framed: bytes) -> None:
        """Bring a frame into the kernel.

        Raises:
            OSError: the disk does not take it; the next beat begins another segment.
        """
        segment = self._segment
        if segment is None or segment.size >= self._segment_bytes:
            segment = self._next_segment()
        try:
            segment.append(framed)
        except OSError as error:
            self._give_up(error)
            raise
        if self._dirty_since is None:
            self._dirty_since = self._clock.monotonic()

    def _next_segment(self) -> Segment:
        """The segment after a full one; after a failure only a beat begins another."""
        if self._segment is not None:
            self._begin_segment()
        if self._segment is None:
            raise OSError("no segment can be written")
        return self._segment

    def _appended_bytes(self) -> int:
        """Written since the start; segments count them, so that appending need not."""
        return self._retired_bytes + (0 if self._segment is None else self._segment.size)

    def _give_up(self, error: OSError) -> None:
        """Stop using the segment; what is in it stays and is shipped."""
        self._last_error = str(error)
        self._retire()

    def _retire(self) -> None:
        if self._segment is not None:
            self._retired.append(self._segment)
            self._retired_bytes += self._segment.size
            self._segment = None

    def _begin_segment(self) -> None:
        """Start the next segment with all that is unfinished, so that it needs no older one."""
        if self._slot is None:
            raise AssertionError("segments begin between start and close only")
        frames = [frame(OPEN, live.encoded) for live in self._live.values()]
        moved = [live for live in self._live.values() if live.progress.output_bytes]
        for start in range(0, len(moved), MOST_PROGRESS):
            part = moved[start : start + MOST_PROGRESS]
            frames.append(frame(encode(Advanced(tuple(live.progress for live in part)))))
        frames += self._pending
        frames.append(frame(encode(Carried(len(self._live)))))
        try:
            segment = Segment.create(self._slot.path, b"".join(frames))
        except OSError as error:
            self._give_up(error)
            return
        self._retire()
        self._segment = segment
        self._pending.clear()
        for live in moved:
            live.written = live.progress.output_bytes
        if self._dirty_since is None:
            self._dirty_since = self._clock.monotonic()

    def _recover(self) -> None:
        if self._segment is None:
            self._begin_segment()

    async def _run(self, progress_at: float) -> None:
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            self._recover()
            if self._clock.monotonic() - progress_at >= PROGRESS_SECONDS:
                progress_at = self._clock.monotonic()
                self.tick()
            if self._dirty_since is not None or self._retired:
                await self._sync()

    async def _sync(self) -> None:
        """Bring everything written until now to the disk, in the thread, one sync at a time."""
        current, retired, target = self._segment, self._retired, self._appended_bytes()
        self._retired, self._dirty_since = [], None
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, _sync_segments, current, retired
            )
        except OSError as error:
            # The kernel may have thrown the dirty pages away: the file cannot be relied on.
            self._give_up(error)
        else:
            self._synced = target


def _sync_segments(current: Segment | None, retired: list[Segment]) -> None:
    try:
        if current is not None:
            current.sync()
        for segment in retired:
            segment.sync()
    finally:
        for segment in retired:
            segment.close()
