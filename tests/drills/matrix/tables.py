"""The matrix for people: every call in a row of its own, and all ways of a fault in one row."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from tests.drills.matrix.calls import Outcome
from tests.drills.matrix.judging import place_of, promise_of
from tests.drills.matrix.offer import PATHS
from tests.drills.matrix.promises import MODES
from tests.product.books import spent

from trunkline.kit.money import format_usd


def print_calls(outcomes: Sequence[Outcome], console: Console) -> None:
    """One row for each call."""
    table = Table(title="The fault matrix, call by call: what was seen, tried, held and paid")
    for column in ("fault", "mode", "wire", "answer", "the client saw", "attempts"):
        table.add_column(column)
    for column in ("held $", "cost $", "bill $"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for outcome in outcomes:
        cell = outcome.cell
        table.add_row(
            cell.harm.label,
            cell.mode,
            PATHS[cell.path],
            _form(stream=cell.stream),
            _sight(outcome),
            ", ".join(_tries(outcome)),
            format_usd(sum(row["hold_nano"] or 0 for row in outcome.rows)),
            _cost(outcome),
            format_usd(sum(attempt.bill_nano for attempt in outcome.seen)),
            "; ".join(outcome.problems) or "[green]kept[/green]",
        )
    console.print(table)


def print_matrix(outcomes: Sequence[Outcome], console: Console) -> None:
    """One row for each fault and form of answer; both wires in one cell where they agree."""
    table = Table(title="The fault matrix: what the client saw, and the attempts it took")
    for column in ("fault", "answer", *MODES):
        table.add_column(column)
    cells: defaultdict[tuple[str, bool], defaultdict[str, list[str]]]
    cells = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        cell = outcome.cell
        told = f"{_sight(outcome)} ({len(outcome.rows)})"
        cells[cell.harm.label, cell.stream][cell.mode].append(told)
    for (label, stream), by_mode in cells.items():
        shown = [" | ".join(dict.fromkeys(by_mode[mode])) for mode in MODES]
        table.add_row(label, _form(stream=stream), *shown)
    console.print(table)


def _sight(outcome: Outcome) -> str:
    """Such as ``whole from 2``, ``error 502`` or ``begin, event``."""
    sight = promise_of(outcome.cell).sight
    if outcome.problems:
        return f"[red]{outcome.reading.summary}[/red]"
    if sight == "error":
        return f"error {outcome.reading.status}"
    return {"first": "whole from 1", "second": "whole from 2", "event": "begin, event"}[sight]


def _tries(outcome: Outcome) -> Iterable[str]:
    """Place of the target, reason and ending of each attempt."""
    for row in outcome.rows:
        yield f"{place_of(row)} {row['reason']} {row['ending']}"


def _cost(outcome: Outcome) -> str:
    """What was booked; with a tilde where an estimate is in it."""
    estimated = any(row["cost_state"] != "exact" for row in outcome.rows)
    return ("~" if estimated else "") + format_usd(spent(outcome.rows))


def _form(*, stream: bool) -> str:
    return "stream" if stream else "body"
