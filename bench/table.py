"""The table in the terminal: a block for each operation, a line for each candidate."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from bench.results import Row

_COLUMNS = (
    "c", "req/s", "p50\nms", "p99\nms", "TTFT\nms", "CPU us\n/request", "CPU us\n/chunk",
    "RSS\nidle MB", "RSS\npeak MB", "ready\ns", "errors",
)  # fmt: skip


def print_rows(rows: Sequence[Row], console: Console) -> None:
    """Print all rows, grouped by what was asked."""
    for title, group in grouped(rows).items():
        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        table.add_column("candidate", no_wrap=True)
        for column in _COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        concurrency = group[0].concurrency
        for row in group:
            if row.concurrency != concurrency:
                table.add_section()
                concurrency = row.concurrency
            table.add_row(row.title, *cells(row))
        console.print(table)


def grouped(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by operation and streaming, in their order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        title = f"{row.operation}, {'streamed' if row.stream else 'not streamed'}"
        groups.setdefault(title, []).append(row)
    return groups


def cells(row: Row) -> list[str]:
    """The figures of a row as text, without its name; a dash where there is none."""
    return [
        str(row.concurrency),
        _number(row.requests_per_s, 0 if (row.requests_per_s or 0) >= 100 else 1),
        _number(row.p50_ms, 2),
        _number(row.p99_ms, 2),
        _number(row.ttft_p50_ms, 2),
        _number(row.cpu_us_per_request, 0),
        _number(row.cpu_us_per_chunk, 1),
        _number(row.rss_idle_mb, 0),
        _number(row.rss_peak_mb, 0),
        _number(row.ready_s, 2),
        _number(row.errors, 0),
    ]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
