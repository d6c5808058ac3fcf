"""How commands speak: tables for people, one JSON document for programs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from trunkline.cli.exits import exit_for
from trunkline.errors import TrunklineError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

WIDE = 240  # Columns of a table that goes to a file or a pipe, where nothing may be cut.


def show(
    rows: Sequence[dict[str, Any]],
    columns: dict[str, str],
    *,
    as_json: bool,
    empty: str = "Nothing to show.",
) -> None:
    """Print records as a JSON array, or some of their fields as a table.

    Args:
        rows: records of JSON values.
        columns: field of the record -> heading, in the order of the table.
        as_json: chooses the array, with all fields.
        empty: what people read instead of an empty table.
    """
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo(empty)
    else:
        _print_table(rows, columns)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def fail(error: TrunklineError, *, as_json: bool) -> int:
    """Print an error on standard error; the exit code of the command."""
    if as_json:
        told = {"code": error.code, "message": error.message, "hint": error.hint}
        told |= {"param": error.param}
        typer.echo(msgspec.json.encode({"error": told}).decode(), err=True)
    else:
        typer.secho(f"Error: {error.message}", fg="red", err=True)
        if error.reference:
            typer.echo(f"  {error.reference}", err=True)
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
    return int(exit_for(error))


def format_time(unix_ms: int | None) -> str | None:
    """RFC 3339 in UTC, to the second."""
    if unix_ms is None:
        return None
    return datetime.fromtimestamp(unix_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_table(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        # Text, because a name in square brackets is not markup of ours.
        table.add_row(*(Text(_cell(row[field])) for field in columns))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)
