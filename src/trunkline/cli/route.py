"""``trunkline route``: which target would serve a request, and why."""

import random
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from trunkline.cli.front import get, read_key
from trunkline.cli.output import AsJson, print_json, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.connections.adapter import SnapshotRoutes
from trunkline.connections.secrets import Secrets
from trunkline.errors import InvalidRequest
from trunkline.gateway.caller import Caller
from trunkline.gateway.routing.described import (
    NEEDS,
    Described,
    explain_described,
    read_needs,
    read_tag,
)
from trunkline.identity.service.organisations import find_team
from trunkline.settings import read_variable

app = typer.Typer(help="Find out where requests go.", no_args_is_help=True, add_completion=False)

COLUMNS = {
    "place": "#",
    "target": "Target",
    "circuit": "Circuit",
    "first_content": "First content s",
    "likely_cost": "Likely $",
    "why": "Why",
}


@app.callback()
def route() -> None:
    """Find out where requests go."""


@app.command()
def explain(
    model: Annotated[str, typer.Argument(help="The public name, or connection/model.")],
    org: Annotated[
        str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
    ] = None,
    team: Annotated[str | None, typer.Option(help="Slug of the caller's team.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Repeatable: NAME=VALUE of the key or the request.")
    ] = None,
    input_tokens: Annotated[int, typer.Option(help="Length of the input.", min=0)] = 0,
    max_tokens: Annotated[
        int | None, typer.Option(help="The output ceiling that the request names.", min=1)
    ] = None,
    needs: Annotated[
        str | None, typer.Option(help=f"Separated by commas: {', '.join(NEEDS)}.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="The end user that the request names.")] = None,
    conversation: Annotated[
        str | None, typer.Option(help="The conversation's id, as x-trunkline-conversation has it.")
    ] = None,
    goes_on: Annotated[
        bool, typer.Option("--goes-on", help="The conversation has an answer already.")
    ] = False,
    wire: Annotated[
        str | None, typer.Option(help="Format of the request, such as openai_chat.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Ask the server that runs there instead of the database.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File with the key for that server.")
    ] = None,
    key_env: Annotated[
        str | None, typer.Option(help="Variable with the key for that server.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the targets of a model in the order in which such a request tries them, and why.

    Without --url the answer comes from the database, and how the targets fare is not known.
    """
    described = Described(
        model=model,
        wire=wire,
        input_tokens=input_tokens,
        max_tokens=max_tokens,
        needs=read_needs(needs),
        tags=tuple(map(read_tag, tag or ())),
        user=user,
        conversation=conversation,
        goes_on=goes_on,
    )
    if url is None:
        told = in_session(lambda session: _offline(session, org, team, described))
    elif org is not None or team is not None:
        raise InvalidRequest(
            "A server answers for the key's own organisation and team.",
            param="org" if org is not None else "team",
            hint="Leave --org and --team out, and ask with a key of that team.",
        )
    else:
        told = get(url, "/api/routes/explain", _query(described), read_key(key_env, key_file))
    if as_json:
        print_json(told)
    else:
        _print(told, known=url is not None)


async def _offline(
    session: Session, org: str | None, team: str | None, described: Described
) -> dict[str, Any]:
    async with session.database.read(None) as conn:
        owner = await choose_organisation(conn, org)
        group = None if team is None else await find_team(conn, owner.id, team)
    routes = SnapshotRoutes(
        session.database, session.settings, Secrets(read_variable), clock=session.clock
    )
    await routes.load()
    caller = Caller(owner.id, key_id="", team_id=None if group is None else group.id)
    # Spreads load; nothing secret hangs on it.
    chance = random.Random()  # noqa: S311
    told = explain_described(described, caller, routes, None, chance)
    for problem in routes.problems:
        typer.secho(f"Note: {problem}.", fg="yellow", err=True)
    document: dict[str, Any] = msgspec.to_builtins(told)
    return document


def _query(described: Described) -> list[tuple[str, str]]:
    """What the API takes, in its own names; what was not said is left out."""
    said = {
        "model": described.model,
        "wire": described.wire,
        "input_tokens": described.input_tokens or None,
        "max_tokens": described.max_tokens,
        "needs": ",".join(sorted(described.needs)) or None,
        "user": described.user,
        "conversation": described.conversation,
        "goes_on": "true" if described.goes_on else None,
    }
    query = [(name, str(value)) for name, value in said.items() if value is not None]
    return query + [("tag", f"{name}={value}") for name, value in described.tags]


def _print(told: dict[str, Any], *, known: bool) -> None:
    chance = ", drawn by chance: another request may find another order"
    typer.echo(f"{told['model']}: {told['policy']}{chance if told['by_chance'] else ''}")
    for rule in told["rules"]:
        typer.echo(
            f"Rule {rule['rule']} {'holds' if rule['held'] else 'does not hold'}: {rule['why']}"
        )
    unknown = None if known else "not known here"
    rows = [
        row | {"circuit": row["circuit"] or unknown, "first_content": _rounded(row)}
        for row in told["targets"]
    ]
    show(rows, COLUMNS, as_json=False, empty="It has no target.")
    for fallback in told["fallbacks"]:
        targets = ", ".join(fallback["targets"]) or "nothing that can serve this"
        typer.echo(f"After {fallback['after']}: {fallback['model']} ({targets})")
    typer.echo(f"Facts: {_facts(told['facts'])}")


def _rounded(row: dict[str, Any]) -> str | None:
    """Seconds until the first content to a millisecond; None where nobody knows them any more."""
    seconds = row["first_content"]
    return None if seconds is None or seconds < 0.0005 else f"{seconds:.3f}"


def _facts(facts: dict[str, Any]) -> str:
    tags = ", ".join(f"{name}={value}" for name, value in facts["tags"])
    said = [
        f"team {facts['team_id']}" if facts["team_id"] else "no team",
        f"tags {tags}" if tags else "no tags",
        f"user {facts['user']}" if facts["user"] else "no user",
        f"conversation {facts['conversation']}" if facts["conversation"] else "no conversation",
        f"{facts['input_tokens']} input tokens",
        f"{facts['output_tokens']} output tokens expected",
        f"needs {', '.join(facts['needs'])}" if facts["needs"] else "needs nothing but text",
    ]
    return "; ".join(said)
