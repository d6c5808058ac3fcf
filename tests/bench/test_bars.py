"""The bar against figures on both sides of it."""

from typing import Any

import pytest
from bench.bars import judge
from bench.results import Row
from tests.bench.rows import full, row


def figures(*, full_rate: float, full_chunk: float, full_p50: float, failures: int) -> list[Row]:
    stream: dict[str, Any] = {"stream": True, "concurrency": 100}
    return [
        row("nginx", requests_per_s=40_000.0),
        row("litellm", requests_per_s=100.0),
        full(requests_per_s=full_rate, rss_idle_mb=82.0, ready_s=0.6),
        row("nginx", cpu_us_per_chunk=16.0, **stream),
        row("litellm", cpu_us_per_chunk=1000.0, **stream),
        full(cpu_us_per_chunk=full_chunk, **stream),
        row("direct", concurrency=1, p50_ms=0.1),
        full(concurrency=1, p50_ms=full_p50),
        full(stream=True, concurrency=400, errors=failures),
    ]


def test_good_figures_meet_every_demand() -> None:
    bars = judge(figures(full_rate=7_000, full_chunk=32, full_p50=0.4, failures=0))

    assert [bar.measured for bar in bars] == [
        "0.175", "70", "2", "31.2", "0.3 ms", "82 MB", "0.6 s", "0 failures",
    ]  # fmt: skip
    assert all(bar.met for bar in bars)


def test_bad_figures_meet_none_of_them() -> None:
    bars = judge(figures(full_rate=4_000, full_chunk=64, full_p50=0.9, failures=1))

    assert [bar.met for bar in bars] == [False, False, False, False, False, True, True, False]


def test_a_failure_of_either_wire_counts() -> None:
    messages = full(operation="messages", stream=True, concurrency=400, errors=3)

    bars = judge([*figures(full_rate=1, full_chunk=1, full_p50=1, failures=1), messages])

    assert bars[-1].measured == "4 failures"


@pytest.mark.parametrize("rows", [[], [full()], [row("nginx", requests_per_s=0.0), full()]])
def test_nothing_is_said_of_what_was_not_measured(rows: list[Row]) -> None:
    assert {(bar.measured, bar.met) for bar in judge(rows)} == {("not measured", None)}
