"""RFC 3339 times for lines that are written thousands of times a second."""

import time


class Timestamps:
    """Formats Unix times with milliseconds in UTC.

    Its state is the text of the last second, since lines come many to a second. Not shared between
    threads that write at the same time; a race would at worst format one second twice.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: tuple[int, str] = (-1, "")

    def format_ns(self, unix_ns: int) -> str:
        """Such as ``2025-11-21T01:02:03.456Z``, of nanoseconds since the epoch."""
        second, rest = divmod(unix_ns, 1_000_000_000)
        last, text = self._last
        if second != last:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._last = (second, text)
        return f"{text}.{rest // 1_000_000:03d}Z"
