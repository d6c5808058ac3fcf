"""``trunkline organisations``: tenants, their teams and their members."""

from typing import Annotated

import typer
from msgspec.structs import asdict

from trunkline.cli.output import AsJson, format_time, print_json, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.configuration.references import known_to
from trunkline.connections.service import ConnectionService
from trunkline.identity.records import ROLES, Organisation, Team, User
from trunkline.identity.service import organisations, users

app = typer.Typer(
    help="Organisations, their teams and their members.",
    no_args_is_help=True,
    add_completion=False,
)

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
]
Slug = Annotated[str | None, typer.Option(help="Short name; without it one is made of the name.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name as people read it.")],
    slug: Slug = None,
    time_zone: Annotated[str, typer.Option(help="IANA name; days of quotas turn by it.")] = "UTC",
    tier: Annotated[str | None, typer.Option(help="Quota tier of its keys.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an organisation."""

    async def work(session: Session) -> Organisation:
        async with session.database.write(None) as conn:
            made = await organisations.create_organisation(
                conn, name=name, slug=slug, time_zone=time_zone, tier=tier, clock=session.clock
            )
            if tier is not None:
                service = await ConnectionService.from_settings(
                    session.settings, clock=session.clock
                )
                (await known_to(conn, service, made.id)).check_tier(tier)
            return made

    _made(in_session(work), as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List all organisations."""

    async def work(session: Session) -> list[Organisation]:
        async with session.database.read(None) as conn:
            return await organisations.list_organisations(conn)

    columns = {"slug": "Slug", "name": "Name", "time_zone": "Time zone", "tier": "Tier"}
    rows = [_described(row) for row in in_session(work)]
    show(rows, columns | {"id": "Id"}, as_json=as_json, empty="There is no organisation yet.")


@app.command()
def create_team(
    name: Annotated[str, typer.Argument(help="Name as people read it.")],
    org: Org = None,
    slug: Slug = None,
    as_json: AsJson = False,
) -> None:
    """Make a team in an organisation."""

    async def work(session: Session) -> Team:
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            return await organisations.create_team(
                conn, owner.id, name=name, slug=slug, clock=session.clock
            )

    _made(in_session(work), as_json=as_json)


@app.command()
def teams(org: Org = None, as_json: AsJson = False) -> None:
    """List the teams of an organisation."""

    async def work(session: Session) -> list[Team]:
        async with session.database.read(None) as conn:
            owner = await choose_organisation(conn, org)
            return await organisations.list_teams(conn, owner.id)

    rows = [_described(row) for row in in_session(work)]
    show(rows, {"slug": "Slug", "name": "Name", "id": "Id"}, as_json=as_json)


@app.command()
def create_user(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    org: Org = None,
    name: Annotated[str | None, typer.Option(help="Name as people read it.")] = None,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "member",
    as_json: AsJson = False,
) -> None:
    """Make a person a member of an organisation."""

    async def work(session: Session) -> User:
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            return await users.create_user(
                conn, owner.id, email=email, name=name, role=role, clock=session.clock
            )

    _made(in_session(work), as_json=as_json)


@app.command()
def members(org: Org = None, as_json: AsJson = False) -> None:
    """List the members of an organisation."""

    async def work(session: Session) -> list[tuple[User, str]]:
        async with session.database.read(None) as conn:
            owner = await choose_organisation(conn, org)
            return await users.list_members(conn, owner.id)

    rows = [_described(row) | {"role": role} for row, role in in_session(work)]
    show(rows, {"email": "E-mail", "name": "Name", "role": "Role", "id": "Id"}, as_json=as_json)


def _described(row: Organisation | Team | User) -> dict[str, object]:
    fields = asdict(row)
    return fields | {"created": format_time(fields.pop("created_ms"))}


def _made(row: Organisation | Team | User, *, as_json: bool) -> None:
    if as_json:
        print_json(_described(row))
    else:
        handle = row.email if isinstance(row, User) else row.slug
        typer.echo(f"{type(row).__name__} {handle} made: {row.id}")
