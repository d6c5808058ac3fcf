"""Time as a port, so that limits, budgets and leases can be tested without waiting."""

import time
from typing import Protocol

from typing_extensions import override


class Clock(Protocol):
    """Where the product reads the time."""

    def now(self) -> float:
        """Wall time in seconds since the Unix epoch; may be stepped by the operating system."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...


class SystemClock(Clock):
    """The machine's own clocks.

    They are the functions themselves and not methods around them: a request asks twenty times.
    """

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class FakeClock(Clock):
    """A clock that moves only when it is told to.

    Its state is one number of seconds; the test that built it owns it.
    """

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._now = start

    @override
    def __repr__(self) -> str:
        return f"FakeClock({self._now!r})"

    @override
    def now(self) -> float:
        return self._now

    @override
    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        if seconds < 0:
            raise ValueError("a clock only moves forward")
        self._now += seconds
