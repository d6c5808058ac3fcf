"""What something costs: each call that has it beside the one without it of the same run."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from bench.bars import Bar
from bench.cases import Case, Comparison
from bench.results import Row

THEN: Final = "at "
"""What the mode of the product of an earlier commit begins with; the commit follows."""

_Place = tuple[str, bool, int]

_UNITS: Final = {True: "CPU µs / chunk", False: "CPU µs / request"}


class Beside(msgspec.Struct, frozen=True):
    """One comparison with its figures: microseconds of CPU for a chunk or for a whole call.

    Attributes:
        passed: of the call whose bytes pass; None where it was not measured.
        added: of the call that has something more.
        times: how many times the CPU that takes: the median of what each round gave, since the
            speed of a shared machine changes by more than most bars between two rounds.
        then: of the call whose bytes pass, in the code of an earlier commit; None where none was
            measured beside.
        times_then: as ``times``, of that.
        commit: that commit.
    """

    comparison: Comparison
    passed: float | None = None
    added: float | None = None
    times: float | None = None
    then: float | None = None
    times_then: float | None = None
    commit: str = ""

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
    def bar(self) -> Bar | None:
        """The demand on it, where there is one."""
        most, times = self.comparison.at_most, self.times
        if most is None:
            return None
        demand = f"{self.title}: at most {most:g} times the CPU of the same call passed"
        if self.comparison.then and self.times_then is not None:
            demand, times = f"{demand} at {self.commit}", self.times_then
        if times is None:
            return Bar(demand, "not measured", None)
        return Bar(demand, f"{times:.3g}", times <= most)


def beside(rows: Sequence[Row], comparisons: Sequence[Comparison]) -> list[Beside]:
    """All comparisons with the figures of a run, in the order of the table."""
    now = {_place(row): row for row in rows if row.title == "trunkline full"}
    then = {_place(row): row for row in rows if row.mode.startswith(THEN)}
    return [
        _compare(pair, now.get(_asked(pair.passed)), now.get(_asked(pair.added)), then)
        for pair in comparisons
    ]


def _asked(case: Case) -> _Place:
    return case.operation.name, case.stream, case.concurrency


def _place(row: Row) -> _Place:
    return row.operation, row.stream, row.concurrency


def _compare(
    pair: Comparison, passed: Row | None, added: Row | None, then: Mapping[_Place, Row]
) -> Beside:
    if passed is None or added is None:
        return Beside(pair)
    compared = Beside(pair, _figure(passed), _figure(added), _times(passed, added))
    former = then.get(_asked(pair.passed))
    if former is None:
        return compared
    return msgspec.structs.replace(
        compared,
        then=_figure(former),
        times_then=_times(former, added),
        commit=former.mode.removeprefix(THEN),
    )


def _times(passed: Row, added: Row) -> float | None:
    without, with_it = _figure(passed), _figure(added)
    # A turn that failed is missing, and then nobody knows which two were of one round.
    if len(passed.cpu_us_by_turn) == len(added.cpu_us_by_turn) > 0:
        turns = zip(passed.cpu_us_by_turn, added.cpu_us_by_turn, strict=True)
        ratios = [more / less for less, more in turns if more and less]
    else:
        ratios = [with_it / without] if with_it and without else []
    return statistics.median(ratios) if ratios else None


def _figure(row: Row) -> float | None:
    return row.cpu_us_per_chunk if row.stream else row.cpu_us_per_request


def judge_comparisons(rows: Sequence[Row], comparisons: Sequence[Comparison]) -> list[Bar]:
    """The demands on what is added against the rows of a run."""
    return [one.bar for one in beside(rows, comparisons) if one.bar is not None]
