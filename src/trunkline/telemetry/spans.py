"""Spans of requests and attempts, built in the background from finished events.

OpenTelemetry is loaded only when a collector is configured: it costs memory and time that most
installations need not pay.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from trunkline.gateway.metering.event import Finished

_CAPACITY = 4096
# Building one costs some 50 us; after so many in a row the loop gets its turn.
_SLICE = 10


class SpanSink(Protocol):
    """Takes finished events and exports them, in a thread of its own."""

    def export(self, event: Finished) -> None:
        """Build the spans of a request and queue them for export. Must not block."""
        ...

    def close(self, within: float) -> None:
        """Send what is queued, for at most so many seconds; blocks."""
        ...


class SpanQueue:
    """A bounded queue between the data path and the building of spans.

    When it is full the event is shed and counted; the request has succeeded all the same. Its
    state is the queue and one task, started by ``start`` and ended by ``close``.
    """

    def __init__(self, sink: SpanSink, *, capacity: int = _CAPACITY) -> None:
        self._sink = sink
        self._capacity = capacity
        self._events: deque[Finished] = deque()
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._shed = 0

    @property
    def shed(self) -> int:
        """How many events were dropped since the start: the queue was full, or they were odd."""
        return self._shed

    def put(self, events: Sequence[Finished]) -> None:
        """Queue events. Never blocks."""
        room = self._capacity - len(self._events)
        self._events.extend(events[:room])
        self._shed += max(len(events) - room, 0)
        self._filled.set()

    def start(self) -> None:
        """Begin to build spans; called on the running event loop."""
        self._task = asyncio.create_task(self._run(), name="spans")

    async def close(self, *, within: float = 5.0) -> None:
        """Build and send what is queued, for at most so many seconds."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        while self._events:
            self._build_some()
            await asyncio.sleep(0)
        await asyncio.to_thread(self._sink.close, within)

    async def _run(self) -> None:
        while await self._filled.wait():
            self._filled.clear()
            while self._events:
                self._build_some()
                await asyncio.sleep(0)

    def _build_some(self) -> None:
        for _ in range(min(_SLICE, len(self._events))):
            try:
                self._sink.export(self._events.popleft())
            except Exception:  # noqa: BLE001 - one odd event must not end the spans of all others
                self._shed += 1
