"""``trunkline config export`` and ``versions``: the configuration as it is, and as it was."""

from typing import Annotated, Any

import typer
import yaml

from trunkline.cli.applying import parts_of
from trunkline.cli.config_options import Org, Shared, choose_owner
from trunkline.cli.output import AsJson, format_time, print_json, show
from trunkline.cli.session import Session, in_session
from trunkline.configuration.export import Document, export_organisation, export_shared
from trunkline.configuration.hiding import NOTE, hidden
from trunkline.configuration.versions import Version, find_version, list_versions
from trunkline.configuration.writing import yaml_of, yaml_of_all
from trunkline.connections.header_secrets import KEPT
from trunkline.identity.service.organisations import list_organisations


def export(
    org: Annotated[
        str | None, typer.Option("--org", help="Slug of the only organisation to export.")
    ] = None,
    shared: Shared = False,
    as_json: AsJson = False,
) -> None:
    """Print the configuration as YAML: the shared part and each organisation in its own document.

    Applying it again changes nothing. Secrets are the references to them, secret headers that were
    written out are kept:here, and keys come without their texts.
    """

    async def work(session: Session) -> list[Document]:
        service = (await parts_of(session)).connections
        async with session.database.read(None) as conn:
            if shared or org is not None:
                owner = await choose_owner(conn, org, shared=shared)
                if owner.organisation is None:
                    return [await export_shared(conn, service)]
                return [await export_organisation(conn, service, owner.organisation)]
            return [
                await export_shared(conn, service),
                *[
                    await export_organisation(conn, service, organisation)
                    for organisation in await list_organisations(conn)
                ],
            ]

    documents = [hidden(document) for document in in_session(work)]
    if as_json:
        print_json(documents)
    else:
        text = yaml_of_all(documents)
        typer.echo(f"{NOTE if KEPT in text else ''}{text}", nl=False)


def versions(
    org: Org = None,
    shared: Shared = False,
    number: Annotated[
        int | None, typer.Option("--show", help="Print the document of this version.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the configurations of one owner that were applied, newest first."""

    async def work(session: Session) -> list[Version]:
        async with session.database.read(None) as conn:
            owner = await choose_owner(conn, org, shared=shared)
            if number is not None:
                return [await find_version(conn, owner.org_id, number)]
            return await list_versions(conn, owner.org_id)

    found = in_session(work)
    if number is not None and not as_json:
        typer.echo(_shown(found[0]), nl=False)
        return
    show(
        [_described(version, whole=number is not None) for version in found],
        {"number": "Version", "created": "Applied", "note": "Note"},
        as_json=as_json,
        empty="Nothing was applied yet.",
    )


def _described(version: Version, *, whole: bool) -> dict[str, Any]:
    row = {
        "number": version.number,
        "created": format_time(version.created_ms),
        "note": version.note,
    }
    return row | ({"document": _shown(version)} if whole else {})


def _shown(version: Version) -> str:
    document = yaml.safe_load(version.document)
    shown = hidden(document)
    return version.document if shown == document else yaml_of(shown)
