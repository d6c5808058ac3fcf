"""What the tests of the configuration file share."""

from collections.abc import Mapping
from textwrap import dedent
from typing import Any

from sqlalchemy import update
from tests.connections.world import NOON, settings

from trunkline.configuration.apply import Applied, apply_configuration, plan_configuration
from trunkline.configuration.export import Document, export_organisation, export_shared
from trunkline.configuration.loading import parse
from trunkline.configuration.plan import Plan
from trunkline.configuration.problems import ConfigurationRefused, Problem
from trunkline.configuration.run import Parts
from trunkline.configuration.secrets import Missing
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.identity.pepper import Pepper
from trunkline.identity.records import KeyTerms
from trunkline.identity.service.keys import create_key
from trunkline.identity.service.organisations import find_organisation, list_organisations
from trunkline.kit.clock import FakeClock
from trunkline.kit.ids import new_id
from trunkline.storage.engine import Database
from trunkline.storage.tables.identity import api_key

PEPPER = Pepper("p" * 32)


async def parts(
    database: Database, variables: Mapping[str, str] | None = None, **options: Any
) -> Parts:
    clock = FakeClock(NOON)
    service = ConnectionService(clock=clock)
    if options:
        service = await ConnectionService.from_settings(settings(**options), clock=clock)
    return Parts(database, service, PEPPER, Secrets((variables or {}).get), clock)


async def applied(
    database: Database,
    text: str,
    *,
    prune: bool = False,
    missing: Missing = "connections",
    note: str | None = None,
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> Applied:
    made = await parts(database, variables, **options)
    loaded = parse(dedent(text).encode())
    return await apply_configuration(made, loaded, prune=prune, missing=missing, note=note)


async def refused(
    database: Database,
    text: str,
    variables: Mapping[str, str] | None = None,
    *,
    prune: bool = False,
    missing: Missing = "connections",
    **options: Any,
) -> tuple[Problem, ...]:
    """The problems of a file that must not be applied."""
    try:
        await applied(database, text, prune=prune, missing=missing, variables=variables, **options)
    except ConfigurationRefused as error:
        return error.problems
    raise AssertionError("the file was applied")


async def org_id_of(database: Database, slug: str) -> str:
    async with database.read(None) as conn:
        return (await find_organisation(conn, slug)).id


async def planned(
    database: Database,
    text: str,
    *,
    prune: bool = False,
    missing: Missing = "connections",
    variables: Mapping[str, str] | None = None,
    **options: Any,
) -> Plan:
    made = await parts(database, variables, **options)
    return await plan_configuration(
        made, parse(dedent(text).encode()), prune=prune, missing=missing
    )


async def exported(database: Database) -> list[Document]:
    """What is shared, and then each organisation."""
    service = ConnectionService()
    async with database.read(None) as conn:
        return [
            await export_shared(conn, service),
            *[
                await export_organisation(conn, service, organisation)
                for organisation in await list_organisations(conn)
            ],
        ]


async def second_key(database: Database, slug: str, name: str) -> None:
    """Make a key of a name, whether or not another one has it, as older databases hold them."""
    org_id = await org_id_of(database, slug)
    terms = KeyTerms(name=new_id())
    async with database.write(None) as conn:
        made = await create_key(conn, org_id, terms, pepper=PEPPER, clock=FakeClock(NOON))
        await conn.execute(update(api_key).where(api_key.c.id == made.key.id).values(name=name))
