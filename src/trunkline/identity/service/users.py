"""Make and find users, and make them members of organisations. For system paths."""

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import Conflict, NotFound
from trunkline.identity.records import User
from trunkline.identity.repository import users
from trunkline.identity.validation import check_email, check_name, check_role
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import append_change


async def create_user(
    conn: AsyncConnection,
    org_id: str,
    *,
    email: str,
    name: str | None = None,
    role: str = "member",
    clock: Clock,
    at: str = "",
) -> User:
    """Make a person a member; one who is known by the address already keeps name and identity.

    Raises:
        InvalidRequest: a field breaks its rule; ``param`` has its path.
        Conflict: the person is a member already.
    """
    wanted = _user(email, name, clock, at)
    role = check_role(role, f"{at}role")
    person = await users.user_by_email(conn, wanted.email)
    if person is None:
        person = wanted
        await users.add_user(conn, person)
    elif await users.role_of(conn, org_id, person.id) is not None:
        raise Conflict(
            f"{person.email} is a member already.", code="member_exists", param=f"{at}email"
        )
    await users.add_member(conn, org_id, person.id, role, wanted.created_ms)
    await append_change(conn, org_id, "member", person.id)
    return person


async def ensure_user(
    conn: AsyncConnection,
    org_id: str,
    *,
    email: str,
    name: str | None = None,
    role: str = "member",
    clock: Clock,
    at: str = "",
) -> User:
    """The person of this address as a member with this role. Repeating changes nothing.

    The name of a known person is changed only when one is given.
    """
    wanted = _user(email, name, clock, at)
    role = check_role(role, f"{at}role")
    person = await users.user_by_email(conn, wanted.email)
    changed = True
    if person is None:
        person = wanted
        await users.add_user(conn, person)
    elif name is not None and person.name != wanted.name:
        person = replace(person, name=wanted.name)
        await users.change_user(conn, person)
    else:
        changed = False
    present = await users.role_of(conn, org_id, person.id)
    if present is None:
        await users.add_member(conn, org_id, person.id, role, wanted.created_ms)
    elif present != role:
        await users.change_role(conn, org_id, person.id, role)
    if changed or present != role:
        await append_change(conn, org_id, "member", person.id)
    return person


async def find_user(conn: AsyncConnection, org_id: str, email: str) -> User:
    """The member of this address; ``NotFound`` if there is none."""
    found = await users.user_by_email(conn, email.strip().lower())
    if found is None or await users.role_of(conn, org_id, found.id) is None:
        raise NotFound(
            f"There is no member {email!r}.",
            code="user_not_found",
            hint="trunkline organisations members shows them.",
        )
    return found


async def list_members(conn: AsyncConnection, org_id: str) -> list[tuple[User, str]]:
    """The people of an organisation with their roles, oldest first."""
    return await users.members_of(conn, org_id)


def _user(email: str, name: str | None, clock: Clock, at: str) -> User:
    email = check_email(email, f"{at}email")
    return User(
        id=new_id(),
        email=email,
        name=email if name is None else check_name(name, f"{at}name"),
        created_ms=int(clock.now() * 1000),
    )
