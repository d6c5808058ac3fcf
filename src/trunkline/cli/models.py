"""``trunkline models``: what an organisation may call, through which targets, and at what price."""

from typing import Annotated

import typer

from trunkline.cli.output import AsJson, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.connections.adapter import SnapshotRoutes
from trunkline.connections.secrets import Secrets
from trunkline.gateway.snapshot import Alias, Target
from trunkline.kit.money import format_usd
from trunkline.settings import read_variable

app = typer.Typer(add_completion=False)


@app.command()
def models(
    org: Annotated[
        str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the published models, chat first, with prices in dollars for a million tokens."""

    async def work(session: Session) -> tuple[list[Alias], tuple[str, ...]]:
        async with session.database.read(None) as conn:
            owner = await choose_organisation(conn, org)
        routes = SnapshotRoutes(
            session.database, session.settings, Secrets(read_variable), clock=session.clock
        )
        await routes.load()
        published = routes.snapshot(owner.id).aliases.values()
        return sorted(published, key=lambda alias: alias.kind != "chat"), routes.problems

    aliases, problems = in_session(work)
    show(
        [_described(alias) for alias in aliases],
        {
            "model": "Model",
            "kind": "Kind",
            "targets": "Targets",
            "input": "Input $",
            "output": "Output $",
            "context": "Context",
        },
        as_json=as_json,
        empty="No model is published yet; set a provider's key, or see docs/configuration.md.",
    )
    for problem in problems:
        typer.secho(f"Note: {problem}.", fg="yellow", err=True)


def _described(alias: Alias) -> dict[str, object]:
    """The prices and the context are those of the first target, which is tried first."""
    first = alias.targets[0]
    return {
        "model": alias.name,
        "kind": alias.kind,
        "targets": [f"{target.connection.name}/{target.model}" for target in alias.targets],
        "input": _dollars(first, "input"),
        "output": _dollars(first, "output"),
        "context": first.context_window,
        "max_output": first.max_output_tokens,
        "price_ref": first.price.ref if first.price else None,
    }


def _dollars(target: Target, bucket: str) -> str | None:
    """A decimal string; None where nobody knows the price, which is not the same as free."""
    rate: int | None = getattr(target.price.rates, bucket) if target.price else None
    return None if rate is None else format_usd(rate)
