"""Medians, and the files that keep them."""

import json
from pathlib import Path

from bench.cases import CHAT, Case
from bench.load.measured import Measured
from bench.results import Sample, make_row, read_results, write_results
from tests.bench.rows import full, row, run

CALLS = Case(CHAT, stream=False, concurrency=32)
STREAMS = Case(CHAT, stream=True, concurrency=100)

# What the project promises to write, and nothing beside it.
KEYS = [
    "candidate", "mode", "operation", "stream", "concurrency", "requests_per_s", "p50_ms", "p99_ms",
    "ttft_p50_ms", "cpu_us_per_request", "cpu_us_per_chunk", "rss_idle_mb", "rss_peak_mb",
    "ready_s", "errors", "cpu_us_by_turn",
]  # fmt: skip


def sample(requests: int, *, errors: int = 0, cpu_s: float | None = 1.0) -> Sample:
    measured = Measured(
        requests=requests, seconds=2.0, p50_ms=requests / 10, p99_ms=9.0, errors=errors
    )
    return Sample(measured, cpu_s, 50.0)


def test_a_row_holds_the_median_of_the_rounds_and_the_sum_of_their_errors() -> None:
    samples = [sample(100), sample(5000, errors=2), sample(200, errors=1)]

    made = make_row(CALLS, "nginx", "default", samples, idle_mb=7.0, ready_s=0.02)

    assert made == row(
        "nginx",
        requests_per_s=100.0,
        p50_ms=20.0,
        p99_ms=9.0,
        cpu_us_per_request=5000.0,
        rss_idle_mb=7.0,
        rss_peak_mb=50.0,
        ready_s=0.02,
        errors=3,
        cpu_us_by_turn=[10_000.0, 200.0, 5000.0],
    )


def test_a_stream_has_cpu_for_each_chunk_and_for_each_stream() -> None:
    seen = Measured(
        requests=10, seconds=1, p50_ms=981, p99_ms=990, errors=0, ttft_p50_ms=0.5, chunks=500
    )

    made = make_row(STREAMS, "nginx", "default", [Sample(seen, 0.01, 8.0)])

    assert (made.cpu_us_per_request, made.cpu_us_per_chunk, made.ttft_p50_ms) == (1000, 20, 0.5)
    assert made.cpu_us_by_turn == [20]


def test_what_nobody_measured_stays_empty() -> None:
    assert make_row(CALLS, "nginx", "default", []) == row("nginx")
    direct = make_row(CALLS, "direct", "default", [sample(100, cpu_s=None)])
    assert (direct.cpu_us_per_request, direct.rss_idle_mb, direct.ready_s) == (None, None, None)


def test_the_file_holds_one_object_a_row_with_the_promised_keys(tmp_path: Path) -> None:
    rows = [row("nginx", requests_per_s=1.5, errors=0), full()]

    write_results(rows, run(), tmp_path)

    written = json.loads((tmp_path / "latest.json").read_text())
    assert [list(item) for item in written] == [KEYS, KEYS]
    assert written[1]["mode"] == "full"
    assert read_results(tmp_path) == (rows, run())
