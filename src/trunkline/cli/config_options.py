"""Options that several of the ``trunkline config`` commands have, and whom they mean."""

from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.cli.session import choose_organisation
from trunkline.errors import InvalidRequest
from trunkline.identity.records import Organisation

File = Annotated[Path, typer.Option("--file", "-f", help="YAML file of the configuration.")]
Prune = Annotated[
    bool,
    typer.Option("--prune", help="Remove what the file does not name, and revoke such keys."),
]
AllowMissing = Annotated[
    bool,
    typer.Option(
        "--allow-missing-secrets",
        help="For machines that do not hold the secrets of connections.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before applying.")]
Message = Annotated[
    str | None, typer.Option("--message", "-m", help="Why, for the list of versions.")
]
Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation, if there are several.")
]
Shared = Annotated[
    bool, typer.Option("--shared", help="What all organisations share, in place of one of them.")
]


class Owner(NamedTuple):
    """Whose configuration is meant; without an organisation that which all share."""

    organisation: Organisation | None

    @property
    def slug(self) -> str | None:
        """None for what is shared."""
        return None if self.organisation is None else self.organisation.slug

    @property
    def org_id(self) -> str | None:
        """None for what is shared."""
        return None if self.organisation is None else self.organisation.id


async def choose_owner(conn: AsyncConnection, org: str | None, *, shared: bool) -> Owner:
    """Whom the options mean.

    Raises:
        InvalidRequest: both were given, or neither and there is not exactly one organisation.
        NotFound: there is no such organisation.
    """
    if shared:
        if org is not None:
            raise InvalidRequest("Give either --org or --shared.", param="org")
        return Owner(None)
    return Owner(await choose_organisation(conn, org))
