"""Answers in the memory of one process, bounded by bytes."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.recall.store import AnswerStore, Holding, StoreStats
from trunkline.kit.clock import Clock

# What Python spends on an entry beside its bytes: two maps, a record, and the key's own head.
OVERHEAD_BYTES: Final = 500

# One answer may take this share of the whole at most, or it would throw out too many others.
_LARGEST_SHARE: Final = 8


class _Entry(msgspec.Struct, gc=False):
    value: bytes
    expires: float
    size: int


class MemoryStore(AnswerStore):
    """Keeps what was used last. Its state is the entries, in the order of their last use.

    Each step takes a time that does not depend on how much is kept, but for what has to do with a
    prefix. What is out of date goes when it is asked for or when its turn in that order has come.
    """

    shared = False

    def __init__(self, max_bytes: int, clock: Clock) -> None:
        self._max_bytes = max_bytes
        self._largest = max_bytes // _LARGEST_SHARE
        self._now = clock.monotonic
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        # The keys of each alias.
        self._shelves: dict[str, dict[str, None]] = {}
        self._bytes = 0
        self._evicted = 0

    @override
    def at_hand(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires <= self._now():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry.value

    @override
    async def get(self, key: str) -> bytes | None:
        return self.at_hand(key)

    @override
    async def set(self, key: str, value: bytes, ttl: float) -> None:
        if key in self._entries:
            self._remove(key)
        size = len(key) + len(value) + OVERHEAD_BYTES
        if size > self._largest or ttl <= 0:
            return
        now = self._now()
        self._entries[key] = _Entry(value, now + ttl, size)
        name = _shelf_of(key)
        shelf = self._shelves.get(name)
        if shelf is None:
            shelf = self._shelves[name] = {}
        shelf[key] = None
        self._bytes += size
        self._make_room(now)

    @override
    async def delete(self, key: str) -> None:
        self._remove(key)

    @override
    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        return [self.at_hand(key) for key in keys]

    @override
    async def set_many(self, values: Mapping[str, bytes], ttl: float) -> None:
        for key, value in values.items():
            await self.set(key, value, ttl)

    @override
    async def delete_many(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._remove(key)

    @override
    async def delete_prefix(self, prefix: str) -> int:
        doomed = [key for shelf in self._below(prefix) for key in _beginning(shelf, prefix)]
        for key in doomed:
            self._remove(key)
        return len(doomed)

    @override
    async def holding(self, prefix: str) -> Holding:
        keys = [key for shelf in self._below(prefix) for key in _beginning(shelf, prefix)]
        return Holding(len(keys), sum(self._entries[key].size for key in keys))

    @override
    async def lease(self, key: str, seconds: float) -> bool:
        return True

    @override
    async def release(self, key: str) -> None:
        return

    @override
    def stats(self) -> StoreStats:
        return StoreStats(len(self._entries), self._bytes, self._evicted)

    @override
    async def close(self) -> None:
        self._entries.clear()
        self._shelves.clear()
        self._bytes = 0

    def _make_room(self, now: float) -> None:
        entries = self._entries
        while self._bytes > self._max_bytes:
            self._remove(next(iter(entries)))
            self._evicted += 1
        # Those that nobody has asked for go one by one as new ones come.
        for oldest in entries:
            if entries[oldest].expires <= now:
                self._remove(oldest)
            break

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._bytes -= entry.size
        name = _shelf_of(key)
        shelf = self._shelves[name]
        del shelf[key]
        if not shelf:
            del self._shelves[name]

    def _below(self, prefix: str) -> list[dict[str, None]]:
        """The shelves on which keys that begin like this can stand."""
        name = _shelf_of(prefix)
        return [
            shelf
            for known, shelf in self._shelves.items()
            if known.startswith(prefix) or known == name
        ]


def _shelf_of(key: str) -> str:
    """The organisation and the alias, which every key begins with."""
    end = key.find("/", key.find("/") + 1)
    return key if end < 0 else key[: end + 1]


def _beginning(shelf: dict[str, None], prefix: str) -> list[str]:
    return [key for key in shelf if key.startswith(prefix)]
