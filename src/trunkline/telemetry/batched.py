"""Finished requests are told in batches, away from the answers that callers wait for.

What they are told to does most of its work once for each group of events that are alike, and finds
its code and its data in the processor's caches.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, ParamSpec, Protocol, TypeVar

from typing_extensions import override

from trunkline.gateway.metering.event import Finished
from trunkline.gateway.ports import Observer
from trunkline.observability.metrics import Metrics

# Seconds for which an event may wait for others.
WAIT: Final = 0.1
# As many are told at once, without waiting for more: it takes some half a millisecond, and then
# others get their turn.
_AT_ONCE: Final = 128

Asked = ParamSpec("Asked")
Read = TypeVar("Read")


class Teller(Protocol):
    """Who is told of finished requests."""

    def tell(self, events: Sequence[Finished]) -> None:
        """Take note of a batch, in the order in which the requests ended."""
        ...


class BatchedObserver(Observer):
    """Keeps finished events until the batch is told. Nothing is ever dropped here.

    The data path pays for an addition and for an append; there is a timer only while an event
    waits. The state is the events that wait and the timer that will hand them on; both belong to
    the event loop. ``flush`` before reading what has been told, and at the end.
    """

    def __init__(self, metrics: Metrics, teller: Teller) -> None:
        self._metrics = metrics
        self._teller = teller
        self._events: list[Finished] = []
        self._timer: asyncio.Handle | None = None

    @override
    def began(self) -> None:
        self._metrics.in_progress += 1

    @override
    def finished(self, event: Finished) -> None:
        events = self._events
        events.append(event)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WAIT, self._work)
        elif len(events) == _AT_ONCE:
            self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_soon(self._work)

    def flush(self) -> None:
        """Tell everything that waits."""
        events, self._events = self._events, []
        if events:
            self._tell(events)

    def flush_before(self, read: Callable[Asked, Read]) -> Callable[Asked, Read]:
        """The same reader, which sees everything that has finished."""

        def current(*args: Asked.args, **kwargs: Asked.kwargs) -> Read:
            self.flush()
            return read(*args, **kwargs)

        return current

    def _work(self) -> None:
        batch, self._events = self._events[:_AT_ONCE], self._events[_AT_ONCE:]
        # First, so that whatever becomes of this batch the next one is told.
        self._timer = asyncio.get_running_loop().call_soon(self._work) if self._events else None
        if batch:
            self._tell(batch)

    def _tell(self, batch: Sequence[Finished]) -> None:
        self._metrics.in_progress -= len(batch)
        self._teller.tell(batch)
