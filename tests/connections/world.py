"""What the tests of connections share: settings, organisations, and routes on a real database."""

import asyncio
from collections.abc import Callable, Mapping

from trunkline.connections.adapter import SnapshotRoutes
from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec, TargetSpec
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.identity.service.organisations import ensure_organisation
from trunkline.kit.clock import Clock, FakeClock
from trunkline.settings import Settings, load_settings
from trunkline.storage.engine import Database

# 2026-11-21 12:00 UTC, when the bundled prices were compiled.
NOON = 1_795_262_400.0
NO_SETTINGS: Mapping[str, object] = {}


def settings(**values: object) -> Settings:
    """Settings of the given options, without a file."""
    return load_settings(None, **values)


async def make_org(database: Database, slug: str) -> str:
    async with database.write(None) as conn:
        made = await ensure_organisation(conn, name=slug, slug=slug, clock=FakeClock(NOON))
    return made.id


def model(name: str, *targets: str, **more: object) -> ModelSpec:
    """A published model with targets such as ``connection/upstream-id``."""
    specs = []
    for target in targets:
        connection, _, upstream = target.partition("/")
        specs.append(TargetSpec(connection=connection, model=upstream))
    return ModelSpec(name=name, targets=tuple(specs), **more)  # type: ignore[arg-type] # checked by pydantic


def local(name: str, provider: str = "vllm", **more: object) -> ConnectionSpec:
    """A connection to a server of the operator's own."""
    values = {"base_url": "http://10.0.0.7:8000/v1", **more}
    return ConnectionSpec(name=name, provider=provider, **values)  # type: ignore[arg-type] # as above


def price(**values: object) -> PriceSpec:
    """A price as it would be written in a file."""
    return PriceSpec.model_validate(values)


async def until(holds: Callable[[], bool], *, within: float = 10.0) -> None:
    """Wait for what another task brings about."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - the product tells nobody when it has swapped state
            await asyncio.sleep(0.01)


async def put(
    database: Database,
    org_id: str | None,
    *specs: ConnectionSpec | ModelSpec | PriceSpec,
    environment: frozenset[str] = frozenset(),
) -> list[bool]:
    """Ensure all of these in one unit of work; what changed."""
    service = ConnectionService(environment=environment, clock=FakeClock(NOON))
    changed = []
    async with database.write(None) as conn:
        for spec in specs:
            if isinstance(spec, ConnectionSpec):
                changed.append(await service.ensure_connection(conn, org_id, spec))
            elif isinstance(spec, ModelSpec):
                changed.append(await service.ensure_model(conn, org_id, spec))
            else:
                changed.append(await service.ensure_price(conn, org_id, spec))
    return changed


def routes(
    database: Database,
    *,
    clock: Clock | None = None,
    variables: Mapping[str, str] | None = None,
    **options: object,
) -> SnapshotRoutes:
    """Routes that are not loaded yet."""
    secrets = Secrets((variables or {}).get)
    return SnapshotRoutes(database, settings(**options), secrets, clock=clock or FakeClock(NOON))
