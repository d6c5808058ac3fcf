"""``trunkline``: the root of the command line. A command's module is loaded when it is called."""

import importlib
import importlib.util
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from trunkline import __version__
from trunkline.cli.exits import Exit
from trunkline.cli.output import fail
from trunkline.errors import TrunklineError

# Name of the command -> module and attribute: a function, or a Typer with commands of its own.
COMMANDS = {
    "serve": "trunkline.cli.serve:serve",
    "demo": "trunkline.cli.demo:demo",
    "worker": "trunkline.cli.worker:worker",
    "simulate": "trunkline.cli.simulate:simulate",
    "organisations": "trunkline.cli.organisations:app",
    "keys": "trunkline.cli.keys:app",
    "models": "trunkline.cli.models:app",
    "route": "trunkline.cli.route:app",
    "guardrail": "trunkline.cli.guardrail:app",
    "circuit": "trunkline.cli.circuit:app",
    "limits": "trunkline.cli.limits:app",
    "budgets": "trunkline.cli.budgets:app",
    "usage": "trunkline.cli.usage:app",
    "cache": "trunkline.cli.cache:app",
    "config": "trunkline.cli.config:app",
    "doctor": "trunkline.cli.doctor:doctor",
}


class LazyGroup(TyperGroup):
    """A group that finds its commands in ``COMMANDS`` and loads the one that is asked for."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Typer offers near names from the keys of this mapping.
        self.commands = dict.fromkeys(self.list_commands(None))  # type: ignore[assignment] # get_command never reads it.

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return [
            name
            for name, target in COMMANDS.items()
            if importlib.util.find_spec(target.partition(":")[0]) is not None
        ]

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        if importlib.util.find_spec(module) is None:
            return None
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            only = typer.Typer(add_completion=False)
            only.command(cmd_name)(found)
            found = only
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command


def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """The line that every LLM call of an organisation runs through."""
    if version:
        typer.echo(f"trunkline {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and end the process with a code of ``Exit``."""
    app = typer.Typer(
        cls=LazyGroup,
        add_completion=False,
        # A traceback with the values of variables would show secrets.
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True, no_args_is_help=True)(root)
    try:
        typer.main.get_command(app).main(prog_name="trunkline")
    except TrunklineError as error:
        sys.exit(fail(error, as_json="--json" in sys.argv))
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    main()
