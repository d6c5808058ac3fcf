"""Where what a provider wants back on the next turn is kept for callers who cannot give it back."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from typing_extensions import override

from trunkline.gateway.exchange.continuity import Kept
from trunkline.kit.clock import Clock

HOUR: Final = 3_600.0
MOST_BYTES: Final = 64 << 20
# An entry's own objects and its keys, beside the text that it holds.
_OVERHEAD: Final = 600
_Entry = tuple[float, Kept]


class Continuity(Protocol):
    """Keeps what belongs to tool calls for a while. Losing it costs thought and never an answer."""

    def keep(self, org_id: str, calls: Mapping[str, Kept]) -> None:
        """Keep what belongs to these calls of an organisation."""
        ...

    def finder(self, org_id: str) -> Callable[[str], Kept | None]:
        """A look-up of an organisation's calls by their ids; None for what is not kept any more."""
        ...


class MemoryContinuity(Continuity):
    """Keeps them in this process, an hour at most and never more than so many bytes.

    Its state is what is kept, oldest first, and the sum of its sizes. The oldest goes first where
    there is no room; what would take more than a tenth of all room is not kept. Whoever builds it
    owns it; there is nothing to close.
    """

    def __init__(
        self, clock: Clock, *, most_bytes: int = MOST_BYTES, lifetime: float = HOUR
    ) -> None:
        self._clock = clock
        self._most = most_bytes
        self._lifetime = lifetime
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._bytes = 0

    @property
    def bytes_held(self) -> int:
        """Bytes that everything kept takes, by estimate."""
        return self._bytes

    @override
    def keep(self, org_id: str, calls: Mapping[str, Kept]) -> None:
        if not calls:
            return
        until = self._clock.monotonic() + self._lifetime
        for call_id, kept in calls.items():
            key = (org_id, call_id)
            self._drop(key)
            if _size(kept) * 10 > self._most:
                continue
            self._entries[key] = (until, kept)
            self._bytes += _size(kept)
        self._make_room()

    @override
    def finder(self, org_id: str) -> Callable[[str], Kept | None]:
        now = self._clock.monotonic()

        def find(call_id: str) -> Kept | None:
            until, kept = self._entries.get((org_id, call_id), (now, None))
            return kept if until > now else None

        return find

    def _make_room(self) -> None:
        now = self._clock.monotonic()
        while self._entries:
            key = next(iter(self._entries))
            until, _ = self._entries[key]
            if until > now and self._bytes <= self._most:
                return
            self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _size(entry[1])


def _size(kept: Kept) -> int:
    return kept.size + _OVERHEAD
