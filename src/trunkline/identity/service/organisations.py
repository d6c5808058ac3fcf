"""Make, find and change organisations and their teams."""

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import Conflict, NotFound
from trunkline.identity.records import Organisation, OrganisationField, Team
from trunkline.identity.repository import organisations, teams
from trunkline.identity.validation import check_name, check_slug, check_time_zone, slug_of
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import append_change


async def create_organisation(
    conn: AsyncConnection,
    *,
    name: str,
    slug: str | None = None,
    time_zone: str = "UTC",
    tier: str | None = None,
    clock: Clock,
    at: str = "",
) -> Organisation:
    """Make an organisation; without a slug one is made of the name.

    Raises:
        InvalidRequest: a field breaks its rule; ``param`` has its path.
        Conflict: the slug is taken.
    """
    made = _organisation(name, slug, time_zone, tier, clock, at)
    if await organisations.organisation_by_slug(conn, made.slug) is not None:
        raise Conflict(
            f"There is an organisation {made.slug!r} already.",
            code="organisation_exists",
            param=f"{at}slug",
        )
    await organisations.add_organisation(conn, made)
    await append_change(conn, made.id, "organisation", made.id)
    return made


async def ensure_organisation(
    conn: AsyncConnection,
    *,
    name: str,
    slug: str | None = None,
    time_zone: str = "UTC",
    tier: str | None = None,
    keep: frozenset[OrganisationField] = frozenset(),
    clock: Clock,
    at: str = "",
) -> Organisation:
    """The organisation of this slug, made or changed to be as told. Repeating changes nothing.

    Of one that is there the fields in ``keep`` stay as they are.
    """
    wanted = _organisation(name, slug, time_zone, tier, clock, at)
    present = await organisations.organisation_by_slug(conn, wanted.slug)
    if present is None:
        await organisations.add_organisation(conn, wanted)
    else:
        kept = {field: getattr(present, field) for field in ("id", "created_ms", *keep)}
        wanted = replace(wanted, **kept)
        if wanted == present:
            return present
        await organisations.change_organisation(conn, wanted)
    await append_change(conn, wanted.id, "organisation", wanted.id)
    return wanted


async def find_organisation(conn: AsyncConnection, slug: str) -> Organisation:
    """The organisation of this slug.

    Raises:
        NotFound: there is none, or the connection may not see it.
    """
    found = await organisations.organisation_by_slug(conn, slug)
    if found is None:
        raise NotFound(
            f"There is no organisation {slug!r}.",
            code="organisation_not_found",
            hint="trunkline organisations list shows them.",
        )
    return found


async def list_organisations(conn: AsyncConnection) -> list[Organisation]:
    """All organisations that the connection may see, oldest first."""
    return await organisations.all_organisations(conn)


async def create_team(
    conn: AsyncConnection,
    org_id: str,
    *,
    name: str,
    slug: str | None = None,
    clock: Clock,
    at: str = "",
) -> Team:
    """Make a team in an organisation. Errors are those of ``create_organisation``."""
    made = _team(org_id, name, slug, clock, at)
    if await teams.team_by_slug(conn, org_id, made.slug) is not None:
        raise Conflict(
            f"There is a team {made.slug!r} already.", code="team_exists", param=f"{at}slug"
        )
    await teams.add_team(conn, made)
    await append_change(conn, org_id, "team", made.id)
    return made


async def ensure_team(
    conn: AsyncConnection,
    org_id: str,
    *,
    name: str,
    slug: str | None = None,
    clock: Clock,
    at: str = "",
) -> Team:
    """The team of this slug, made or renamed as told. Repeating changes nothing."""
    wanted = _team(org_id, name, slug, clock, at)
    present = await teams.team_by_slug(conn, org_id, wanted.slug)
    if present is None:
        await teams.add_team(conn, wanted)
    else:
        wanted = replace(wanted, id=present.id, created_ms=present.created_ms)
        if wanted == present:
            return present
        await teams.change_team(conn, wanted)
    await append_change(conn, org_id, "team", wanted.id)
    return wanted


async def find_team(conn: AsyncConnection, org_id: str, slug: str) -> Team:
    """The team of this slug; ``NotFound`` if there is none."""
    found = await teams.team_by_slug(conn, org_id, slug)
    if found is None:
        raise NotFound(
            f"There is no team {slug!r}.",
            code="team_not_found",
            hint="trunkline organisations teams shows them.",
        )
    return found


async def list_teams(conn: AsyncConnection, org_id: str) -> list[Team]:
    """The teams of an organisation, oldest first."""
    return await teams.teams_of(conn, org_id)


def _organisation(
    name: str, slug: str | None, time_zone: str, tier: str | None, clock: Clock, at: str
) -> Organisation:
    name = check_name(name, f"{at}name")
    return Organisation(
        id=new_id(),
        slug=slug_of(name, f"{at}slug") if slug is None else check_slug(slug, f"{at}slug"),
        name=name,
        time_zone=check_time_zone(time_zone, f"{at}time_zone"),
        tier=None if tier is None else check_slug(tier, f"{at}tier"),
        created_ms=int(clock.now() * 1000),
    )


def _team(org_id: str, name: str, slug: str | None, clock: Clock, at: str) -> Team:
    name = check_name(name, f"{at}name")
    return Team(
        id=new_id(),
        org_id=org_id,
        slug=slug_of(name, f"{at}slug") if slug is None else check_slug(slug, f"{at}slug"),
        name=name,
        created_ms=int(clock.now() * 1000),
    )
