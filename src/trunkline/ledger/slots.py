"""Slots of the journal: one directory for each process that appends, locked by its owner.

The kernel gives the lock back when the owner dies, however it dies, so a slot that can be locked
has no owner and its unfinished attempts are lost ones.
"""

import fcntl
import os
from pathlib import Path
from typing import Self

from typing_extensions import override

_LOCK = "lock"


def slots_of(root: Path) -> list[Path]:
    """The slots of a journal, lowest first; none when the journal does not exist yet."""
    if not root.is_dir():
        return []
    names = [entry.name for entry in root.iterdir() if entry.name.isdecimal()]
    return [root / name for name in sorted(names, key=int)]


class Slot:
    """A slot whose lock we hold; whoever claimed it releases it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @override
    def __repr__(self) -> str:
        return f"Slot({self.path.name})"

    @classmethod
    def claim(cls, path: Path) -> "Slot | None":
        """Take a slot, made if it does not exist; None while another owner lives.

        Raises:
            OSError: the directory or the lock cannot be made.
        """
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    @classmethod
    def claim_lowest(cls, root: Path) -> "Slot":
        """Take the lowest slot that has no owner."""
        number = 0
        while True:
            slot = cls.claim(root / str(number))
            if slot is not None:
                return slot
            number += 1

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
