"""``python -m tests.drills.clients``: let real coding tools work through Trunkline."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.drills.clients import aider, claude_code, cline, codex, gemini_cli, opencode
from tests.drills.clients.dead_end import dead_end
from tests.drills.clients.errand import Client
from tests.drills.clients.offer import models_for, running_offer
from tests.drills.clients.packages import NotInstalled, install
from tests.drills.clients.page import PAGE, write_results
from tests.drills.clients.turn import Turn, take_turn

CLIENTS = (
    claude_code.CLIENT,
    codex.CLIENT,
    codex.IN_PLACE_OF_OPENAI,
    codex.WITH_PATCHES,
    opencode.CLIENT,
    opencode.RESPONSES,
    cline.CLIENT,
    aider.CLIENT,
    gemini_cli.CLIENT,
)
_SEED = 7


def main() -> int:
    """Run what was asked for; 1 when a client could not take its turn."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills.clients", description=__doc__)
    commands = sorted({client.package.program for client in CLIENTS})
    parser.add_argument("--only", choices=commands, help="one client instead of all")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--write", action="store_true", help=f"write the results into {PAGE.name}")
    chosen = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    clients = [c for c in CLIENTS if chosen.only in {None, c.package.program}]
    turns = asyncio.run(_drill(clients, chosen.cache / "trunkline-clients", console))
    _print(turns, console)
    if chosen.write and {turn.client for turn in turns} == set(CLIENTS):
        write_results(turns)
    return 0 if turns and not any(turn.problems for turn in turns) else 1


async def _drill(clients: list[Client], cache: Path, console: Console) -> list[Turn]:
    """Each client with each model, one after the other."""
    turns = []
    last = cache / "last-run"
    shutil.rmtree(last, ignore_errors=True)
    last.mkdir(parents=True)
    async with running_offer(last, _SEED) as product, dead_end() as proxy:
        for client in clients:
            try:
                program = await install(client.package, cache)
            except NotInstalled as error:
                console.print(f"{client.title} is left out: {error}")
                continue
            models = models_for(client.speaks, client.prefix)
            for pair in zip(models, (*models[1:], models[0]), strict=True):
                model, _ = pair
                room = last / client.title.replace(" ", "-") / model.name
                turn = await take_turn(client, program, pair, product, proxy, room)
                console.print(f"{client.title} with {model.name}: {turn.seconds:.1f} s")
                turns.append(turn)
    return turns


def _print(turns: list[Turn], console: Console) -> None:
    table = Table(
        "client", "its wire", "provider", "then", "calls", "seconds", "looked for", "outcome"
    )
    for turn in turns:
        table.add_row(
            f"{turn.client.title} {turn.client.package.version}",
            turn.client.speaks,
            turn.model.provider,
            turn.other.provider,
            str(turn.calls),
            f"{turn.seconds:.1f}",
            ", ".join(turn.outside),
            "[red]failed[/red]" if turn.problems else "[green]as it should[/green]",
        )
    console.print(table)
    for turn in turns:
        for problem in turn.problems:
            console.print(
                f"[red]{turn.client.title} with {turn.model.name}[/red]: {problem}", markup=True
            )


if __name__ == "__main__":
    sys.exit(main())
