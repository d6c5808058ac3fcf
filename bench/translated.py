"""What translating costs: each translated call beside the one whose bytes pass in the same run."""

from collections.abc import Sequence
from typing import Final

import msgspec

from bench.bars import Bar
from bench.cases import COMPARISONS, Case, Comparison
from bench.results import Row

_UNITS: Final = {True: "CPU µs / chunk", False: "CPU µs / request"}


class Beside(msgspec.Struct, frozen=True):
    """One comparison with its figures: microseconds of CPU for a chunk or for a whole call.

    Attributes:
        passed: of the call whose bytes pass; None where it was not measured.
        translated: of the call that is translated.
    """

    comparison: Comparison
    passed: float | None
    translated: float | None

    @property
    def title(self) -> str:
        """Which call at which concurrency."""
        case = self.comparison.translated
        return f"{case.title}, c = {case.concurrency}"

    @property
    def unit(self) -> str:
        """What is counted."""
        return _UNITS[self.comparison.translated.stream]

    @property
    def times(self) -> float | None:
        """How many times the CPU translating takes."""
        if self.passed is None or self.translated is None:
            return None
        return self.translated / self.passed

    @property
    def bar(self) -> Bar | None:
        """The demand on it, where there is one."""
        most, times = self.comparison.at_most, self.times
        if most is None:
            return None
        demand = f"{self.title}: at most {most:g} times the CPU of the same call passed"
        if times is None:
            return Bar(demand, "not measured", None)
        return Bar(demand, f"{times:.3g}", times <= most)


def beside(rows: Sequence[Row]) -> list[Beside]:
    """All comparisons of a run, in the order of the table."""
    known = {
        (row.operation, row.stream, row.concurrency): row
        for row in rows
        if row.title == "trunkline full"
    }

    def figure(case: Case) -> float | None:
        row = known.get((case.operation.name, case.stream, case.concurrency))
        if row is None:
            return None
        return row.cpu_us_per_chunk if case.stream else row.cpu_us_per_request

    return [Beside(pair, figure(pair.passed), figure(pair.translated)) for pair in COMPARISONS]


def judge_translated(rows: Sequence[Row]) -> list[Bar]:
    """The demands on translated calls against the rows of a run."""
    return [one.bar for one in beside(rows) if one.bar is not None]
