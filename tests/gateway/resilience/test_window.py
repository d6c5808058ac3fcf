"""Counting calls over the last seconds."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.resilience.window import PARTS, SlidingWindow

WINDOW = 60.0


def test_a_call_is_counted_until_the_window_has_passed() -> None:
    window = SlidingWindow()
    window.add(0.0, WINDOW, failed=True, slow=False)
    window.add(30.0, WINDOW, failed=False, slow=True)
    window.trim(59.9, WINDOW)
    assert (window.calls, window.failures, window.slow) == (2, 1, 1)
    window.trim(60.0, WINDOW)
    assert (window.calls, window.failures, window.slow) == (1, 0, 1)
    window.clear()
    assert (window.calls, window.failures, window.slow) == (0, 0, 0)


@given(st.lists(st.tuples(st.floats(0, 20), st.booleans(), st.booleans()), max_size=200))
def test_no_call_is_counted_for_longer_than_the_window_or_shorter_than_it_less_one_part(
    steps: list[tuple[float, bool, bool]],
) -> None:
    window, now = SlidingWindow(), 0.0
    calls: list[tuple[float, bool, bool]] = []
    for wait, failed, slow in steps:
        now += wait
        window.add(now, WINDOW, failed=failed, slow=slow)
        calls.append((now, failed, slow))
        window.trim(now, WINDOW)
        surely = [call for call in calls if now - call[0] < WINDOW - WINDOW / PARTS]
        perhaps = [call for call in calls if now - call[0] < WINDOW]
        assert len(surely) <= window.calls <= len(perhaps)
        assert sum(c[1] for c in surely) <= window.failures <= sum(c[1] for c in perhaps)
        assert sum(c[2] for c in surely) <= window.slow <= sum(c[2] for c in perhaps)
