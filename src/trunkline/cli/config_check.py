"""``trunkline config validate`` and ``schema``: what can be said of a file without a database."""

from typing import Any

import typer
from msgspec.structs import asdict

from trunkline.cli.config_options import File
from trunkline.cli.exits import Exit
from trunkline.cli.output import AsJson, print_json
from trunkline.configuration.checking import check_file, notes_on
from trunkline.configuration.json_schema import configuration_schema
from trunkline.configuration.loading import load_file
from trunkline.configuration.problems import ConfigurationRefused, Problem


def validate(file: File, as_json: AsJson = False) -> None:
    """Check a file by itself: its shape, its policies, and what it names in itself.

    What it names and does not have is only noted: it may be in the installation already.
    """
    try:
        loaded = load_file(file)
        check_file(loaded)
    except ConfigurationRefused as error:
        if not as_json:
            raise
        print_json({"valid": False, "problems": _plain(error.problems, error.source), "notes": []})
        raise typer.Exit(Exit.REFUSED) from None
    notes = notes_on(loaded)
    if as_json:
        print_json({"valid": True, "problems": [], "notes": _plain(notes, str(file))})
        return
    for note in notes:
        typer.secho(f"Note: {note.told(str(file))}", fg="yellow", err=True)
    typer.echo(f"{file} is valid.")


def schema() -> None:
    """Print the JSON schema of a file, for editors: docs/configuration.md tells how."""
    print_json(configuration_schema())


def _plain(problems: tuple[Problem, ...], source: str) -> list[dict[str, Any]]:
    return [{"file": source} | asdict(problem) for problem in problems]
