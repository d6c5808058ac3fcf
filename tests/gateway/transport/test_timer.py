"""The lazy timer, on a loop that records what it is asked for."""

import asyncio
from collections.abc import Callable
from typing import cast

from trunkline.gateway.transport.timer import LazyTimer


class RecordingLoop:
    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.cancelled = 0

    def call_at(self, when: float, call: Callable[[], None]) -> "RecordingLoop":
        self.calls.append((when, call))
        return self

    def cancel(self) -> None:
        self.cancelled += 1


def test_the_timer_moves_only_when_it_would_fire_too_late() -> None:
    loop, fired = RecordingLoop(), []
    timer = LazyTimer(cast("asyncio.AbstractEventLoop", loop), lambda: fired.append(True))
    for when in (10.0, 11.0, 10.0, 5.0, 7.0):
        timer.fire_by(when)
    assert ([when for when, _ in loop.calls], loop.cancelled) == ([10.0, 5.0], 1)
    assert repr(timer) == "<LazyTimer due at 5.000>"
    loop.calls[-1][1]()
    assert fired == [True]
    assert repr(timer) == "<LazyTimer off>"
    timer.fire_by(20.0)
    timer.cancel()
    timer.cancel()
    assert (loop.calls[-1][0], loop.cancelled, repr(timer)) == (20.0, 2, "<LazyTimer off>")
