"""Where answers are kept: a map of keys and bytes that forgets by age and by size."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class StoreStats(msgspec.Struct, frozen=True):
    """What a store says of itself.

    Attributes:
        entries, bytes: what this process holds; None where another server holds it.
        evicted: entries that made room for others, since the start.
        failures: calls that were not answered, since the start; each counted as a miss.
    """

    entries: int | None
    bytes: int | None
    evicted: int = 0
    failures: int = 0


class Holding(msgspec.Struct, frozen=True):
    """What is kept below a prefix."""

    entries: int
    bytes: int


class AnswerStore(Protocol):
    """Keeps answers. No method raises, and none takes long: what cannot be had is missing.

    Keys are readable text whose parts are parted by "/", see ``key.py``.

    Attributes:
        shared: whether other processes keep their answers here, too, so that one of them may make
            the answer of a key while the others wait for it.
    """

    shared: bool

    def at_hand(self, key: str) -> bytes | None:
        """As ``get``, without waiting; nothing of a shared store is at hand."""
        ...

    async def get(self, key: str) -> bytes | None:
        """What is kept under a key, or None."""
        ...

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep a value for so many seconds."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a key."""
        ...

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """As ``get`` for each key, in order."""
        ...

    async def set_many(self, values: Mapping[str, bytes], ttl: float) -> None:
        """As ``set`` for each value."""
        ...

    async def delete_many(self, keys: Sequence[str]) -> None:
        """As ``delete`` for each key."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Forget all keys that begin like this; how many they were."""
        ...

    async def holding(self, prefix: str) -> Holding:
        """How much is kept under keys that begin like this."""
        ...

    async def lease(self, key: str, seconds: float) -> bool:
        """Whether this process may make the answer of a key now, so that others wait for it.

        They wait until it is given back, for so many seconds at most, and not for a process that
        has ended.

        Asked of a shared store only. Where nobody can be asked, the answer is yes.
        """
        ...

    async def release(self, key: str) -> None:
        """Give back a lease of ours."""
        ...

    def stats(self) -> StoreStats:
        """Counts for metrics."""
        ...

    async def close(self) -> None:
        """Let go of what the store holds open."""
        ...
