"""Holds circuits open or closed by hand, lists them and lets them go.

It happens in the unit of work of the caller, and every change is told to all processes in the same
transaction. ``org_id`` None stands for the connections that the operator shares: only the operator
may hold their circuits, since every organisation would feel it.
"""

from collections.abc import Collection

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.circuits import repository
from trunkline.circuits.records import CIRCUIT, HeldCircuit, HeldState
from trunkline.errors import InvalidRequest, NotFound
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import append_change

_MOST_MODEL = 300
_MOST_REASON = 500


async def list_held(conn: AsyncConnection, org_id: str | None) -> list[HeldCircuit]:
    """The held circuits of exactly this owner, by connection and model."""
    return await repository.of_owner(conn, org_id)


async def hold_circuit(
    conn: AsyncConnection,
    org_id: str | None,
    connection: str,
    model: str,
    state: HeldState,
    *,
    clock: Clock,
    reason: str | None = None,
    environment: Collection[str] = (),
) -> HeldCircuit:
    """Hold the circuit of a target until it is let go; replaces what was said of it before.

    Args:
        conn: of the unit of work.
        org_id: whose connection it is.
        connection: its name.
        model: the upstream id; it need not be published.
        state: ``open`` sends nothing to the target, ``closed`` asks it however it fares.
        clock: for when it was said.
        reason: why, for those who read it later.
        environment: names of the connections that the environment makes, which have no rows.

    Raises:
        NotFound: the owner has no connection of this name.
        InvalidRequest: the model or the reason is too long, or the model is empty.
    """
    if not 1 <= len(model) <= _MOST_MODEL or not model.isprintable():
        raise InvalidRequest(f"A model has 1 to {_MOST_MODEL} characters.", param="model")
    if reason is not None and len(reason) > _MOST_REASON:
        raise InvalidRequest(f"A reason has at most {_MOST_REASON} characters.", param="reason")
    from_environment = org_id is None and connection in environment
    if not from_environment and not await repository.owns(conn, org_id, connection):
        raise _no_connection(org_id, connection)
    held = HeldCircuit(
        id=new_id(),
        org_id=org_id,
        connection=connection,
        model=model,
        state=state,
        reason=reason,
        created_ms=int(clock.now() * 1000),
    )
    present = await repository.find(conn, org_id, connection, model)
    if present is not None:
        held = msgspec.structs.replace(held, id=present.id)
    await repository.put(conn, held)
    await append_change(conn, org_id, CIRCUIT, held.id)
    return held


async def release_circuit(
    conn: AsyncConnection, org_id: str | None, connection: str, model: str
) -> HeldCircuit:
    """Leave the circuit of a target to its calls again; it begins closed. What was held.

    Raises:
        NotFound: it is not held.
    """
    held = await repository.find(conn, org_id, connection, model)
    if held is None:
        raise NotFound(
            f"The circuit of {model!r} at {connection!r} is not held.",
            code="circuit_not_held",
            hint="trunkline circuit list shows those that are.",
        )
    await repository.remove(conn, held)
    await append_change(conn, org_id, CIRCUIT, held.id)
    return held


def _no_connection(org_id: str | None, name: str) -> NotFound:
    if org_id is None:
        hint = "For an organisation's own connection name it with --org."
    else:
        hint = "Only the operator may hold the circuits of connections that are shared with all."
    return NotFound(
        f"There is no connection {name!r} of this owner.", code="connection_not_found", hint=hint
    )
