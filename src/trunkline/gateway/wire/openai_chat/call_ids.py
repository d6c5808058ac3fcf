"""Which result belongs to which call.

Callers of this wire name calls by ids that may be empty, missing or used again in a later turn, and
older ones by the function's name alone. In the internal form each call has an id of its own.
"""

from collections import deque


class CallIds:
    """Gives ids to the calls of one conversation. Its state is which calls wait for a result."""

    __slots__ = ("_last", "_used", "_waiting")

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._waiting: dict[str, deque[str]] = {}
        self._last: dict[str, str] = {}

    def call(self, told: str) -> str:
        """The id of a call that its caller names like this."""
        unique = self._unused(told)
        self._used.add(unique)
        self._waiting.setdefault(told, deque()).append(unique)
        self._last[told] = unique
        return unique

    def result(self, told: str) -> str:
        """The id of the call that a result is for; of the oldest one that waits for a result."""
        waiting = self._waiting.get(told)
        if waiting:
            return waiting.popleft()
        return self._last.get(told) or self.call(told)

    def _unused(self, told: str) -> str:
        if told and told not in self._used:
            return told
        stem = told or "call"
        number = len(self._used)
        while f"{stem}_{number}" in self._used:
            number += 1
        return f"{stem}_{number}"
