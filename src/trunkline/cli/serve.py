"""``trunkline serve``: the front, with the worker as a child process."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.lean import lean_imports
from trunkline.cli.output import fail
from trunkline.errors import TrunklineError


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes any.")] = None,
    data: Annotated[Path | None, typer.Option(help="Data directory.")] = None,
    roles: Annotated[
        str | None, typer.Option(help="Comma-separated: gateway, control, worker.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file that is applied before the start.")
    ] = None,
) -> None:
    """Serve until SIGTERM or Ctrl+C.

    Exit codes: 0 stopped in order, 1 a defect, 4 the settings or the configuration are refused,
    5 the database does not answer, or nothing can listen at the address.
    """
    with lean_imports():
        from trunkline.cli.processes import run_roles
    from trunkline.settings import load_settings

    settings = load_settings(host=host, port=port, data_dir=data, roles=roles, config_file=config)
    try:
        run_roles(settings)
    except TrunklineError as error:
        sys.exit(fail(error, as_json=False))
