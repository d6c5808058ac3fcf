"""Calendar windows in a time zone: where a day, week, month, quarter or year begins and ends.

A local midnight that a clock change skips is the instant of the change; one that happens twice is
the first of the two. Windows therefore follow each other without gap or overlap.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from trunkline.limits.rules import Window

FOREVER = 1 << 62
"""An instant in milliseconds that no clock reaches."""

MONTHS_PER_QUARTER = 3
MONTHS_PER_YEAR = 12


def calendar_window(window: Window, now_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """Start and end, in Unix milliseconds, of the calendar window that contains an instant.

    Raises:
        ValueError: for ``rolling``, which has no calendar bounds.
    """
    if window == "total":
        return 0, FOREVER
    today = datetime.fromtimestamp(now_ms // 1000, tz=UTC).astimezone(zone).date()
    first, after = _dates(window, today)
    return _midnight(first, zone), _midnight(after, zone)


def _dates(window: Window, today: date) -> tuple[date, date]:
    if window == "day":
        return today, today + timedelta(days=1)
    if window == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    if window == "month":
        first = today.replace(day=1)
        return first, _months_later(first, 1)
    if window == "quarter":
        month = (today.month - 1) // MONTHS_PER_QUARTER * MONTHS_PER_QUARTER + 1
        first = date(today.year, month, 1)
        return first, _months_later(first, MONTHS_PER_QUARTER)
    if window == "year":
        return date(today.year, 1, 1), date(today.year + 1, 1, 1)
    raise ValueError(f"a {window} window has no calendar bounds")


def _months_later(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, MONTHS_PER_YEAR)
    return date(first.year + years, month + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    # fold=0 reads a skipped midnight with the offset before the change, which is the instant of
    # the change itself, and takes the first of two midnights.
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000
