"""One run: all candidates at once, each in turn, round after round."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from bench.candidates.contract import Candidate, Say
from bench.cases import Case, Effort
from bench.contender import Contender, open_contender
from bench.place import Site
from bench.processes import Unable
from bench.results import Remark, Row, Sample, make_row

_EVERY_CASE: Final = "all"


class Outcome(msgspec.Struct):
    """Rows in the order of the table, and why some are empty.

    Attributes:
        notes: how each candidate that ran was set up, by title.
    """

    rows: list[Row]
    remarks: list[Remark]
    notes: dict[str, str]


class Round:
    """Measures case by case; its state is the samples and the remarks so far."""

    def __init__(self, cases: Sequence[Case], effort: Effort, say: Say) -> None:
        self._cases = cases
        self._effort = effort
        self._say = say
        self._samples: dict[tuple[str, Case], list[Sample]] = {}
        self._excluded: dict[tuple[str, Case], str] = {}
        self.remarks: list[Remark] = []

    @property
    def turns(self) -> int:
        """How many measurements a candidate takes at most."""
        return len(self._cases) * self._effort.rounds

    def check(self, contender: Contender) -> None:
        """Find out which cases a candidate can do at all."""
        for case in filter(contender.candidate.takes, self._cases):
            try:
                contender.check(case)
            except (Unable, OSError) as error:
                self._exclude(contender, case, str(error))

    def measure(self, contenders: Sequence[Contender]) -> Iterator[tuple[Contender, Case]]:
        """Take all turns; yields before each one.

        The order of candidates turns from round to round, so that none is always after the same.
        """
        for number in range(self._effort.rounds):
            shift = number % max(1, len(contenders))
            order = [*contenders[shift:], *contenders[:shift]]
            for case in self._cases:
                for contender in order:
                    candidate = contender.candidate
                    if candidate.takes(case) and (candidate.title, case) not in self._excluded:
                        yield contender, case
                        self._take_turn(contender, case)

    def rows(self, candidates: Sequence[Candidate], running: Sequence[Contender]) -> list[Row]:
        """A row for each candidate in each case."""
        known = {contender.candidate.title: contender for contender in running}
        return [
            self._row(case, candidate, known.get(candidate.title))
            for case in self._cases
            for candidate in candidates
            if candidate.takes(case)
        ]

    def _take_turn(self, contender: Contender, case: Case) -> None:
        try:
            sample = contender.measure(case, self._effort)
        except (Unable, OSError) as error:
            self._exclude(contender, case, str(error))
            return
        self._samples.setdefault((contender.candidate.title, case), []).append(sample)

    def _exclude(self, contender: Contender, case: Case, reason: str) -> None:
        title = contender.candidate.title
        self._excluded[title, case] = reason
        name = f"{case.title}, c = {case.concurrency}"
        self.remarks.append(Remark(title, name, reason))
        self._say(f"{title}, {name}: {reason}")

    def _row(self, case: Case, candidate: Candidate, contender: Contender | None) -> Row:
        excluded = (candidate.title, case) in self._excluded
        samples = () if excluded else self._samples.get((candidate.title, case), ())
        idle = contender.idle if contender else None
        return make_row(
            case,
            candidate.name,
            candidate.mode,
            samples,
            idle_mb=idle.now if idle else None,
            ready_s=contender.ready_s if contender else None,
        )


def run_all(
    site: Site, candidates: Sequence[Candidate], round_: Round, say: Say, step: Say
) -> Outcome:
    """Start all candidates one after another, measure them, and end them.

    Args:
        site: where.
        candidates: in the order of the table.
        round_: measures; its remarks grow.
        say: is told what does not work.
        step: is told of each measurement before it is taken.
    """
    remarks = []
    with contextlib.ExitStack() as stack:
        running = []
        for candidate in candidates:
            step(f"starting {candidate.title}")
            try:
                contender = open_contender(candidate, site, say)
            except (Unable, OSError) as error:
                remarks.append(Remark(candidate.title, _EVERY_CASE, str(error)))
                say(f"{candidate.title}: {error}")
                continue
            stack.callback(contender.close)
            round_.check(contender)
            running.append(contender)
        for contender, case in round_.measure(running):
            step(f"{contender.candidate.title}: {case.title}, c = {case.concurrency}")
        notes = {contender.candidate.title: contender.launch.note for contender in running}
        rows = round_.rows(candidates, running)
    return Outcome(rows, remarks + round_.remarks, notes)
