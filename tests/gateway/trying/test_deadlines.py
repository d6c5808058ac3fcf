"""What is left of a request's time, and what each attempt gets of it."""

import math

from trunkline.gateway.policy import Waits
from trunkline.gateway.transport import Timeouts
from trunkline.gateway.trying.deadlines import Deadlines
from trunkline.kit.clock import FakeClock

ORDINARY = Timeouts(connect=1, pool=2, first_byte=3, idle=4, total=100)


def test_nothing_begins_after_the_deadline() -> None:
    clock = FakeClock()
    deadlines = Deadlines(ORDINARY, clock.monotonic() + 10.0, clock.monotonic)
    clock.advance(8)
    assert deadlines.allow(1.9)
    assert not deadlines.allow(2.0)


def test_an_alias_without_time_limits_takes_those_of_the_pool() -> None:
    deadlines = Deadlines(ORDINARY, math.inf, FakeClock().monotonic)
    assert deadlines.of(Waits(), stream=True) == (None, None)


def test_a_stream_has_a_limit_for_its_first_content() -> None:
    deadlines = Deadlines(ORDINARY, math.inf, FakeClock().monotonic)
    waits = Waits(connect=5, first_token=6, idle=7, total=8)
    limits = Timeouts(connect=5, pool=2, first_byte=6, idle=7, total=8)
    assert deadlines.of(waits, stream=True) == (limits, 6)
    assert deadlines.of(waits, stream=False) == (limits, None)


def test_the_deadline_shortens_the_last_attempt() -> None:
    clock = FakeClock()
    waits = Waits(first_token=6, deadline=10)
    deadlines = Deadlines(ORDINARY, clock.monotonic() + 10.0, clock.monotonic)
    clock.advance(7)
    stream, first = deadlines.of(waits, stream=True)
    assert stream is not None
    assert (stream.first_byte, stream.total, first) == (3, 100, 3)
    whole, none = deadlines.of(waits, stream=False)
    assert whole is not None
    assert (whole.first_byte, whole.total, none) == (6, 3, None)
    clock.advance(9)
    late, first = deadlines.of(waits, stream=True)
    assert late is not None
    assert (late.first_byte, first) == (0, 0)
