"""Goes back to a version: its document is the whole configuration of its owner again."""

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.loading import Loaded, parse
from trunkline.configuration.versions import find_version


async def load_version(
    conn: AsyncConnection, organisation: str | None, org_id: str | None, number: int
) -> Loaded:
    """The configuration of a version, to be applied with pruning.

    Args:
        conn: a unit of work.
        organisation: slug; None for what is shared with all.
        org_id: None for what is shared with all.
        number: of the version.

    Raises:
        NotFound: there is no such version.
        ConfigurationRefused: a newer Trunkline does not read it any more.
    """
    version = await find_version(conn, org_id, number)
    whose = "the shared part" if organisation is None else organisation
    loaded = parse(version.document.encode(), f"version {number} of {whose}")
    return loaded._replace(whole=True)
