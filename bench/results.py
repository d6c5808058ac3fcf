"""Rows of results: medians of what was measured, written to and read from bench/results."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.cases import Case
from bench.load.measured import Measured
from bench.place import ROOT

FOLDER: Final = ROOT / "bench" / "results"
TRANSLATED_FOLDER: Final = FOLDER / "translated"
FEATURED_FOLDER: Final = FOLDER / "resilient"


class Sample(msgspec.Struct, frozen=True):
    """One turn: what the client saw, CPU seconds of the candidate and its peak of memory in MB."""

    measured: Measured
    cpu_s: float | None
    peak_mb: float | None


class Row(msgspec.Struct, frozen=True):
    """One candidate in one case. What could not be measured is null.

    Attributes:
        errors: of all rounds together; every other figure is the median of the rounds.
        cpu_us_per_request: of the candidate alone; for streams, of a whole stream.
        cpu_us_per_chunk: the same for each piece of a stream.
        cpu_us_by_turn: of each turn, for a request or, of streams, for a piece.
    """

    candidate: str
    mode: str
    operation: str
    stream: bool
    concurrency: int
    requests_per_s: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    ttft_p50_ms: float | None = None
    cpu_us_per_request: float | None = None
    cpu_us_per_chunk: float | None = None
    rss_idle_mb: float | None = None
    rss_peak_mb: float | None = None
    ready_s: float | None = None
    errors: int | None = None
    cpu_us_by_turn: list[float] = []

    @property
    def title(self) -> str:
        """Name and mode, where there are several."""
        return self.candidate if self.mode == "default" else f"{self.candidate} {self.mode}"


class Remark(msgspec.Struct, frozen=True):
    """Why a candidate, or one of its cases, has no figures."""

    candidate: str
    case: str
    reason: str


class Run(msgspec.Struct, frozen=True):
    """What is to be known of a run beside its rows.

    Attributes:
        notes: how each candidate was set up, by its title.
        proofs: what was seen to be on in *full*.
        worker_mb: resident memory of the worker process of *full*.
        load_average: of the last minute before the run; above 0.3 the machine had other work.
    """

    began: str
    machine: str
    rounds: int
    quick: bool
    commit: str
    versions: dict[str, str]
    notes: dict[str, str]
    proofs: list[str]
    remarks: list[Remark]
    worker_mb: float | None = None
    load_average: float | None = None


def make_row(
    case: Case,
    candidate: str,
    mode: str,
    samples: Sequence[Sample],
    *,
    idle_mb: float | None = None,
    ready_s: float | None = None,
) -> Row:
    """The row of a case: medians over the turns; without turns, only names."""
    row = Row(candidate, mode, case.operation.name, case.stream, case.concurrency)
    if not samples:
        return row
    return msgspec.structs.replace(
        row,
        requests_per_s=_median(samples, lambda s: s.measured.requests / s.measured.seconds, 1),
        p50_ms=_median(samples, lambda s: s.measured.p50_ms, 3),
        p99_ms=_median(samples, lambda s: s.measured.p99_ms, 3),
        ttft_p50_ms=_median(samples, lambda s: s.measured.ttft_p50_ms, 3),
        cpu_us_per_request=_median(samples, lambda s: _share(s, s.measured.requests), 1),
        cpu_us_per_chunk=_median(samples, lambda s: _share(s, s.measured.chunks), 1),
        rss_idle_mb=idle_mb,
        rss_peak_mb=_median(samples, lambda s: s.peak_mb, 1),
        ready_s=ready_s,
        errors=sum(sample.measured.errors for sample in samples),
        cpu_us_by_turn=[
            round(_share(sample, _units(sample, case)) or 0.0, 1) for sample in samples
        ],
    )


def write_results(rows: Sequence[Row], run: Run, folder: Path = FOLDER) -> None:
    """Write latest.json, one object a row, and run.json beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = b",\n".join(msgspec.json.encode(row) for row in rows)
    (folder / "latest.json").write_bytes(b"[\n" + lines + b"\n]\n")
    (folder / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")


def read_results(folder: Path = FOLDER) -> tuple[list[Row], Run]:
    """What the last run wrote.

    Raises:
        OSError, msgspec.MsgspecError: there is none, or it is of another form.
    """
    rows = msgspec.json.decode((folder / "latest.json").read_bytes(), type=list[Row])
    return rows, msgspec.json.decode((folder / "run.json").read_bytes(), type=Run)


def _units(sample: Sample, case: Case) -> int:
    return sample.measured.chunks if case.stream else sample.measured.requests


def _share(sample: Sample, count: int) -> float | None:
    """Microseconds of CPU for each of so many."""
    return None if sample.cpu_s is None or count == 0 else sample.cpu_s * 1e6 / count


def _median(
    samples: Sequence[Sample], read: Callable[[Sample], float | None], digits: int
) -> float | None:
    values = [value for value in map(read, samples) if value is not None]
    return round(statistics.median(values), digits) if values else None
