"""Counting calls over the last seconds."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.resilience.window import PARTS, Counts, SlidingWindow

WINDOW = 60.0


def count(window: SlidingWindow, now: float, *, failed: bool, slow: bool) -> None:
    if failed or slow:
        window.add_bad(now, WINDOW, failed=failed, slow=slow)
    else:
        window.add(now, WINDOW)


def test_a_call_is_counted_until_the_window_has_passed() -> None:
    window = SlidingWindow()
    assert window.lately(0.0, WINDOW) == (0, 0, 0)
    count(window, 0.0, failed=True, slow=False)
    count(window, 30.0, failed=False, slow=True)
    assert window.lately(59.9, WINDOW) == Counts(calls=2, failures=1, slow=1)
    assert window.lately(60.0, WINDOW) == Counts(calls=1, failures=0, slow=1)
    assert window.lately(90.0, WINDOW) == (0, 0, 0)
    assert (window.calls, window.failures, window.slow) == (2, 1, 1)
    window.clear()
    assert (window.calls, window.failures, window.slow) == (0, 0, 0)


def test_a_call_is_counted_by_whoever_looks_back_further_after_one_who_looked_less_far() -> None:
    window = SlidingWindow()
    window.add(0.0, 600.0)
    assert window.lately(11.0, 10.0) == (0, 0, 0)
    window.add(12.0, 600.0)
    assert window.lately(12.0, 600.0) == (1, 0, 0)


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.booleans()), max_size=200))
def test_no_call_is_counted_for_longer_than_the_window_or_shorter_than_it_less_one_part(
    steps: list[tuple[float, bool, bool]],
) -> None:
    window, now = SlidingWindow(), 0.0
    calls: list[tuple[float, bool, bool]] = []
    for wait, failed, slow in steps:
        now += wait
        count(window, now, failed=failed, slow=slow)
        calls.append((now, failed, slow))
        lately = window.lately(now, WINDOW)
        surely = [call for call in calls if now - call[0] < WINDOW - WINDOW / PARTS]
        perhaps = [call for call in calls if now - call[0] < WINDOW]
        assert len(surely) <= lately.calls <= len(perhaps)
        assert sum(c[1] for c in surely) <= lately.failures <= sum(c[1] for c in perhaps)
        assert sum(c[2] for c in surely) <= lately.slow <= sum(c[2] for c in perhaps)
    assert window.calls == len(calls)
