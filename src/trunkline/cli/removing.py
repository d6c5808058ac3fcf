"""Removing a rule of an organisation, the same for limits and budgets."""

from collections.abc import Awaitable, Callable

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.cli.output import print_json
from trunkline.cli.session import Session, choose_organisation, in_session

Remove = Callable[[AsyncConnection, str, str], Awaitable[None]]


def remove_rule(what: str, rule_id: str, remove: Remove, *, org: str | None, as_json: bool) -> None:
    """Remove a rule and say so.

    Args:
        what: the noun that people read, such as ``Limit``.
        rule_id: as the list shows it.
        remove: takes the connection, the organisation and the rule.
        org: slug, or None for the only organisation.
        as_json: whether a program reads the answer.
    """

    async def work(session: Session) -> None:
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            await remove(conn, owner.id, rule_id)

    in_session(work)
    if as_json:
        print_json({"removed": rule_id})
    else:
        typer.echo(f"{what} {rule_id} is removed.")
