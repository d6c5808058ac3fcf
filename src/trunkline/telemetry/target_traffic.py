"""What each organisation asks of each target, counted apart so that none sees another's."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from trunkline.gateway.metering.event import Attempt
from trunkline.kit.clock import Clock

WINDOW: Final = 300.0
"""Seconds for which an attempt counts, to the precision of ``_SLOT``."""

_SLOT: Final = 30.0
_SLOTS: Final = int(WINDOW / _SLOT)
# Names such as provider/model let a caller make targets up, so their number is bounded.
MOST_TARGETS: Final = 512

_Place = tuple[str, str]  # Connection and model.


class TargetUse(msgspec.Struct, frozen=True):
    """One organisation's attempts at one target.

    Attributes:
        attempts: that ended within the window and whose requests are over.
        in_flight: under way.
    """

    connection_id: str
    model: str
    attempts: int
    in_flight: int


class _Ended:
    """How many attempts have ended lately.

    Its state is a ring of counts, one for each slot of time, and the slot that was counted last.
    """

    __slots__ = ("_counts", "_newest")

    def __init__(self) -> None:
        self._counts = [0] * _SLOTS
        self._newest = 0

    def add(self, now: float, attempts: int) -> None:
        """So many more have ended."""
        slot = self._move(now)
        self._counts[slot % _SLOTS] += attempts

    def within_window(self, now: float) -> int:
        """Those that count still."""
        self._move(now)
        return sum(self._counts)

    def _move(self, now: float) -> int:
        """Forget the slots that time has left behind; the newest one."""
        slot = int(now / _SLOT)
        if slot - self._newest >= _SLOTS:
            self._counts = [0] * _SLOTS
        else:
            for passed in range(self._newest + 1, slot + 1):
                self._counts[passed % _SLOTS] = 0
        self._newest = max(slot, self._newest)
        return self._newest


class TargetTraffic:
    """Counts what finished requests asked of targets, and finds what is under way.

    Its state is one ring of counts for each organisation and target, the newest of each
    organisation's targets; it belongs to the event loop.
    """

    def __init__(self, clock: Clock, under_way: Callable[[], Iterable[Attempt]]) -> None:
        """Count by this clock.

        Args:
            clock: steady time.
            under_way: the attempts of all organisations that have not ended. Somebody keeps them
                anyway, so the data path need not count them.
        """
        self._monotonic = clock.monotonic
        self._under_way = under_way
        self._ended: dict[str, OrderedDict[_Place, _Ended]] = {}

    def count(self, attempts: Iterable[Attempt]) -> None:
        """Take note of attempts that have ended."""
        asked = Counter([(made.org_id, made.connection_id, made.model) for made in attempts])
        now = self._monotonic()
        for (org_id, connection_id, model), times in asked.items():
            self._ended_at(org_id, (connection_id, model)).add(now, times)

    def uses(self, org_id: str) -> Mapping[str, TargetUse]:
        """What an organisation asks of its targets, by ``Target.place``."""
        now = self._monotonic()
        live = Counter(
            (attempt.connection_id, attempt.model)
            for attempt in self._under_way()
            if attempt.org_id == org_id
        )
        ended = {
            place: counts.within_window(now)
            for place, counts in self._ended.get(org_id, OrderedDict()).items()
        }
        return {
            f"{connection_id}/{model}": TargetUse(
                connection_id,
                model,
                attempts=ended.get((connection_id, model), 0),
                in_flight=live[connection_id, model],
            )
            for connection_id, model in {**ended, **live}
        }

    def _ended_at(self, org_id: str, place: _Place) -> _Ended:
        places = self._ended.get(org_id)
        if places is None:
            places = self._ended[org_id] = OrderedDict()
        ended = places.get(place)
        if ended is None:
            if len(places) >= MOST_TARGETS:
                places.popitem(last=False)
            ended = places[place] = _Ended()
        else:
            places.move_to_end(place)
        return ended
