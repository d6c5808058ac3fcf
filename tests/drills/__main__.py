"""``python -m tests.drills``: run the drills and print their verdicts."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.drills import (
    configuration,
    failover,
    faults,
    flight,
    freeze,
    kill,
    quota,
    sigterm,
    soak,
)
from tests.drills.budgets import drill as budgets
from tests.drills.matrix import drill as matrix
from tests.drills.verdict import Drill, Surroundings, Verdict

DRILLS: Mapping[str, Drill] = {
    "faults": faults.drill,
    "matrix": matrix.drill,
    "budgets": budgets.drill,
    "kill": kill.drill,
    "sigterm": sigterm.drill,
    "quota": quota.drill,
    "freeze": freeze.drill,
    "failover": failover.drill,
    "flight": flight.drill,
    "configuration": configuration.drill,
    "soak": soak.drill,
}


def main() -> int:
    """Run what was asked for; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="of everything drawn by chance")
    parser.add_argument("--only", choices=DRILLS, help="one drill instead of all")
    parser.add_argument("--soak-minutes", type=float, default=30.0, help="length of the soak")
    chosen = parser.parse_args()
    # A terminal's own width, and a stated one where the output is a file.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    names = [chosen.only] if chosen.only else list(DRILLS)
    verdicts: list[Verdict] = []
    for name in names:
        console.print(f"[bold]{name}[/bold] (seed {chosen.seed})")
        verdicts += _run(DRILLS[name], chosen.seed, chosen.soak_minutes, console)
    _print(verdicts, console)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _run(drill: Drill, seed: int, soak_minutes: float, console: Console) -> list[Verdict]:
    directory = Path(tempfile.mkdtemp(prefix="trunkline-drill-"))
    try:
        return asyncio.run(drill(Surroundings(seed, directory, console, soak_minutes)))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _print(verdicts: list[Verdict], console: Console) -> None:
    table = Table("drill", "figures", "verdict", title="Drills")
    for verdict in verdicts:
        said = "[green]kept[/green]" if verdict.passed else "[red]broken[/red]"
        table.add_row(verdict.name, verdict.figures, said)
    console.print(table)
    for verdict in verdicts:
        for problem in verdict.problems:
            console.print(f"[red]{verdict.name}[/red]: {problem}")


if __name__ == "__main__":
    sys.exit(main())
