"""``trunkline keys``: credentials for callers."""

from typing import Annotated

import typer

from trunkline.cli.key_terms import check_known, described, read_expiry, read_tags
from trunkline.cli.keys_update import update
from trunkline.cli.output import AsJson, print_json, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.identity.pepper import load_pepper
from trunkline.identity.records import DEFAULT_SCOPES, SCOPES, IssuedKey, Key, KeyTerms
from trunkline.identity.secret import PREFIX, generate_key
from trunkline.identity.service import keys
from trunkline.identity.service.organisations import find_team
from trunkline.identity.service.users import find_user

app = typer.Typer(
    help="Make, list, change and revoke keys.", no_args_is_help=True, add_completion=False
)

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    org: Org = None,
    team: Annotated[str | None, typer.Option(help="Slug of the team that owns it.")] = None,
    user: Annotated[str | None, typer.Option(help="E-mail of the user who owns it.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Repeatable: {', '.join(SCOPES)}. By default {', '.join(DEFAULT_SCOPES)}."
        ),
    ] = None,
    alias: Annotated[
        list[str] | None, typer.Option(help="Repeatable: a model it may use. All by default.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Repeatable: NAME=VALUE for attribution.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Life such as 12h, 30d or 8w. For ever by default.")
    ] = None,
    tier: Annotated[str | None, typer.Option(help="Quota tier of its own.")] = None,
    cache: Annotated[
        bool | None,
        typer.Option(
            help="Whether it wants answers that were given before. The model's own by default."
        ),
    ] = None,
    buffered: Annotated[
        bool, typer.Option("--buffered", help="Hold its streams until they are whole.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it. It cannot be printed again.

    Inside an organisation each key that is not revoked has a name of its own.
    """

    async def work(session: Session) -> IssuedKey:
        settings = session.settings.key_pepper
        pepper = load_pepper(
            None if settings is None else settings.get_secret_value(), session.settings.data_dir
        )
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            if alias or tier:
                await check_known(session, conn, owner.id, aliases=alias or (), tier=tier)
            terms = KeyTerms(
                name=name,
                team_id=None if team is None else (await find_team(conn, owner.id, team)).id,
                user_id=None if user is None else (await find_user(conn, owner.id, user)).id,
                scopes=tuple(scope) if scope else DEFAULT_SCOPES,
                aliases=tuple(alias or ()),
                tags=read_tags(tag or ()),
                tier=tier,
                cache=cache,
                buffered=buffered,
                expires_ms=None if expires is None else read_expiry(expires, session.clock.now()),
            )
            return await keys.create_key(conn, owner.id, terms, pepper=pepper, clock=session.clock)

    issued = in_session(work)
    if as_json:
        print_json(described(issued.key) | {"api_key": issued.text})
        return
    typer.echo(issued.text)
    typer.echo("Keep it now: it is not stored and cannot be shown again.", err=True)


@app.command("list")
def list_all(org: Org = None, as_json: AsJson = False) -> None:
    """List the keys of an organisation, without their secrets."""

    async def work(session: Session) -> list[Key]:
        async with session.database.read(None) as conn:
            owner = await choose_organisation(conn, org)
            return await keys.list_keys(conn, owner.id)

    columns = {"key": "Key", "name": "Name", "scopes": "Scopes", "aliases": "Models"}
    columns |= {"tags": "Tags", "tier": "Tier", "cache": "Cache", "buffered": "Buffered"}
    columns |= {"created": "Created", "expires": "Expires"}
    rows = [described(key) for key in in_session(work)]
    show(rows, columns | {"revoked": "Revoked"}, as_json=as_json, empty="There is no key yet.")


app.command()(update)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Name, identifier, or what the list shows.")],
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a key from now on, everywhere, within a second."""

    async def work(session: Session) -> Key:
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            return await keys.revoke_key(conn, owner.id, key, clock=session.clock)

    revoked = in_session(work)
    if as_json:
        print_json(described(revoked))
    else:
        typer.echo(f"Key {PREFIX}{revoked.public_id} ({revoked.name}) is revoked.")


@app.command()
def generate() -> None:
    """Print the text of a key that nobody knows yet, for a configuration file."""
    typer.echo(generate_key().full)
