"""Leads from what people call a key to its identifier, for rules."""

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import Conflict, NotFound
from trunkline.identity.service.key_names import find_key


async def key_id_of(conn: AsyncConnection, org_id: str, handle: str, field: str) -> str:
    """The identifier of a key; what means none is left to those who check all kinds of scopes.

    Args:
        conn: a unit of work.
        org_id: the organisation whose key it is.
        handle: its name, its identifier, or what lists show of it.
        field: path of the handle, for the error.

    Raises:
        Conflict: several keys have the name.
    """
    try:
        return (await find_key(conn, org_id, handle)).id
    except NotFound:
        return handle
    except Conflict as error:
        error.param = field
        raise
