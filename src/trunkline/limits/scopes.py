"""From what people call a team, a user or a key to its identifier."""

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import InvalidRequest
from trunkline.identity.secret import PREFIX
from trunkline.identity.service.keys import list_keys
from trunkline.identity.service.organisations import list_teams
from trunkline.identity.service.users import list_members
from trunkline.limits.rules import Scope


async def resolve_scope(
    conn: AsyncConnection, org_id: str, scope: Scope, given: str | None, field: str
) -> str | None:
    """The identifier that a rule counts by; None for each one of the scope.

    Model names are taken as they are: the environment publishes some that no table knows.

    Raises:
        InvalidRequest: the organisation has no such team, user or key; ``param`` is the field.
    """
    if given is None or scope in {"org", "alias"}:
        return given
    found = (await _names(conn, org_id, scope)).get(given.removeprefix(PREFIX))
    if found is None:
        raise InvalidRequest(
            f"{field}: the organisation has no {scope} {given!r}.",
            code="invalid_value",
            param=field,
        )
    return found


async def _names(conn: AsyncConnection, org_id: str, scope: Scope) -> dict[str, str]:
    if scope == "team":
        return {name: t.id for t in await list_teams(conn, org_id) for name in (t.slug, t.id)}
    if scope == "user":
        members = await list_members(conn, org_id)
        return {name: user.id for user, _ in members for name in (user.email, user.id)}
    return {name: k.id for k in await list_keys(conn, org_id) for name in (k.public_id, k.id)}
