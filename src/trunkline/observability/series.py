"""Counters and histograms that cost a fraction of a microsecond to update.

prometheus-client takes locks and several microseconds for each observation, which is more than the
data path has. Here an update is an addition to a number of ours; the text is put together at the
scrape from lines whose constant part is kept. All updates and the scrape run on the event loop, so
there is no lock.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, repeat
from typing import Literal, Protocol

Labels = tuple[str, ...]
Sample = tuple[Labels, float]


class Family(Protocol):
    """All series of one name."""

    def render(self) -> Iterator[str]:
        """Its lines in the text format 0.0.4 of Prometheus, each with its newline."""
        ...


class Counter:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, amount: int = 1) -> None:
        """Count so many more."""
        self.value += amount


class CounterFamily:
    """Counters by the values of their labels; ``show`` writes a value, such as nano-dollars."""

    def __init__(
        self, name: str, text: str, labels: Labels = (), show: Callable[[int], str] = str
    ) -> None:
        self._name, self._labels, self._show = name, labels, show
        self._head = _head(name, text, "counter")
        self._children: dict[Labels, tuple[str, Counter]] = {}

    def child(self, *values: str) -> Counter:
        """The counter of these label values; keep it, for the look-up costs more than the count."""
        found = self._children.get(values)
        if found is None:
            found = (f"{self._name}{_braces(self._labels, values)} ", Counter())
            self._children[values] = found
        return found[1]

    def render(self) -> Iterator[str]:
        """See ``Family``."""
        yield self._head
        for prefix, counter in self._children.values():
            yield f"{prefix}{self._show(counter.value)}\n"


class Histogram:
    """How often which size was seen; a bound belongs to the bucket below it."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, sizes: Sequence[float]) -> None:
        """Count one more of each size."""
        counts = self.counts
        for place in map(bisect_left, repeat(self._bounds), sizes):
            counts[place] += 1
        self.total = sum(sizes, self.total)


class HistogramFamily:
    """Histograms by the values of their labels; all have the same bounds."""

    def __init__(self, name: str, text: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        self._name, self._labels, self._bounds = name, labels, bounds
        self._head = _head(name, text, "histogram")
        self._children: dict[Labels, tuple[list[str], Histogram]] = {}

    def child(self, *values: str) -> Histogram:
        """The histogram of these label values; keep it."""
        found = self._children.get(values)
        if found is None:
            found = (self._prefixes(values), Histogram(self._bounds))
            self._children[values] = found
        return found[1]

    def counts(self) -> Iterator[tuple[Labels, int]]:
        """How many sizes each of the histograms has seen."""
        for values, (_, histogram) in self._children.items():
            yield values, sum(histogram.counts)

    def render(self) -> Iterator[str]:
        """See ``Family``."""
        yield self._head
        for prefixes, histogram in self._children.values():
            count = 0
            for prefix, count in zip(prefixes, accumulate(histogram.counts), strict=False):
                yield f"{prefix}{count}\n"
            yield f"{prefixes[-2]}{histogram.total!r}\n{prefixes[-1]}{count}\n"

    def _prefixes(self, values: Labels) -> list[str]:
        labels = (*self._labels, "le")
        prefixes = [
            f"{self._name}_bucket{_braces(labels, (*values, le))} "
            for le in (*(f"{bound:.12g}" for bound in self._bounds), "+Inf")
        ]
        own = _braces(self._labels, values)
        return [*prefixes, f"{self._name}_sum{own} ", f"{self._name}_count{own} "]


class WatchedFamily:
    """Numbers that someone else keeps and that are read at the scrape."""

    def __init__(
        self,
        name: str,
        text: str,
        kind: Literal["gauge", "counter"],
        labels: Labels,
        read: Callable[[], Iterable[Sample]],
    ) -> None:
        self._name, self._labels, self._read = name, labels, read
        self._head = _head(name, text, kind)

    def render(self) -> Iterator[str]:
        """See ``Family``."""
        yield self._head
        for values, number in self._read():
            yield f"{self._name}{_braces(self._labels, values)} {number!r}\n"


def _head(name: str, text: str, kind: str) -> str:
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def _braces(labels: Labels, values: Labels) -> str:
    if not labels:
        return ""
    pairs = zip(labels, values, strict=True)
    return "{" + ",".join(f'{label}="{_escape(value)}"' for label, value in pairs) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
