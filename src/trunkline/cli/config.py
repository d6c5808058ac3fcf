"""``trunkline config``: the installation's configuration as something that is reviewed."""

import typer

from trunkline.cli.config_apply import apply, plan, rollback
from trunkline.cli.config_check import schema, validate
from trunkline.cli.config_export import export, versions
from trunkline.cli.config_import import import_litellm

app = typer.Typer(
    help="Plan, apply and review the configuration of the installation.",
    no_args_is_help=True,
    add_completion=False,
)
app.command()(validate)
app.command()(plan)
app.command()(apply)
app.command()(export)
app.command()(versions)
app.command()(rollback)
app.command()(schema)
app.command("import-litellm")(import_litellm)
