"""Ollama's time stamps: RFC 3339 where everybody else has Unix seconds."""

from datetime import UTC, datetime
from typing import Any, Final

# The last second of the year 9999; some providers tell nonsense, and a stamp cannot say more.
_LAST: Final = 253_402_300_799


def rfc3339(seconds: int) -> str:
    """A time as Ollama writes it."""
    return (
        datetime.fromtimestamp(min(max(seconds, 0), _LAST), UTC).isoformat().replace("+00:00", "Z")
    )


def unix_seconds(stamp: Any) -> int | None:
    """Unix seconds of a time stamp, or None where it is none."""
    if not isinstance(stamp, str):
        return None
    try:
        return int(datetime.fromisoformat(stamp).timestamp())
    except (ValueError, OverflowError):
        return None
