from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.limits.rules import Window
from trunkline.limits.windows import FOREVER, calendar_window

ZONES = ["UTC", "Europe/Berlin", "America/Havana", "Africa/Cairo", "Asia/Kolkata", "Pacific/Apia"]
CALENDAR: list[Window] = ["day", "week", "month", "quarter", "year"]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("window", "zone", "now", "start", "end"),
    [
        ("day", "UTC", "2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        (
            "day",
            "Asia/Kolkata",
            "2026-11-21T18:29:59Z",
            "2026-11-20T18:30:00Z",
            "2026-11-21T18:30:00Z",
        ),
        (
            "week",
            "UTC",
            "2026-11-22T23:59:59Z",
            "2026-11-16T00:00:00Z",
            "2026-11-23T00:00:00Z",
        ),
        (
            "month",
            "Europe/Berlin",
            "2026-12-31T23:00:00Z",
            "2027-01-01T00:00:00+01:00",
            "2027-02-01T00:00:00+01:00",
        ),
        (
            "quarter",
            "UTC",
            "2026-12-31T23:59:59Z",
            "2026-10-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
        ),
        ("year", "UTC", "2024-02-29T12:00:00Z", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        # The day on which clocks go forward has 23 hours, the one on which they go back has 25.
        (
            "day",
            "Europe/Berlin",
            "2026-03-29T12:00:00+02:00",
            "2026-03-29T00:00:00+01:00",
            "2026-03-30T00:00:00+02:00",
        ),
        (
            "day",
            "Europe/Berlin",
            "2026-10-25T12:00:00+01:00",
            "2026-10-25T00:00:00+02:00",
            "2026-10-26T00:00:00+01:00",
        ),
        # Midnight does not exist: the day begins at one o'clock, which is the same instant.
        (
            "day",
            "Africa/Cairo",
            "2026-04-24T12:00:00+03:00",
            "2026-04-24T01:00:00+03:00",
            "2026-04-25T00:00:00+03:00",
        ),
        # Midnight comes twice: the day begins at the first.
        (
            "day",
            "America/Havana",
            "2026-11-01T12:00:00-05:00",
            "2026-11-01T00:00:00-04:00",
            "2026-11-02T00:00:00-05:00",
        ),
    ],
)
def test_a_calendar_window_begins_and_ends_at_local_midnight(
    window: Window, zone: str, now: str, start: str, end: str
) -> None:
    assert calendar_window(window, ms(now), ZoneInfo(zone)) == (ms(start), ms(end))


def test_a_total_window_never_ends() -> None:
    assert calendar_window("total", ms("2026-11-21T00:00:00Z"), ZoneInfo("UTC")) == (0, FOREVER)


def test_a_rolling_window_has_no_calendar_bounds() -> None:
    with pytest.raises(ValueError, match="rolling"):
        calendar_window("rolling", 0, ZoneInfo("UTC"))


@given(
    window=st.sampled_from(CALENDAR),
    zone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is the strategy's.
)
def test_windows_contain_their_instant_and_follow_each_other_without_gap(
    window: Window, zone: str, now: datetime
) -> None:
    at = int(now.timestamp() * 1000)
    bounds = []
    for _ in range(3):
        bounds.append(calendar_window(window, at, ZoneInfo(zone)))
        start, end = bounds[-1]
        assert start <= at < end
        at = end
    assert all(before[1] == after[0] for before, after in pairwise(bounds))
