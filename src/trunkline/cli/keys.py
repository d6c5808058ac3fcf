"""``trunkline keys``: credentials for callers."""

import re
from typing import Annotated

import typer
from msgspec.structs import asdict

from trunkline.cli.output import AsJson, format_time, print_json, show
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.configuration.references import known_to
from trunkline.connections.service import ConnectionService
from trunkline.errors import InvalidRequest
from trunkline.identity.pepper import load_pepper
from trunkline.identity.records import DEFAULT_SCOPES, SCOPES, IssuedKey, Key, KeyTerms
from trunkline.identity.secret import PREFIX, generate_key
from trunkline.identity.service import keys
from trunkline.identity.service.organisations import find_team
from trunkline.identity.service.users import find_user

app = typer.Typer(help="Make, list and revoke keys.", no_args_is_help=True, add_completion=False)

MILLISECONDS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

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
    """Make a key and print it. It cannot be printed again."""

    async def work(session: Session) -> IssuedKey:
        settings = session.settings.key_pepper
        pepper = load_pepper(
            None if settings is None else settings.get_secret_value(), session.settings.data_dir
        )
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            if alias or tier:
                # A slip of the pen would make a key that can use nothing, or that counts nothing.
                service = await ConnectionService.from_settings(
                    session.settings, clock=session.clock
                )
                known = await known_to(conn, service, owner.id)
                known.check_tier(tier)
                for public in alias or ():
                    known.check_model(public)
            terms = KeyTerms(
                name=name,
                team_id=None if team is None else (await find_team(conn, owner.id, team)).id,
                user_id=None if user is None else (await find_user(conn, owner.id, user)).id,
                scopes=tuple(scope) if scope else DEFAULT_SCOPES,
                aliases=tuple(alias or ()),
                tags=_tags(tag or []),
                tier=tier,
                cache=cache,
                buffered=buffered,
                expires_ms=_expiry(expires, session.clock.now()),
            )
            return await keys.create_key(conn, owner.id, terms, pepper=pepper, clock=session.clock)

    issued = in_session(work)
    if as_json:
        print_json(_described(issued.key) | {"api_key": issued.text})
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
    rows = [_described(key) for key in in_session(work)]
    show(rows, columns | {"revoked": "Revoked"}, as_json=as_json, empty="There is no key yet.")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Identifier, or what the list shows.")],
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
        print_json(_described(revoked))
    else:
        typer.echo(f"Key {PREFIX}{revoked.public_id} ({revoked.name}) is revoked.")


@app.command()
def generate() -> None:
    """Print the text of a key that nobody knows yet, for a configuration file."""
    typer.echo(generate_key().full)


def _described(key: Key) -> dict[str, object]:
    fields = asdict(key)
    fields["key"] = f"{PREFIX}{fields.pop('public_id')}"
    for name in ("created", "expires", "revoked"):
        fields[name] = format_time(fields.pop(f"{name}_ms"))
    return fields


def _tags(given: list[str]) -> dict[str, str]:
    tags = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            raise InvalidRequest(
                f"tag: {text!r} is not NAME=VALUE.", code="invalid_value", param="tag"
            )
        tags[name] = value
    return tags


def _expiry(text: str | None, now: float) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text)
    if match is None:
        raise InvalidRequest(
            f"expires: {text!r} is not a life such as 12h, 30d or 8w.",
            code="invalid_value",
            param="expires",
        )
    return int(now * 1000) + int(match[1]) * MILLISECONDS[match[2]]
