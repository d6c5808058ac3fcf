"""Makes, lists and removes guardrails.

All of it happens in the unit of work of the caller, and every change is told to all processes in
the same transaction. ``ensure_guardrail`` is idempotent. ``org_id`` None stands for what the
operator shares with all organisations.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.errors import Conflict, NotFound
from trunkline.guardrails import repository
from trunkline.guardrails.rows import GuardrailRow
from trunkline.guardrails.schemas import GuardrailSpec
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import append_change

GUARDRAIL = "guardrail"
"""Kind of the changes after which an organisation's snapshot must be built again."""


async def list_guardrails(conn: AsyncConnection, org_id: str | None) -> list[GuardrailRow]:
    """The guardrails of exactly this owner, by name."""
    return await repository.guardrails(conn, (org_id,))


async def usable_guardrails(conn: AsyncConnection, org_id: str | None) -> dict[str, GuardrailRow]:
    """The guardrails that this owner's models may name; its own hide the shared ones.

    Needs a system path (``read(None)``), because shared rows belong to no organisation.
    """
    rows = await repository.guardrails(conn, (None,) if org_id is None else (None, org_id))
    found = {row.name: row for row in sorted(rows, key=lambda row: row.org_id is not None)}
    return dict(sorted(found.items()))


async def ensure_guardrail(
    conn: AsyncConnection, org_id: str | None, wanted: GuardrailSpec, *, clock: Clock
) -> bool:
    """Make the guardrail of this name be as wanted; true when something changed."""
    spec = wanted.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
    spec["kind"] = wanted.kind
    present = await _of_name(conn, org_id, wanted.name)
    if present is not None and present.spec == spec:
        return False
    row = GuardrailRow(present.id if present else new_id(), org_id, wanted.name, spec)
    created_ms = None if present else int(clock.now() * 1000)
    await repository.put(conn, row, created_ms=created_ms)
    await append_change(conn, org_id, GUARDRAIL, row.id)
    return True


async def remove_guardrail(conn: AsyncConnection, org_id: str | None, name: str) -> None:
    """Remove a guardrail.

    Raises:
        NotFound: there is none of this name.
        Conflict: a published model names it.
    """
    present = await _of_name(conn, org_id, name)
    if present is None:
        raise NotFound(
            f"There is no guardrail {name!r}.",
            code="guardrail_not_found",
            hint="trunkline guardrail list shows names.",
        )
    if users := await repository.models_naming(conn, org_id, name):
        raise Conflict(
            f"The guardrail {name!r} is named by {', '.join(users)}.",
            code="guardrail_in_use",
            hint="Take it from these models first.",
        )
    await repository.remove(conn, present)
    await append_change(conn, org_id, GUARDRAIL, present.id)


async def _of_name(conn: AsyncConnection, org_id: str | None, name: str) -> GuardrailRow | None:
    rows = await repository.guardrails(conn, (org_id,))
    return next((row for row in rows if row.name == name), None)
