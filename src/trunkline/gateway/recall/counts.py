"""How often the cache was of use, for metrics and for each organisation's own view."""

import msgspec

from trunkline.gateway.metering.event import CacheUse
from trunkline.gateway.recall.store import StoreStats


class Counts(msgspec.Struct):
    """Since the process began; ``saved_nano`` is what answers cost that nobody paid again."""

    hit: int = 0
    near: int = 0
    follow: int = 0
    miss: int = 0
    saved_nano: int = 0

    def add(self, use: CacheUse, saved_nano: int = 0) -> None:
        """One request more."""
        setattr(self, use, getattr(self, use) + 1)
        self.saved_nano += saved_nano

    def include(self, other: "Counts") -> None:
        """Add what was counted elsewhere."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def hit_rate(self) -> float | None:
        """The share of requests that needed no attempt of their own."""
        given = self.hit + self.near + self.follow
        return given / (given + self.miss) if given + self.miss else None


class RecallStats(msgspec.Struct, frozen=True):
    """What the cache says of itself.

    Attributes:
        counts: of all organisations together.
        dropped: followers and leaders' callers that were cut off because they read too slowly.
        flights: answers that are being made now.
        followers: requests that wait for these.
        store: of the store.
    """

    counts: Counts
    dropped: int
    flights: int
    followers: int
    store: StoreStats
