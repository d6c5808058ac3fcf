"""``trunkline cache``: answers that are given again."""

import typer

from trunkline.cli.cache_clear import clear
from trunkline.cli.cache_measure import measure

app = typer.Typer(help="Answers that are given again.", no_args_is_help=True, add_completion=False)


@app.callback()
def cache() -> None:
    """Answers that are given again."""


app.command()(clear)
app.command()(measure)
