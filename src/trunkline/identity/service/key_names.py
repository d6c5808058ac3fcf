"""Names of keys. Inside an organisation a name means one key, of those that are not revoked.

Databases from before this rule may hold several of one name. These keep working, and can be told
apart by their identifiers.
"""

from collections.abc import Sequence

from msgspec.structs import asdict, replace
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import Conflict, NotFound
from trunkline.identity.records import Key, KeyTerms
from trunkline.identity.repository import keys
from trunkline.identity.secret import PREFIX
from trunkline.storage.changes import hold_changes


async def find_key(conn: AsyncConnection, org_id: str, handle: str) -> Key:
    """A key of an organisation.

    Args:
        conn: the unit of work.
        org_id: the organisation whose key it is.
        handle: its identifier, its public id, what ``KeyText.display`` shows, or its name if it
            is not revoked.

    Raises:
        NotFound: the organisation has no such key.
        Conflict: several have the name.
    """
    found = await keys.key_by_handle(conn, org_id, handle.removeprefix(PREFIX))
    if found is not None:
        return found
    named = await keys.live_keys_by_name(conn, org_id, handle)
    if not named:
        raise NotFound(
            f"There is no key {handle!r}.",
            code="key_not_found",
            hint="trunkline keys list shows names and identifiers.",
        )
    return the_one(named, "key")


async def check_free(conn: AsyncConnection, org_id: str, name: str, field: str) -> None:
    """Look that no key has this name which is not revoked, and let none be made meanwhile.

    Raises:
        Conflict: one has it.
    """
    await hold_changes(conn)
    named = await keys.live_keys_by_name(conn, org_id, name)
    if named:
        raise Conflict(
            f"There is a key {name!r} already.",
            code="key_name_taken",
            param=field,
            hint="Choose another name, or free this one: trunkline keys revoke "
            f"{PREFIX}{named[0].public_id}, or keys update --name.",
        )


def the_one(named: Sequence[Key], field: str, *, terms: KeyTerms | None = None) -> Key:
    """Which of the keys of one name is meant: the only one, or else one that has these terms.

    Raises:
        Conflict: none can be told from the others.
    """
    if len(named) == 1:
        return named[0]
    if terms is not None:
        for key in named:
            if replace(key, **asdict(terms)) == key:
                return key
    shown = ", ".join(f"{PREFIX}{key.public_id}" for key in named)
    raise Conflict(
        f"There are {len(named)} keys {named[0].name!r}: {shown}.",
        code="key_ambiguous",
        param=field,
        hint="Give all but one another name with trunkline keys update ID --name NAME, "
        "or revoke them.",
    )
