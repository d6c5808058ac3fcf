"""``trunkline circuit``: targets that are held open or closed by hand."""

from typing import Annotated

import typer
from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.circuits import service
from trunkline.circuits.records import HeldCircuit, HeldState
from trunkline.cli.output import AsJson, format_time, print_json, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.cli.stranded import stranded_models
from trunkline.connections.environment import environment_accounts

app = typer.Typer(
    help="Hold the circuits of targets open or closed, and let them go.",
    no_args_is_help=True,
    add_completion=False,
)

Connection = Annotated[str, typer.Argument(help="Name of the connection.")]
Model = Annotated[str, typer.Argument(help="Id of the model at the provider.")]
Org = Annotated[
    str | None,
    typer.Option("--org", help="Slug of the organisation whose own connection it is."),
]
NOT_HELD = (
    "No circuit {whose} is held. Those that calls opened: GET /api/providers/health of the server."
)
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for those who read it later.")]


@app.command("list")
def list_all(org: Org = None, as_json: AsJson = False) -> None:
    """List the circuits that are held: those of shared connections, or of an organisation's own.

    Circuits that calls opened are known to the server alone: GET /api/providers/health and
    trunkline route explain --url tell them.
    """

    async def work(session: Session) -> list[HeldCircuit]:
        async with session.database.read(None) as conn:
            return await service.list_held(conn, await _owner(conn, org))

    rows = [asdict(held) for held in in_session(work)]
    for row in rows:
        row["held_since"] = format_time(row.pop("created_ms"))
    columns = {"connection": "Connection", "model": "Model", "state": "Held"}
    columns |= {"reason": "Reason", "held_since": "Since"}
    whose = "of a shared connection" if org is None else f"of {org}'s own connections"
    show(rows, columns, as_json=as_json, empty=NOT_HELD.format(whose=whose))


@app.command("open")
def open_one(
    connection: Connection,
    model: Model,
    org: Org = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Send nothing to a target until its circuit is cleared; running calls go on.

    Requests go to the other targets of their model. Where none is left, callers get 503
    upstream_circuit_open, which says so, until somebody clears the circuit; the models that this
    concerns are told.
    """
    _hold(connection, model, "open", org=org, reason=reason, as_json=as_json)


@app.command("close")
def close_one(
    connection: Connection,
    model: Model,
    org: Org = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Ask a target however it fares, until its circuit is cleared."""
    _hold(connection, model, "closed", org=org, reason=reason, as_json=as_json)


@app.command()
def clear(connection: Connection, model: Model, org: Org = None, as_json: AsJson = False) -> None:
    """Leave a circuit to its calls again; it begins closed."""

    async def work(session: Session) -> HeldCircuit:
        async with session.database.write(None) as conn:
            return await service.release_circuit(conn, await _owner(conn, org), connection, model)

    _tell(in_session(work), "is left to its calls again", as_json=as_json)


def _hold(
    connection: str,
    model: str,
    state: HeldState,
    *,
    org: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    async def work(session: Session) -> tuple[HeldCircuit, list[str]]:
        environment = {account.row.name for account in environment_accounts(session.settings)}
        async with session.database.write(None) as conn:
            owner = await _owner(conn, org)
            held = await service.hold_circuit(
                conn,
                owner,
                connection,
                model,
                state,
                clock=session.clock,
                reason=reason,
                environment=environment,
            )
        if state == "closed":
            return held, []
        return held, await stranded_models(session, owner, connection, model)

    held, stranded = in_session(work)
    if as_json:
        print_json(asdict(held) | {"stranded": stranded})
        return
    _tell(held, f"is held {state}", as_json=False)
    if stranded:
        typer.secho(
            f"Note: no target is left for {', '.join(stranded)}. Undo it with: "
            f"trunkline circuit clear {connection} {model}{f' --org {org}' if org else ''}",
            fg="yellow",
            err=True,
        )


async def _owner(conn: AsyncConnection, org: str | None) -> str | None:
    """The organisation, or None for the connections that the operator shares with all."""
    return None if org is None else (await choose_organisation(conn, org)).id


def _tell(held: HeldCircuit, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(held))
    else:
        typer.echo(f"The circuit of {held.model} at {held.connection} {what}.")
