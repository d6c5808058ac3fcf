"""Shipping: from the journal's segments into the ledger, while their owners append.

The position in each segment moves in the transaction of the rows before it. Whoever ships the same
records again, or at the same time, changes nothing.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from trunkline.errors import TrunklineError
from trunkline.kit.clock import Clock
from trunkline.ledger.booking import book
from trunkline.ledger.cleaning import remove_shipped
from trunkline.ledger.records import Close
from trunkline.ledger.recovery import adopt_if_free
from trunkline.ledger.repository.positions import find_positions, forget_position, move_position
from trunkline.ledger.segments import Batch, read_batch, segments_of
from trunkline.ledger.slots import slots_of
from trunkline.storage.engine import Database

BATCH_ROWS = 500
PASS_SECONDS = 0.3
HOUSEKEEPING_SECONDS = 10.0
RETENTION_SECONDS = 600.0


class ShippingStats(msgspec.Struct, frozen=True):
    """The shipper's state, for metrics and readiness.

    Attributes:
        shipped: attempts that this process added to the ledger.
        behind_bytes: bytes of the journal that the last pass left for the next.
        lag_seconds: since a pass last found nothing left to do.
        damaged_bytes: bytes of the journal that no frame could be read from.
        unreadable: records of a kind or a version that this one does not know.
        failures: passes that ended with an error.
        last_error: of the newest failure, until a pass succeeds.
    """

    shipped: int
    behind_bytes: int
    lag_seconds: float
    damaged_bytes: int
    unreadable: int
    failures: int
    last_error: str | None


class Place(msgspec.Struct):
    """How far one segment has been shipped.

    Attributes:
        position: where reading goes on.
        damaged: bytes before it that no frame could be read from.
        size: of the file when everything in it had been shipped; -1 before that.
    """

    position: int = 0
    damaged: int = 0
    size: int = -1


class Shipper:
    """Ships all slots of one data directory; any number of them may do so at once.

    Its state is how far it knows each segment to be shipped, which it reads again from the
    database whenever a transaction failed, and its counters. The worker runs ``run``; the front
    calls ``drain`` before it is ready, so that budgets know what a dead process spent.
    """

    def __init__(
        self,
        database: Database,
        root: Path,
        clock: Clock,
        *,
        retention_seconds: float = RETENTION_SECONDS,
    ) -> None:
        self._database = database
        self._root = root
        self._clock = clock
        self._retention_seconds = retention_seconds
        self._places: dict[str, Place] = {}
        self._adopted: dict[str, str] = {}
        self._shipped = 0
        self._behind = 0
        self._caught_up = clock.monotonic()
        self._damaged = 0
        self._unreadable = 0
        self._failures = 0
        self._last_error: str | None = None
        self._log = structlog.get_logger("trunkline.ledger.shipping")

    async def run(self, stop: asyncio.Event) -> None:
        """Ship until told to stop; failures of the database or the disk are tried again."""
        cleaned = float("-inf")
        while not stop.is_set():
            try:
                if self._clock.monotonic() - cleaned >= HOUSEKEEPING_SECONDS:
                    cleaned = self._clock.monotonic()
                    await self._adopt()
                    await self.clean()
                await self._ship_all()
                self._last_error = None
            except (TrunklineError, SQLAlchemyError, OSError) as error:
                self._failed(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PASS_SECONDS)

    async def drain(self) -> int:
        """Adopt what dead processes left and ship until nothing is left; attempts added.

        Raises:
            Unavailable: the database does not answer.
            OSError: the journal cannot be read or written.
        """
        before = self._shipped
        await self._adopt()
        while await self._ship_all():
            pass
        return self._shipped - before

    async def clean(self) -> None:
        """Remove shipped segments after the retention; damaged ones are kept under another name."""
        finished = {name: place.damaged for name, place in self._places.items() if place.size >= 0}
        older_than = self._clock.now() - self._retention_seconds
        for slot in slots_of(self._root):
            for name in await asyncio.to_thread(remove_shipped, slot, finished, older_than):
                async with self._database.write(None) as conn:
                    await forget_position(conn, name)
                self._places.pop(name, None)

    def stats(self) -> ShippingStats:
        """A picture of this moment."""
        return ShippingStats(
            shipped=self._shipped,
            behind_bytes=self._behind,
            lag_seconds=self._clock.monotonic() - self._caught_up,
            damaged_bytes=self._damaged,
            unreadable=self._unreadable,
            failures=self._failures,
            last_error=self._last_error,
        )

    async def _adopt(self) -> None:
        for slot in slots_of(self._root):
            segments = segments_of(slot)
            # Nobody appends to a segment after its owner has gone, so one look at it is enough.
            if segments and self._adopted.get(slot.name) != segments[-1].name:
                lost = await asyncio.to_thread(adopt_if_free, slot, self._clock)
                if lost is not None:
                    self._adopted[slot.name] = segments_of(slot)[-1].name
                if lost:
                    self._log.warning("attempts_lost", slot=slot.name, attempts=lost)

    async def _ship_all(self) -> bool:
        """One pass over all segments; whether anything was there to be shipped."""
        segments = [path for slot in slots_of(self._root) for path in segments_of(slot)]
        await self._learn_places([path.name for path in segments])
        moved, behind = False, 0
        for path in segments:
            try:
                left = await self._ship(path)
            except FileNotFoundError:
                continue  # Another shipper has finished with it.
            moved = moved or left is not None
            behind += left or 0
        self._behind = behind
        if not behind:
            self._caught_up = self._clock.monotonic()
        return moved

    async def _learn_places(self, names: list[str]) -> None:
        unknown = [name for name in names if name not in self._places]
        if unknown:
            async with self._database.read(None) as conn:
                known = await find_positions(conn, unknown)
            for name in unknown:
                position, damaged = known.get(name, (0, 0))
                self._places[name] = Place(position, damaged)

    async def _ship(self, path: Path) -> int | None:
        """Ship one read of a segment; the bytes left after it, None when nothing was new."""
        place = self._places[path.name]
        batch = await asyncio.to_thread(_read_if_grown, path, place)
        if batch is None:
            return None
        try:
            for closes, position in _transactions(batch):
                damaged = place.damaged + (batch.damaged if position == batch.position else 0)
                await self._book(path, closes, position, damaged)
        except BaseException:
            self._places.pop(path.name, None)
            raise
        if batch.damaged or batch.unreadable:
            self._report_damage(path, batch)
        moved = batch.position > place.position
        self._places[path.name] = Place(
            batch.position, place.damaged + batch.damaged, batch.size if batch.whole else -1
        )
        return batch.size - batch.position - batch.torn if moved else None

    async def _book(self, path: Path, closes: list[Close], position: int, damaged: int) -> None:
        now_ms = int(self._clock.now() * 1000)
        async with self._database.write(None) as conn:
            added = await book(conn, closes, now_ms)
            await move_position(
                conn,
                segment=path.name,
                slot=int(path.parent.name),
                position=position,
                damaged=damaged,
                moved_ms=now_ms,
            )
        self._shipped += added

    def _report_damage(self, path: Path, batch: Batch) -> None:
        self._damaged += batch.damaged
        self._unreadable += batch.unreadable
        self._log.error(
            "journal_damaged",
            segment=path.name,
            damaged_bytes=batch.damaged,
            unreadable_records=batch.unreadable,
        )

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._last_error = str(error)
        self._log.warning(
            "shipping_failed", error=str(error), reference=getattr(error, "reference", None)
        )


def _read_if_grown(path: Path, place: Place) -> Batch | None:
    return None if path.stat().st_size == place.size else read_batch(path, place.position)


def _transactions(batch: Batch) -> Iterator[tuple[list[Close], int]]:
    """The closes of a batch in groups of one transaction each, with the position behind each."""
    closes: list[Close] = []
    for position, record in batch.records:
        if isinstance(record, Close):
            closes.append(record)
            if len(closes) == BATCH_ROWS:
                yield closes, position
                closes = []
    if batch.records or batch.damaged or batch.unreadable:
        yield closes, batch.position
