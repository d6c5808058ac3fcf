"""``trunkline worker``: what computes, in a process of its own."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.lean import lean_imports


def worker(
    data: Annotated[Path | None, typer.Option(help="Data directory.")] = None,
    beside_a_front: Annotated[
        bool, typer.Option(help="End when the parent process ends.", hidden=True)
    ] = False,
) -> None:
    """Ship the journal into the ledger and keep house, until SIGTERM or Ctrl+C."""
    from trunkline.settings import load_settings

    with lean_imports():
        from trunkline.worker import run_worker

    settings = load_settings(data_dir=data)
    asyncio.run(run_worker(settings, beside_a_front=beside_a_front))
