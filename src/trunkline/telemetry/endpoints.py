"""The health API: how targets do, and circuits that people hold open or closed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from trunkline.errors import Forbidden
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import Routes
from trunkline.gateway.resilience.health import Health as TargetsHealth
from trunkline.kit.clock import Clock
from trunkline.telemetry.schemas import CircuitOrder, CircuitOrdered, Health, HealthSummary
from trunkline.telemetry.target_health import (
    Sight,
    by_provider,
    place_of,
    state_of_all,
    targets_seen,
)
from trunkline.telemetry.target_traffic import TargetUse

READ_SCOPE = "models:read"
WRITE_SCOPE = "circuits:write"

# Targets between two turns of the event loop.
_AT_ONCE = 50

Authenticate = Callable[[Request], Caller]
Order = Callable[[Caller, CircuitOrder], Awaitable[None]]
Uses = Callable[[str], Mapping[str, TargetUse]]


class HealthParts(msgspec.Struct, frozen=True):
    """What the API reads from.

    Attributes:
        uses: what an organisation asks of its targets, by ``Target.place``.
        order: carries out an order; raises what the caller shall see.
    """

    routes: Routes
    health: TargetsHealth
    uses: Uses
    order: Order
    clock: Clock


def router(parts: HealthParts, authenticate: Authenticate) -> APIRouter:
    """The routes of health.

    Args:
        parts: what they read from.
        authenticate: the caller of a request; raises what the caller shall see.
    """
    routes = APIRouter(prefix="/api", tags=["health"])

    def reader(request: Request) -> Caller:
        return _require(authenticate(request), READ_SCOPE, "read the health of models")

    def operator(request: Request) -> Caller:
        return _require(authenticate(request), WRITE_SCOPE, "open or close circuits")

    @routes.get("/providers/health", response_model=Health)
    async def providers_health(caller: Annotated[Caller, Depends(reader)]) -> Response:
        """How the targets do that the key may use, as this process sees it, and their providers.

        State, circuit, latency, errors and speed come from the calls of everybody who uses the
        target; traffic is your organisation's own.
        """
        whole = await _health(parts, caller)
        # The framework would take several times as long to write it.
        return Response(whole.model_dump_json(), media_type="application/json")

    @routes.get("/llm/health")
    async def llm_health(caller: Annotated[Caller, Depends(reader)]) -> HealthSummary:
        """The short form of ``/api/providers/health``: one word for each provider and for all."""
        whole = await _health(parts, caller)
        states = {provider.provider: provider.state for provider in whole.providers}
        together = state_of_all(states.values())
        return HealthSummary(
            status="ok" if together == "idle" else together,
            providers=states,
            updated=whole.updated,
        )

    @routes.post("/providers/circuit")
    async def providers_circuit(
        caller: Annotated[Caller, Depends(operator)], order: CircuitOrder
    ) -> CircuitOrdered:
        """Hold the circuit of one of your organisation's own connections open or closed.

        Every process obeys within a second; ``auto`` lets the target's calls decide again.
        """
        await parts.order(caller, order)
        return CircuitOrdered(**order.model_dump())

    return routes


async def _health(parts: HealthParts, caller: Caller) -> Health:
    sight = Sight(
        reports=parts.health.report(),
        resting=parts.health.resting(),
        uses=parts.uses(caller.org_id),
    )
    seen = []
    for target in targets_seen(parts.routes.snapshot(caller.org_id), caller, sight):
        seen.append(target)
        if len(seen) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    seen.sort(key=place_of)
    moment = datetime.fromtimestamp(parts.clock.now(), UTC)
    return Health(
        updated=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        providers=by_provider(seen),
        targets=[target.health for target in seen],
    )


def _require(caller: Caller, scope: str, deed: str) -> Caller:
    if scope not in caller.scopes:
        raise Forbidden(
            f"The key may not {deed}.",
            code="scope_missing",
            hint=f"Ask an administrator for a key with the scope {scope}.",
        )
    return caller
