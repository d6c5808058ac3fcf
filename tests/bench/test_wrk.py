"""What the script of wrk prints, and what is read of it."""

import pytest
from bench.load.measured import Measured
from bench.load.wrk import parse_report
from bench.processes import Unable

OUTPUT = """Running 2s test @ http://127.0.0.1:1/
  2 threads and 32 connections
{"requests": 1000, "duration_us": 2000000, "p50_us": 310, "p99_us": 1340, "status": 3, "socket": 2}
"""


def test_the_last_line_is_the_report() -> None:
    assert parse_report(OUTPUT) == Measured(
        requests=997, seconds=2.0, p50_ms=0.31, p99_ms=1.34, errors=5
    )


def test_without_an_answer_there_are_no_times() -> None:
    silent = '{"requests": 0, "duration_us": 1, "p50_us": 0, "p99_us": 0, "status": 0, "socket": 9}'

    measured = parse_report(silent)

    assert (measured.p50_ms, measured.p99_ms, measured.errors) == (None, None, 9)


def test_a_failure_is_told_in_the_words_of_wrk() -> None:
    with pytest.raises(Unable, match="unable to connect"):
        parse_report("Running\n", "unable to connect to 127.0.0.1:1")
