"""The control API of a front, put together from the routers of the rooms."""

import random
from collections.abc import Sequence

import msgspec
from fastapi import FastAPI

from trunkline.cache.endpoints import router as cache_router
from trunkline.circuits.service import hold_circuit, release_circuit
from trunkline.connections.endpoints import router as routes_router
from trunkline.control import authenticate_with, build_control
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import Callers, Routes
from trunkline.gateway.recall.recall import Recall
from trunkline.gateway.resilience.health import Health
from trunkline.kit.clock import Clock
from trunkline.ledger.endpoints import router as usage_router
from trunkline.ledger.service import Ledger
from trunkline.limits.adapter import InProcessAdmission
from trunkline.limits.left import budgets_left
from trunkline.storage.engine import Database
from trunkline.telemetry.endpoints import HealthParts, Uses
from trunkline.telemetry.endpoints import router as health_router
from trunkline.telemetry.schemas import CircuitOrder


class Administered(msgspec.Struct, frozen=True):
    """What the control API reads from and gives orders to; the composition root owns it all."""

    database: Database
    ledger: Ledger
    callers: Callers
    routes: Routes
    admission: InProcessAdmission
    targets: Health
    uses: Uses
    recall: Recall
    clock: Clock


def open_administration(front: Administered, allowed_origins: Sequence[str]) -> FastAPI:
    """The application with all its routers."""

    def limits_left(caller: Caller) -> list[dict[str, object]]:
        return budgets_left(front.admission, caller)

    async def order(caller: Caller, given: CircuitOrder) -> None:
        await _order_circuit(front, caller, given)

    authenticate = authenticate_with(front.callers)
    health = HealthParts(front.routes, front.targets, front.uses, order, front.clock)
    # Draws what an explanation shows of policies by chance; nothing secret hangs on it.
    rng = random.Random()  # noqa: S311
    routers = [
        usage_router(front.ledger, authenticate, front.clock, limits_left),
        health_router(health, authenticate),
        routes_router(front.routes, front.targets, authenticate, rng),
        cache_router(front.recall, front.database, authenticate),
    ]
    return build_control(routers, allowed_origins)


async def _order_circuit(front: Administered, caller: Caller, given: CircuitOrder) -> None:
    connection, model = given.connection, given.model
    async with front.database.write(caller.org_id) as conn:
        if given.state == "auto":
            await release_circuit(conn, caller.org_id, connection, model)
        else:
            await hold_circuit(
                conn,
                caller.org_id,
                connection,
                model,
                given.state,
                clock=front.clock,
                reason=given.reason,
            )
