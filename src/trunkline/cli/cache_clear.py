"""``trunkline cache clear``: kept answers are forgotten."""

from typing import Annotated

import typer

from trunkline.cache import service
from trunkline.cli.output import AsJson, print_json
from trunkline.cli.session import Session, choose_organisation, in_session


def clear(
    model: Annotated[
        str | None, typer.Option("--model", help="Public name of the model whose answers go.")
    ] = None,
    prefix: Annotated[
        str | None, typer.Option("--prefix", help="Beginning of the names of such models.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All answers of the organisation.")
    ] = False,
    org: Annotated[
        str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have every running front forget kept answers, within a second."""

    async def work(session: Session) -> str:
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            begun = service.beginning(owner.id, model=model, prefix=prefix, everything=everything)
            await service.tell(conn, owner.id, begun)
            return owner.slug

    slug = in_session(work)
    told = {"organisation": slug, "model": model, "prefix": prefix, "all": everything}
    if as_json:
        print_json(told)
    else:
        which = f"of {model}" if model else f"of {prefix}..." if prefix else "of all models"
        typer.echo(f"Kept answers {which} are forgotten for {slug}.")
