"""Keeps the number of series bounded: a name that a caller made up never becomes a label."""

from collections.abc import Iterable

OTHER = "other"


class LabelGuard:
    """The names that may stand in a label; every other one is shown as ``other``.

    A name gets in when it is published, or when a provider has answered under it, so it exists.
    The state is the set of names, which only grows, up to ``limit``: a series that once existed
    stays in the scrape, so taking a name out would save nothing.
    """

    __slots__ = ("_allowed", "_limit")

    def __init__(self, limit: int = 500) -> None:
        self._limit = limit
        self._allowed: set[str] = set()

    def allow(self, names: Iterable[str]) -> None:
        """Let these names through, as many as fit under the limit."""
        for name in names:
            if name not in self._allowed and len(self._allowed) < self._limit:
                self._allowed.add(name)

    def label(self, name: str) -> str:
        """The name itself, or ``other``."""
        return name if name in self._allowed else OTHER
