"""What a server could not be told while it did not answer, to be told when it answers again."""

from typing import Final

MOST: Final = 1_000
"""More beginnings than this stand for everything, and more leases are left to run out."""


class Debts:
    """Its state is what is owed; one store owns it.

    Attributes:
        beginnings: of keys that are still to be removed, and count as missing until then.
        leases: keys whose leases may have been taken without our hearing of it.
    """

    def __init__(self) -> None:
        self.beginnings: set[str] = set()
        self.leases: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.beginnings or self.leases)

    def remove(self, beginning: str) -> None:
        """Owe the removal of all keys that begin like this."""
        self.beginnings.add(beginning)
        if len(self.beginnings) > MOST:
            self.beginnings = {""}

    def release(self, key: str) -> None:
        """Owe the release of a lease."""
        if len(self.leases) < MOST:
            self.leases.add(key)

    def covers(self, key: str) -> bool:
        """Whether what is kept under a key is to be removed."""
        return bool(self.beginnings) and any(map(key.startswith, self.beginnings))
