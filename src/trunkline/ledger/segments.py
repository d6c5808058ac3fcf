"""Segments of the journal: their names, writing one, reading one while it is written.

``<number>-<uuid>.seg``: the number gives the order inside a slot; the UUID makes the name unique
among all machines that ship into one ledger, also when a data directory was copied.
"""

import os
from pathlib import Path

import msgspec

from trunkline.kit.ids import new_id
from trunkline.ledger.frames import LARGEST_FRAME, MAGIC, scan
from trunkline.ledger.records import Record

READ_BYTES = 4 * LARGEST_FRAME
SUFFIX = ".seg"
DAMAGED_SUFFIX = ".damaged"
_UNFINISHED = "next.tmp"


def segments_of(slot: Path) -> list[Path]:
    """The segments in a slot's directory, oldest first."""
    return sorted(slot.glob(f"*{SUFFIX}"))


class Segment:
    """One segment that is open for appending, owned by whoever holds its slot's lock.

    ``size`` is where the last whole frame ends; bytes behind it are never left standing knowingly.
    ``append`` runs on the event loop; ``sync`` and ``close`` in the owner's thread for them.
    """

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self._descriptor = descriptor
        self._named_durably = False

    @classmethod
    def create(cls, slot: Path, opening: bytes, *, durable: bool = False) -> "Segment":
        """Begin the next segment of a slot.

        It appears under its name whole with its opening, or not at all: whoever dies in between
        leaves nothing behind that a reader would see.

        Args:
            slot: directory of the slot, locked by the caller.
            opening: frames that it begins with.
            durable: whether it must be on the disk before this returns; waits for it.

        Raises:
            OSError: the disk is full or broken.
        """
        existing = segments_of(slot)
        number = int(existing[-1].name.partition("-")[0]) + 1 if existing else 1
        unfinished = slot / _UNFINISHED
        flags = os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_WRONLY
        segment = cls(
            slot / f"{number:08d}-{new_id()}{SUFFIX}", os.open(unfinished, flags, 0o600), 0
        )
        try:
            segment.append(MAGIC + opening)
            if durable:
                os.fdatasync(segment._descriptor)
            unfinished.rename(segment.path)
            if durable:
                segment.sync()
        except BaseException:
            segment.close()
            unfinished.unlink(missing_ok=True)
            raise
        return segment

    def append(self, data: bytes) -> None:
        """Write all of it or leave nothing of it.

        Raises:
            OSError: it could not be written, or only a part; the caller starts another segment.
        """
        written = os.write(self._descriptor, data)
        if written != len(data):
            # A full disk or a limit takes the beginning of a write. If it cannot be cut off
            # either, it stays as a torn tail, which readers pass over.
            os.ftruncate(self._descriptor, self.size)
            raise OSError(f"only {written} of {len(data)} bytes could be written")
        self.size += written

    def sync(self) -> None:
        """Wait until everything written so far would survive a power loss."""
        os.fdatasync(self._descriptor)
        if not self._named_durably:
            directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
            self._named_durably = True

    def close(self) -> None:
        """Give the file back; writes nothing."""
        os.close(self._descriptor)


class Batch(msgspec.Struct, frozen=True):
    """What one read of a segment gave.

    Attributes:
        records: (position behind it, record) pairs.
        position: where the next read begins.
        size: bytes in the file when it was read.
        damaged: bytes passed over because they were no valid frame although one follows.
        unreadable: valid frames of an unknown kind.
        whole: whether no valid frame is left behind ``position`` at this size.
    """

    records: list[tuple[int, Record]]
    position: int
    size: int
    damaged: int
    unreadable: int
    whole: bool

    @property
    def torn(self) -> int:
        """Bytes at the end that are no frame (yet): a write that was cut off or is under way."""
        return self.size - self.position if self.whole else 0


def read_batch(path: Path, position: int = 0, read_bytes: int = READ_BYTES) -> Batch:
    """Read a part of a segment, also while its owner appends to it.

    Raises:
        OSError: it cannot be read, or has gone.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = max(position, len(MAGIC))
        file.seek(start)
        data = file.read(min(read_bytes, max(0, size - start)))
    last = start + len(data) >= size
    found = scan(data, last=last)
    return Batch(
        records=[(start + end, record) for end, record in found.records],
        position=start + found.position,
        size=max(size, start),
        damaged=found.damaged,
        unreadable=found.unreadable,
        whole=last,
    )


def read_all(path: Path) -> list[Record]:
    """Every record of a segment, in the order in which they were written."""
    records: list[Record] = []
    position = 0
    while True:
        batch = read_batch(path, position)
        records += [record for _, record in batch.records]
        position = batch.position
        if batch.whole:
            return records
