"""``trunkline keys update``: what a key may do, from now on."""

from typing import Annotated, Any

import typer
from msgspec.structs import replace

from trunkline.cli.key_terms import check_known, described, read_expiry, read_tags
from trunkline.cli.output import AsJson, print_json
from trunkline.cli.session import Session, choose_organisation, in_session
from trunkline.errors import InvalidRequest
from trunkline.identity.records import SCOPES, Key, KeyTerms
from trunkline.identity.secret import PREFIX
from trunkline.identity.service.key_names import find_key
from trunkline.identity.service.keys import update_key

NEVER = "never"


def update(
    key: Annotated[str, typer.Argument(help="Name, identifier, or what the list shows.")],
    org: Annotated[
        str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"Repeatable: all that it may do, of {', '.join(SCOPES)}."),
    ] = None,
    alias: Annotated[
        list[str] | None, typer.Option(help="Repeatable: all the models that it may use.")
    ] = None,
    all_models: Annotated[
        bool, typer.Option("--all-models", help="Let it use every model again.")
    ] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Repeatable: NAME=VALUE sets a tag, NAME= takes it away."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help=f"Life from now on, such as 12h, 30d or 8w, or {NEVER}.")
    ] = None,
    tier: Annotated[str | None, typer.Option(help="Quota tier of its own.")] = None,
    no_tier: Annotated[
        bool, typer.Option("--no-tier", help="Give it the tier of its organisation.")
    ] = False,
    cache: Annotated[
        bool | None, typer.Option(help="Whether it wants answers that were given before.")
    ] = None,
    cache_of_model: Annotated[
        bool, typer.Option("--cache-of-model", help="Leave that to the model.")
    ] = False,
    buffered: Annotated[
        bool | None, typer.Option(help="Whether its streams are held until they are whole.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a key, everywhere, within a second. Its text stays, and so does all that is not given.

    A configuration file that names the key has the last word when it is applied again.
    """
    for flag, given, option in (
        (all_models, alias, "alias"),
        (no_tier, tier, "tier"),
        (cache_of_model, cache, "cache"),
    ):
        if flag and given is not None:
            raise InvalidRequest(f"Say {option} in one way only.", param=option)
    wanted: dict[str, Any] = {
        "name": name,
        "scopes": tuple(scope) if scope else None,
        "aliases": () if all_models else tuple(alias) if alias else None,
        "buffered": buffered,
    }
    changes = {field: value for field, value in wanted.items() if value is not None}
    changes |= {"tier": tier} if tier or no_tier else {}
    changes |= {"cache": cache} if cache is not None or cache_of_model else {}
    if not (changes or tag or expires):
        raise InvalidRequest(
            "Nothing is to be changed.",
            code="nothing_to_change",
            hint="trunkline keys update --help shows what can be.",
        )

    async def work(session: Session) -> Key:
        async with session.database.write(None) as conn:
            owner = await choose_organisation(conn, org)
            if alias or tier:
                await check_known(session, conn, owner.id, aliases=alias or (), tier=tier)
            found = await find_key(conn, owner.id, key)
            terms = replace(_terms_of(found), **changes)
            if tag:
                terms = replace(terms, tags=_tagged(terms.tags, read_tags(tag)))
            if expires:
                ends = None if expires == NEVER else read_expiry(expires, session.clock.now())
                terms = replace(terms, expires_ms=ends)
            return await update_key(conn, found, terms, clock=session.clock)

    changed = in_session(work)
    if as_json:
        print_json(described(changed))
    else:
        typer.echo(f"Key {PREFIX}{changed.public_id} ({changed.name}) is changed.")


def _terms_of(key: Key) -> KeyTerms:
    return KeyTerms(**{field: getattr(key, field) for field in KeyTerms.__struct_fields__})


def _tagged(present: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """The tags with those that were given; one without a value is taken away."""
    return {name: value for name, value in (present | given).items() if value}
