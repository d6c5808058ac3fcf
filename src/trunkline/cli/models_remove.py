"""``trunkline models remove``: a published model that nobody may call any more."""

import sys
from collections.abc import AsyncIterator
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.cli.output import AsJson, print_json
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.connections.service import ConnectionService
from trunkline.identity.records import Organisation
from trunkline.identity.service.keys import list_keys
from trunkline.identity.service.organisations import list_organisations
from trunkline.limits.service import list_budgets, list_limits


def remove(
    model: Annotated[str, typer.Argument(help="The public name.")],
    org: Annotated[
        str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
    ] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="A model that all organisations share.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before removing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a published model, everywhere, within a second; running requests go on.

    On a terminal nothing is done without a yes. A model that another one falls back to or embeds
    with is not removed. A configuration file that names it publishes it again.
    """

    async def look(session: Session) -> list[str]:
        service = await ConnectionService.from_settings(session.settings, clock=session.clock)
        async with session.database.read(None) as conn:
            owner = None if shared else await choose_organisation(conn, org)
            await service.model(conn, _id_of(owner), model)
            return [line async for line in _consequences(conn, service, owner, model)]

    async def work(session: Session) -> None:
        service = await ConnectionService.from_settings(session.settings, clock=session.clock)
        async with session.database.write(None) as conn:
            owner = None if shared else await choose_organisation(conn, org)
            await service.delete_model(conn, _id_of(owner), model)

    for line in in_session(look):
        typer.secho(f"Note: {line}.", fg="yellow", err=True)
    asks = not (yes or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
    if asks and not typer.confirm(f"Remove the model {model}?"):
        return
    in_session(work)
    if as_json:
        print_json({"removed": model})
    else:
        typer.echo(f"The model {model} is removed.")


def _id_of(owner: Organisation | None) -> str | None:
    return None if owner is None else owner.id


async def _consequences(
    conn: AsyncConnection, service: ConnectionService, owner: Organisation | None, model: str
) -> AsyncIterator[str]:
    """What callers will meet, and who names the model."""
    if model in await service.names_behind(conn, _id_of(owner)):
        yield "another model of this name is behind it and will serve in its place"
        return
    for organisation in [owner] if owner else await list_organisations(conn):
        own = await service.models(conn, organisation.id) if owner is None else ()
        if any(row.name == model for row in own):
            continue
        keys = [
            f"key {key.name!r}"
            for key in await list_keys(conn, organisation.id)
            if key.revoked_ms is None and model in key.aliases
        ]
        rules = [
            f"{noun} {rule.id}"
            for noun, found in (
                ("limit", await list_limits(conn, organisation.id)),
                ("budget", await list_budgets(conn, organisation.id)),
            )
            for rule in found
            if (rule.scope, rule.scope_id) == ("alias", model)
        ]
        if keys or rules:
            yield f"{organisation.slug} names it still: {', '.join((*keys, *rules))}"
