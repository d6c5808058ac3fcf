"""The bar: what the figures of *full* have to reach, and whether they do."""

from collections.abc import Callable, Sequence

import msgspec

from bench.results import Row


class Bar(msgspec.Struct, frozen=True):
    """One demand.

    Attributes:
        measured: the figure as text, or why there is none.
        met: None where it cannot be said.
    """

    demand: str
    measured: str
    met: bool | None


def judge(rows: Sequence[Row]) -> list[Bar]:
    """All demands against the rows of a run."""
    figures = _Figures(rows)
    full, nginx = "trunkline full", "nginx"
    bars = [
        figures.ratio(
            "Not streamed, c = 32: at least 0.15 of nginx's requests per second (aim 0.18)",
            lambda at: at(full, 32).requests_per_s, lambda at: at(nginx, 32).requests_per_s,
            at_least=0.15,
        ),
        figures.ratio(
            "Not streamed, c = 32: at least 50 times LiteLLM's requests per second",
            lambda at: at(full, 32).requests_per_s, lambda at: at("litellm", 32).requests_per_s,
            at_least=50,
        ),
        figures.ratio(
            "Streams: at most 2.5 times nginx's CPU per chunk",
            lambda at: at(full, 100, stream=True).cpu_us_per_chunk,
            lambda at: at(nginx, 100, stream=True).cpu_us_per_chunk,
            at_most=2.5,
        ),
        figures.ratio(
            "Streams: at least 25 times less CPU per chunk than LiteLLM",
            lambda at: at("litellm", 100, stream=True).cpu_us_per_chunk,
            lambda at: at(full, 100, stream=True).cpu_us_per_chunk,
            at_least=25,
        ),
    ]  # fmt: skip
    alone, direct = figures.row(full, 1), figures.row("direct", 1)
    added = _minus(alone.p50_ms, direct.p50_ms)
    idle = figures.row(full, 32)
    return [
        *bars,
        _at_most("c = 1: at most 0.4 ms added at p50", added, 0.4, "ms"),
        _at_most("The gateway role is at most 90 MB when idle", idle.rss_idle_mb, 90, "MB"),
        _at_most("The gateway role is ready within 2 s", idle.ready_s, 2, "s"),
        _at_most("400 streams without a failure", _failures(rows), 0, "failures"),
    ]


class _Figures:
    """Rows of the chat operation by title, concurrency and streaming; absent ones are empty."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = {
            (row.title, row.concurrency, row.stream): row for row in rows if row.operation == "chat"
        }

    def row(self, title: str, concurrency: int, *, stream: bool = False) -> Row:
        absent = Row(title, "default", "chat", stream, concurrency)
        return self._rows.get((title, concurrency, stream), absent)

    def ratio(
        self,
        demand: str,
        above: Callable[[Callable[..., Row]], float | None],
        below: Callable[[Callable[..., Row]], float | None],
        *,
        at_least: float | None = None,
        at_most: float | None = None,
    ) -> Bar:
        upper, lower = above(self.row), below(self.row)
        if upper is None or not lower:
            return Bar(demand, "not measured", None)
        ratio = upper / lower
        met = ratio >= at_least if at_least is not None else ratio <= (at_most or 0)
        return Bar(demand, f"{ratio:.3g}", met)


def _at_most(demand: str, value: float | None, most: float, unit: str) -> Bar:
    if value is None:
        return Bar(demand, "not measured", None)
    return Bar(demand, f"{value:.3g} {unit}", value <= most)


def _failures(rows: Sequence[Row]) -> int | None:
    """Of all cases in which *full* serves 400 streams at once."""
    errors = [
        row.errors
        for row in rows
        if row.stream and row.concurrency == 400 and row.title == "trunkline full"
    ]
    return sum(error or 0 for error in errors) if errors and None not in errors else None


def _minus(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other
