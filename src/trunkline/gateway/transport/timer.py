"""One timer for all the deadlines of a connection."""

import asyncio
from collections.abc import Callable

from typing_extensions import override


class LazyTimer:
    """Fires at the latest moment that it was asked for, or earlier.

    Deadlines move later with every request and every byte, and nearly none is ever reached. So the
    timer stays where it is when its deadline moves later; when it then fires too early, ``check``
    looks at the real deadline and asks again. Keeping thousands of requests on time thus costs one
    timer for each connection in each period, not several for each request.

    Its state is the handle of the event loop and when that is due.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, check: Callable[[], None]) -> None:
        self._loop = loop
        self._check = check
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    @override
    def __repr__(self) -> str:
        return "<LazyTimer off>" if self._handle is None else f"<LazyTimer due at {self._due:.3f}>"

    def fire_by(self, when: float) -> None:
        """Call ``check`` not later than this time of the loop."""
        if self._handle is not None:
            if self._due <= when:
                return
            self._handle.cancel()
        self._due = when
        self._handle = self._loop.call_at(when, self._fire)

    def cancel(self) -> None:
        """Do not fire any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        self._check()
