"""Counters by rule and scope instance, made when first needed and forgotten when nobody needs them.

There is one counter per key, user or alias that was ever seen, and aliases may be invented by
callers, so counters that a fresh one would equal must not be kept for ever.
"""

from collections.abc import Callable
from itertools import islice
from typing import Generic, Protocol, TypeVar

InstanceKey = tuple[str, str]
"""Id of the rule, id of the scope instance."""

KEPT_MS = 60_000
"""How long a counter outlives its last plan; the ledger knows all settled costs long before."""

PER_SWEEP = 500
"""Most counters looked at in one sweep, so that a sweep never holds the event loop for long."""


class Counted(Protocol):
    """What knows how many plans use it."""

    refs: int


C = TypeVar("C", bound=Counted)


class Instances(Generic[C]):
    """The counters of one kind of one organisation. Owned by its ``OrgState``."""

    __slots__ = ("_counters", "_orphans")

    def __init__(self) -> None:
        self._counters: dict[InstanceKey, C] = {}
        self._orphans: dict[InstanceKey, int] = {}

    def __len__(self) -> int:
        return len(self._counters)

    def get(self, key: InstanceKey) -> C | None:
        """The counter, if it exists."""
        return self._counters.get(key)

    def all(self) -> list[tuple[InstanceKey, C]]:
        """All counters as they are now."""
        return list(self._counters.items())

    def use(self, key: InstanceKey, make: Callable[[], C]) -> C:
        """The counter for one more plan."""
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = make()
        counter.refs += 1
        self._orphans.pop(key, None)
        return counter

    def leave(self, key: InstanceKey, counter: object, now: int) -> None:
        """One plan less uses the counter."""
        mine = self._counters.get(key)
        if mine is None or mine is not counter:
            return
        mine.refs -= 1
        if mine.refs == 0:
            self._orphans[key] = now

    def drop(self, key: InstanceKey) -> None:
        """Forget a counter whose rule is gone or has become another one."""
        self._counters.pop(key, None)
        self._orphans.pop(key, None)

    def sweep(self, now: int, idle: Callable[[C], bool]) -> None:
        """Forget counters that no plan has used for a while and that hold nothing."""
        for key, since in list(islice(self._orphans.items(), PER_SWEEP)):
            if now - since < KEPT_MS:
                break
            del self._orphans[key]
            if idle(self._counters[key]):
                del self._counters[key]
            else:
                self._orphans[key] = now
