"""What something costs: each call that has it beside the one without it of the same run."""

from collections.abc import Sequence
from typing import Final

import msgspec

from bench.bars import Bar
from bench.cases import Case, Comparison
from bench.results import Row

_UNITS: Final = {True: "CPU µs / chunk", False: "CPU µs / request"}


class Beside(msgspec.Struct, frozen=True):
    """One comparison with its figures: microseconds of CPU for a chunk or for a whole call.

    Attributes:
        passed: of the call whose bytes pass; None where it was not measured.
        added: of the call that has something more.
    """

    comparison: Comparison
    passed: float | None
    added: float | None

    @property
    def title(self) -> str:
        """Which call at which concurrency."""
        case = self.comparison.added
        return f"{case.title}, c = {case.concurrency}"

    @property
    def unit(self) -> str:
        """What is counted."""
        return _UNITS[self.comparison.added.stream]

    @property
    def times(self) -> float | None:
        """How many times the CPU it takes."""
        if self.passed is None or self.added is None:
            return None
        return self.added / self.passed

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


def beside(rows: Sequence[Row], comparisons: Sequence[Comparison]) -> list[Beside]:
    """All comparisons with the figures of a run, in the order of the table."""
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

    return [Beside(pair, figure(pair.passed), figure(pair.added)) for pair in comparisons]


def judge_comparisons(rows: Sequence[Row], comparisons: Sequence[Comparison]) -> list[Bar]:
    """The demands on what is added against the rows of a run."""
    return [one.bar for one in beside(rows, comparisons) if one.bar is not None]
