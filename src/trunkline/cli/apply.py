"""``trunkline apply``: make the installation be as a configuration file says."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from trunkline.cli.applying import apply_in
from trunkline.cli.output import AsJson, print_json
from trunkline.cli.session import Session, in_session
from trunkline.configuration.apply import Applied
from trunkline.configuration.loading import load_file


def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="YAML file to apply.")],
    prune: Annotated[
        bool,
        typer.Option("--prune", help="Remove what the file does not name, and revoke such keys."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Apply a configuration file: all of it, or nothing where anything in it is wrong."""
    content = load_file(file)

    async def work(session: Session) -> Applied:
        return await apply_in(session, content, source=str(file), prune=prune)

    applied = in_session(work)
    if as_json:
        print_json({
            "changes": [msgspec.structs.asdict(change) for change in applied.changes],
            "issued": [issued._asdict() for issued in applied.issued],
        })  # fmt: skip
        return
    typer.echo(_summary(applied))
    for issued in applied.issued:
        typer.echo(f"{issued.organisation} {issued.key}: {issued.text}")
    if applied.issued:
        typer.echo("Keep these keys now: they cannot be shown again.", err=True)


def _summary(applied: Applied) -> str:
    if not applied.changes:
        return "Everything was as the file says; nothing was changed."
    kinds = [change.kind for change in applied.changes]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
    return f"Applied; changed: {counted}."
