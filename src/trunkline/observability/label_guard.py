"""Keeps the number of series bounded: a name that a caller made up never becomes a label."""

from collections.abc import Iterable

OTHER = "other"


class LabelGuard:
    """The names that may stand in a label; every other one is shown as ``other``.

    Its state is the set of names, which only grows, up to ``limit``: a series that once existed
    stays in the scrape, so taking a name out would save nothing.
    """

    __slots__ = ("_allowed", "_limit")

    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self._allowed: frozenset[str] = frozenset()

    def allow(self, names: Iterable[str]) -> None:
        """Let these names through, as many as fit under the limit; call it for each snapshot."""
        new = sorted(set(names) - self._allowed)
        self._allowed |= set(new[: self._limit - len(self._allowed)])

    def label(self, name: str) -> str:
        """The name itself, or ``other``."""
        return name if name in self._allowed else OTHER
