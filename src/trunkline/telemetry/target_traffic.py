"""What each organisation asks of each target, counted apart so that none sees another's."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from typing_extensions import override

from trunkline.gateway.metering.event import Attempt, Outcome, Progress
from trunkline.gateway.ports import Recorder
from trunkline.gateway.recall.charging import PROVIDER as GIVEN_AGAIN
from trunkline.kit.clock import Clock

WINDOW: Final = 300.0
"""Seconds for which an attempt counts, to the precision of ``_SLOT``."""

_SLOT: Final = 30.0
_SLOTS: Final = int(WINDOW / _SLOT)
# Names such as provider/model let a caller make targets up, so their number is bounded.
MOST_TARGETS: Final = 512


class TargetUse:
    """One organisation's attempts at one target.

    Its state is a ring of counts, one for each slot of time, and the slot that was counted last.

    Attributes:
        in_flight: attempts under way.
    """

    __slots__ = ("_counts", "_newest", "connection_id", "in_flight", "model")

    def __init__(self, connection_id: str, model: str) -> None:
        self.connection_id = connection_id
        self.model = model
        self.in_flight = 0
        self._counts = [0] * _SLOTS
        self._newest = 0

    def count(self, now: float) -> None:
        """One more attempt has ended."""
        slot = int(now / _SLOT)
        if slot != self._newest:
            slot = self._move(slot)
        self._counts[slot % _SLOTS] += 1

    def attempts(self, now: float) -> int:
        """Attempts that ended within the window."""
        self._move(int(now / _SLOT))
        return sum(self._counts)

    def _move(self, slot: int) -> int:
        """Forget the slots that time has left behind; the newest one."""
        if slot - self._newest >= _SLOTS:
            self._counts = [0] * _SLOTS
        else:
            for passed in range(self._newest + 1, slot + 1):
                self._counts[passed % _SLOTS] = 0
        self._newest = max(slot, self._newest)
        return self._newest


class TargetTraffic(Recorder):
    """Counts the attempts that pass to another recorder. Cheap: it stands on the data path.

    Its state is one ``TargetUse`` for each organisation and target, the newest of each
    organisation's targets; it belongs to the event loop.
    """

    def __init__(self, inner: Recorder, clock: Clock) -> None:
        self._opened = inner.opened
        self._closed = inner.closed
        self._monotonic = clock.monotonic
        self._uses: dict[str, OrderedDict[tuple[str, str], TargetUse]] = {}

    @override
    def opened(self, attempt: Attempt) -> Progress:
        progress = self._opened(attempt)
        if attempt.provider != GIVEN_AGAIN:
            self._use_of(attempt).in_flight += 1
        return progress

    @override
    def closed(self, attempt: Attempt, outcome: Outcome) -> None:
        self._closed(attempt, outcome)
        if attempt.provider == GIVEN_AGAIN:
            # Charged for an answer that was given before; no target was asked.
            return
        use = self._use_of(attempt)
        use.count(self._monotonic())
        # Where it was forgotten meanwhile, its begin is not known any more.
        if use.in_flight:
            use.in_flight -= 1

    def uses(self, org_id: str) -> Mapping[str, TargetUse]:
        """What an organisation asks of its targets, by ``Target.place``."""
        uses = self._uses.get(org_id)
        return (
            {}
            if uses is None
            else {f"{use.connection_id}/{use.model}": use for use in uses.values()}
        )

    def attempts(self, org_id: str) -> dict[str, int]:
        """Attempts of an organisation within the window, by ``Target.place``; none of zero."""
        now = self._monotonic()
        counts = {key: use.attempts(now) for key, use in self.uses(org_id).items()}
        return {key: count for key, count in counts.items() if count}

    def _use_of(self, attempt: Attempt) -> TargetUse:
        uses = self._uses.get(attempt.org_id)
        if uses is None:
            uses = self._uses[attempt.org_id] = OrderedDict()
        key = (attempt.connection_id, attempt.model)
        use = uses.get(key)
        if use is None:
            if len(uses) >= MOST_TARGETS:
                uses.popitem(last=False)
            use = uses[key] = TargetUse(*key)
        else:
            uses.move_to_end(key)
        return use
