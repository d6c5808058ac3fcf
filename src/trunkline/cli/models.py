"""``trunkline models``: what an organisation may call, through which targets, and at what price."""

from typing import Annotated, get_args

import typer

from trunkline.cli.models_remove import remove
from trunkline.cli.output import AsJson, print_json, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.connections.adapter import SnapshotRoutes
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.errors import InvalidRequest
from trunkline.gateway.policy import TargetState
from trunkline.gateway.snapshot import Alias, Target
from trunkline.kit.money import format_usd
from trunkline.settings import read_variable

app = typer.Typer(add_completion=False)

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
]
STATES: dict[str, TargetState] = {state: state for state in get_args(TargetState)}


@app.callback(invoke_without_command=True)
def models(context: typer.Context, org: Org = None, as_json: AsJson = False) -> None:
    """List the published models, chat first, with prices in dollars for a million tokens."""
    if context.invoked_subcommand is None:
        _list(org, as_json=as_json)


@app.command()
def target(
    model: Annotated[str, typer.Argument(help="The public name.")],
    target: Annotated[
        str, typer.Argument(help="connection/model, or a connection for all targets at it.")
    ],
    state: Annotated[
        str,
        typer.Option(
            help="active; draining, for requests only when no active target is left; or disabled."
        ),
    ],
    org: Org = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="A model that all organisations share.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a target of a model take requests, or not. Streams under way end by themselves.

    It lasts until the model is written again, as by applying a file.
    """
    wanted = STATES.get(state)
    if wanted is None:
        raise InvalidRequest(
            f"A target is {', '.join(STATES)}, and never {state!r}.",
            code="invalid_value",
            param="state",
        )

    async def work(session: Session) -> bool:
        service = ConnectionService(clock=session.clock)
        async with session.database.write(None) as conn:
            owner = None if shared else (await choose_organisation(conn, org)).id
            return await service.set_target_state(
                conn, owner, model=model, target=target, state=wanted
            )

    changed = in_session(work)
    if as_json:
        print_json({"model": model, "target": target, "state": state, "changed": changed})
    else:
        typer.echo(f"{target} of {model} {'is' if changed else 'was already'} {state}.")


app.command()(remove)


def _list(org: str | None, *, as_json: bool) -> None:

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
        "targets": [_named(target) for target in alias.targets],
        "input": _dollars(first, "input"),
        "output": _dollars(first, "output"),
        "context": first.context_window,
        "max_output": first.max_output_tokens,
        "price_ref": first.price.ref if first.price else None,
    }


def _named(target: Target) -> str:
    name = f"{target.connection.name}/{target.model}"
    return name if target.state == "active" else f"{name} ({target.state})"


def _dollars(target: Target, bucket: str) -> str | None:
    """A decimal string; None where nobody knows the price, which is not the same as free."""
    rate: int | None = getattr(target.price.rates, bucket) if target.price else None
    return None if rate is None else format_usd(rate)
