"""The table in the terminal and the page made of the same rows."""

from pathlib import Path

import pytest
from bench.document import PAGE, render, render_kept
from bench.results import FOLDER, read_results, write_results
from bench.table import cells, grouped, print_rows
from rich.console import Console
from tests.bench.rows import full, row, run

ROWS = [
    row("nginx", requests_per_s=44_123.4, p50_ms=0.512, cpu_us_per_request=18.2, errors=0),
    full(requests_per_s=7_000.0, p50_ms=4.0, cpu_us_per_request=105.0, errors=0),
    row("litellm"),
    row("nginx", stream=True, concurrency=100, cpu_us_per_chunk=16.0),
    full(stream=True, concurrency=100, cpu_us_per_chunk=32.0),
]


def test_figures_are_written_with_as_many_digits_as_mean_something() -> None:
    assert cells(ROWS[0]) == ["32", "44,123", "0.51", "-", "-", "18", "-", "-", "-", "-", "0"]
    assert cells(row("litellm", requests_per_s=12.34))[1] == "12.3"


def test_rows_are_grouped_by_operation_and_streaming() -> None:
    assert {title: len(rows) for title, rows in grouped(ROWS).items()} == {
        "chat, not streamed": 3,
        "chat, streamed": 2,
    }


def test_the_table_names_every_candidate_in_full() -> None:
    console = Console(width=126, record=True, quiet=False, force_terminal=False)

    print_rows(ROWS, console)

    lines = [line.split() for line in console.export_text().splitlines()]
    assert [line[0] for line in lines if line and line[0] in {"nginx", "trunkline", "litellm"}] == [
        "nginx", "trunkline", "litellm", "nginx", "trunkline",
    ]  # fmt: skip
    assert ["trunkline", "full", "32", "7,000"] in [line[:4] for line in lines]


def test_the_page_tells_ratios_demands_and_reasons() -> None:
    page = render(ROWS, run())

    assert "| chat, not streamed, c = 32 | trunkline full | 0.159 | - |" in page
    assert "| chat, streamed, c = 100 | trunkline full | 2 | - |" in page
    assert "(aim 0.18) | 0.159 | met |" in page
    assert "- portkey (all): node is not installed" in page
    assert "- Key check: seen." in page
    assert "## Translated calls" not in page


def test_the_page_tells_what_translating_costs_and_when_it_was_measured() -> None:
    measured = [
        full(operation="chat", stream=True, concurrency=100, cpu_us_per_chunk=40.0),
        full(operation="chat_to_gemini", stream=True, concurrency=100, cpu_us_per_chunk=50.0),
    ]

    page = render(ROWS, run(), (measured, run(began="2026-11-22 02:00 UTC", commit="def5678")))

    assert "Measured on 2026-11-22 02:00 UTC: a machine; commit def5678; 5 rounds." in page
    assert (
        "| chat_to_gemini, streamed, c = 100: at most 3 times the CPU of the same call passed "
        "| 1.25 | met |"
    ) in page
    assert "| chat_to_gemini, streamed, c = 100 | CPU µs / chunk | 40.0 | 50.0 | 1.25 |" in page


def test_the_page_tells_what_policies_and_cache_cost() -> None:
    measured = [
        full(operation="chat", cpu_us_per_request=200.0),
        full(operation="chat_cached_hit", cpu_us_per_request=100.0),
        full(operation="chat_guarded", cpu_us_per_request=300.0),
    ]

    page = render(ROWS, run(), None, (measured, run(proofs=["Hits: seen."])))

    assert (
        "| chat_cached_hit, not streamed, c = 32: at most 0.6 times the CPU of the same call "
        "passed | 0.5 | met |"
    ) in page
    assert (
        "| chat_guarded, not streamed, c = 32 | CPU µs / request | 200.0 | 300.0 | 1.50 |" in page
    )
    assert "| chat_cached_hit | 32 | - | - | - | - | 100 | - | - | - | - | - |" in page
    assert "- Hits: seen." in page


def test_a_page_is_made_of_what_is_kept(tmp_path: Path) -> None:
    write_results(ROWS, run(), tmp_path)
    other, another = tmp_path / "translated", tmp_path / "resilient"
    without = render_kept(tmp_path, other, another)
    write_results(ROWS, run(), other)
    write_results(ROWS[:2], run(), another)

    assert without == render(ROWS, run())
    assert render_kept(tmp_path, other, another) == render(
        ROWS, run(), (ROWS, run()), (ROWS[:2], run())
    )


def test_the_page_in_docs_is_what_the_kept_results_say() -> None:
    if not (FOLDER / "latest.json").exists():
        pytest.skip("no run is kept in bench/results")
    if read_results()[1].quick:
        pytest.skip("the last run was the short one, of which no page is made")
    assert PAGE.read_text() == render_kept()
