"""``trunkline simulate``: the fake providers as a process of their own."""

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from trunkline.cli.exits import Exit

if TYPE_CHECKING:
    from trunkline.simulator import Simulator


def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8080,
    seed: Annotated[int, typer.Option(help="Same seed and request, same answer.")] = 0,
    speed: Annotated[
        float | None, typer.Option(help="Factor on the models' speeds, such as 10.", min=0.001)
    ] = None,
    transcripts: Annotated[
        Path | None,
        typer.Option(
            help="Folder of recorded transcripts to replay.", exists=True, file_okay=False
        ),
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="File that each ended attempt is appended to.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON instead of tables.")
    ] = False,
) -> None:
    """Run fake providers with faults on demand until SIGTERM or SIGINT."""
    import uvloop

    from trunkline.simulator import Simulator

    simulator = Simulator(
        seed=seed,
        host=host,
        port=port,
        speed=speed,
        transcripts=transcripts,
        ledger_file=ledger,
    )
    try:
        uvloop.run(_run(simulator, as_json=as_json))
    except OSError as error:
        # The loop writes a sentence of its own into the error; the number says it shorter.
        reason = os.strerror(error.errno) if error.errno else str(error)
        # Only an error about a file carries a name.
        what = f"write {error.filename}" if error.filename else f"listen on {host}:{port}"
        typer.echo(f"Cannot {what}: {reason}.", err=True)
        raise typer.Exit(Exit.FAILED) from None


async def _run(simulator: "Simulator", *, as_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await simulator.start()
    try:
        if as_json:
            _print_json(simulator.base_url)
        else:
            _print_tables(simulator.base_url)
        await stopping.wait()
    finally:
        await simulator.stop()


def _print_json(base_url: str) -> None:
    from trunkline.simulator.fault_table import FAULTS
    from trunkline.simulator.models import MODELS

    described = {
        "openai_base_url": f"{base_url}/v1",
        "anthropic_base_url": base_url,
        "control_url": f"{base_url}/_simulator",
        "models": MODELS,
        "faults": FAULTS,
    }
    typer.echo(msgspec.json.encode(described))


def _print_tables(base_url: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from trunkline.kit.money import format_usd
    from trunkline.simulator.fault_table import FAULTS
    from trunkline.simulator.models import MODELS, price_of

    models = Table("model", "wires", "first token", "tokens/s", "$ in/M", "$ out/M", title="Models")
    for model in MODELS:
        price = price_of(model)
        models.add_row(
            model.name,
            ", ".join(model.wires),
            f"{model.first_token * 1000:.0f} ms",
            f"{model.rate:.0f}" if model.rate else "at once",
            format_usd(price.input),
            format_usd(price.output),
        )
    faults = Table("fault", "meaning", "parameters", title="Faults")
    for row in FAULTS:
        faults.add_row(
            row.name,
            row.meaning,
            ", ".join(f"{name}={value:g}" for name, value in row.params.items()),
        )
    console = Console()
    console.print(models)
    console.print(faults)
    console.print(
        "A fault by the model's name: sim-fast+fault=cut_after_events;after=5", style="dim"
    )
    console.print(f"OpenAI base URL     {base_url}/v1", highlight=False)
    console.print(f"Anthropic base URL  {base_url}", highlight=False)
    console.print(f"Controls            {base_url}/_simulator/state", highlight=False)
