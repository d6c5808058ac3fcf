"""What the tests of the configuration file share."""

from collections.abc import Mapping
from typing import Any

from tests.connections.world import NOON, settings

from trunkline.configuration.apply import Applied, apply_configuration
from trunkline.configuration.loading import parse
from trunkline.configuration.problems import ConfigurationRefused, Problem
from trunkline.configuration.run import Parts
from trunkline.configuration.secrets import Missing
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.identity.pepper import Pepper
from trunkline.identity.service.organisations import find_organisation
from trunkline.kit.clock import FakeClock
from trunkline.storage.engine import Database

PEPPER = Pepper("p" * 32)


async def parts(
    database: Database, variables: Mapping[str, str] | None = None, **options: Any
) -> Parts:
    clock = FakeClock(NOON)
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
    loaded = parse(text.encode())
    return await apply_configuration(made, loaded, prune=prune, missing=missing, note=note)


async def refused(
    database: Database,
    text: str,
    variables: Mapping[str, str] | None = None,
    *,
    prune: bool = False,
    **options: Any,
) -> tuple[Problem, ...]:
    """The problems of a file that must not be applied."""
    try:
        await applied(database, text, prune=prune, variables=variables, **options)
    except ConfigurationRefused as error:
        return error.problems
    raise AssertionError("the file was applied")


async def org_id_of(database: Database, slug: str) -> str:
    async with database.read(None) as conn:
        return (await find_organisation(conn, slug)).id
