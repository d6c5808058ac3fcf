"""The gateway's port ``KeptResponses`` on the database."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from trunkline.errors import Conflict, InvalidRequest, NotFound, Unavailable
from trunkline.gateway.background import BackgroundRuns
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import KeptResponses
from trunkline.gateway.wire.contract import Inbound
from trunkline.kit.clock import Clock
from trunkline.responses import objects, repository
from trunkline.responses.repository import RUNNING, Kept
from trunkline.storage.engine import Database
from trunkline.storage.tables.responses import LONGEST_ID

DAY_MS: Final = 24 * 3600 * 1000
_LOST: Final = {"code": "server_error", "message": "The process that made the response has ended."}

logger = logging.getLogger(__name__)


class StoredResponses(KeptResponses):
    """Keeps responses in ``kept_response``. Its state is the runs in the background.

    Attributes:
        runs: what this process makes in the background; the pipeline adds to it.
    """

    def __init__(
        self,
        database: Database,
        *,
        owner: str,
        is_alive: Callable[[str], Awaitable[bool]],
        clock: Clock,
        days: int,
        most_bytes: int,
    ) -> None:
        """Ready at once.

        Args:
            database: where they are kept.
            owner: identifies this run of this process; another after each start.
            is_alive: whether the run of an owner goes on, such as ``ProcessRegistry.is_alive``.
            clock: tells when a response was kept.
            days: how long it is kept.
            most_bytes: the most that one response and what led to it may have together.
        """
        self._database = database
        self._owner = owner
        self._is_alive = is_alive
        self._clock = clock
        self._keep_ms = days * DAY_MS
        self._most = most_bytes
        self.runs = BackgroundRuns(self)

    @override
    async def load(self, caller: Caller, response_id: str) -> list[msgspec.Raw]:
        kept = await self._find(caller, response_id)
        if kept is None:
            raise NotFound(
                f"Previous response with id '{response_id[:100]}' not found.",
                code="previous_response_not_found",
                param="previous_response_id",
                hint="Send the whole conversation in 'input'; responses are kept for "
                f"{self._keep_ms // DAY_MS} days, and only for their owner.",
            )
        if kept.status not in {"completed", "incomplete"}:
            raise Conflict(
                f"The previous response is '{kept.status}', so there is nothing to go on from.",
                code="previous_response_not_completed",
                param="previous_response_id",
                hint="Go on from a response that is completed.",
            )
        if kept.input is None or kept.response is None:
            raise self._too_large("previous_response_id")
        return [*objects.items_of(kept.input), *objects.output_of(kept.response)]

    @override
    async def items(self, caller: Caller, item_ids: tuple[str, ...]) -> dict[str, msgspec.Raw]:
        wanted = frozenset(item_ids)
        found: dict[str, msgspec.Raw] = {}
        async with self._database.read(caller.org_id) as conn:
            holders = await repository.find_by_items(conn, caller.org_id, item_ids, self._now_ms())
        for kept in holders:
            if kept.response is not None and _owns(caller, kept):
                by_id = objects.items_by_id(kept.response)
                found |= {known: by_id[known] for known in wanted & by_id.keys()}
        return found

    @override
    async def keep(
        self, caller: Caller, request: Inbound, response: bytes, under: str | None = None
    ) -> None:
        try:
            await self._keep(caller, request, response, under)
        except (Unavailable, SQLAlchemyError, msgspec.DecodeError) as error:
            logger.warning("A response could not be kept: %r", error)

    async def _keep(
        self, caller: Caller, request: Inbound, response: bytes, under: str | None
    ) -> None:
        known = under or objects.id_of(response)
        told = objects.changed(
            response,
            id=known,
            store=True,
            background=under is not None,
            previous_response_id=request.continues,
        )
        kept = self._bounded(caller, request, known, told)
        found = objects.items_by_id(told) if kept.response is not None else {}
        async with self._database.write(caller.org_id) as conn:
            if under is None:
                written = await self._insert(conn, caller, kept)
            else:
                written = await repository.end(conn, kept.org_id, known, kept.status, kept.response)
            if written:
                await repository.insert_items(
                    conn, kept, [item_id for item_id in found if len(item_id) <= LONGEST_ID]
                )
        if not written and under is None:
            logger.warning("A response could not be kept: there is one of the id %s", known)

    async def _insert(self, conn: AsyncConnection, caller: Caller, kept: Kept) -> bool:
        """Keep a response; one of the same id gives way if it is the caller's own, or is over.

        Not every maker of this API gives each response an id of its own.
        """
        if await repository.insert(conn, kept):
            return True
        before = await repository.find(conn, kept.org_id, kept.id, 0)
        if before is None or not (_owns(caller, before) or before.expires_ms <= kept.created_ms):
            return False
        await repository.remove(conn, kept.org_id, kept.id)
        return await repository.insert(conn, kept)

    @override
    async def begin(self, caller: Caller, request: Inbound, response: bytes) -> None:
        known = objects.id_of(response)
        told = objects.changed(response, status="in_progress")
        kept = msgspec.structs.replace(
            self._bounded(caller, request, known, told),
            status="in_progress",
            background=True,
            owner=self._owner,
            response=told,
        )
        async with self._database.write(caller.org_id) as conn:
            await repository.insert(conn, kept)

    @override
    async def fail(self, caller: Caller, response_id: str, error: dict[str, str]) -> None:
        try:
            async with self._database.write(caller.org_id) as conn:
                kept = await repository.find(conn, caller.org_id, response_id, 0)
                if kept is not None and kept.response is not None:
                    told = objects.changed(kept.response, status="failed", error=error)
                    await repository.end(conn, caller.org_id, response_id, "failed", told)
        except (Unavailable, SQLAlchemyError) as failure:
            logger.warning("A response could not be marked as failed: %r", failure)

    @override
    async def get(self, caller: Caller, response_id: str) -> bytes:
        kept = await self._owned(caller, response_id)
        if kept.status in RUNNING and not await self._runs(kept):
            await self.fail(caller, response_id, _LOST)
            kept = await self._owned(caller, response_id)
        if kept.response is None:
            raise self._too_large(None)
        return kept.response

    @override
    async def delete(self, caller: Caller, response_id: str) -> None:
        await self._owned(caller, response_id)
        async with self._database.write(caller.org_id) as conn:
            await repository.remove(conn, caller.org_id, response_id)

    @override
    async def cancel(self, caller: Caller, response_id: str) -> bytes:
        kept = await self._owned(caller, response_id)
        if not kept.background:
            raise InvalidRequest(
                "Cannot cancel a synchronous response.",
                code="invalid_request",
                hint="Only a response that was asked for with 'background' can be cancelled.",
            )
        if kept.status in RUNNING and kept.response is not None:
            told = objects.changed(kept.response, status="cancelled")
            # First the end is written, so that the run finds that it is over.
            async with self._database.write(caller.org_id) as conn:
                await repository.end(conn, caller.org_id, response_id, "cancelled", told)
            self.runs.cancel(caller.org_id, response_id)
        return await self.get(caller, response_id)

    @override
    async def input_items(self, caller: Caller, response_id: str) -> list[msgspec.Raw]:
        kept = await self._owned(caller, response_id)
        if kept.input is None:
            raise self._too_large(None)
        return objects.items_of(kept.input)

    async def _runs(self, kept: Kept) -> bool:
        return kept.owner == self._owner or (
            kept.owner is not None and await self._is_alive(kept.owner)
        )

    async def _owned(self, caller: Caller, response_id: str) -> Kept:
        kept = await self._find(caller, response_id)
        if kept is None:
            raise NotFound(
                f"Response with id '{response_id[:100]}' not found.",
                code="response_not_found",
                hint=f"Responses are kept for {self._keep_ms // DAY_MS} days, and only for "
                "their owner.",
            )
        return kept

    async def _find(self, caller: Caller, response_id: str) -> Kept | None:
        async with self._database.read(caller.org_id) as conn:
            kept = await repository.find(conn, caller.org_id, response_id, self._now_ms())
        return kept if kept is not None and _owns(caller, kept) else None

    def _bounded(self, caller: Caller, request: Inbound, known: str, response: bytes) -> Kept:
        """The row of a response; what is too large is not in it."""
        if len(known) > LONGEST_ID:
            raise msgspec.DecodeError(f"its id has {len(known)} characters")
        given: bytes | None = objects.input_of(request.fields)
        told: bytes | None = response
        if len(given or b"") + len(response) > self._most:
            given = None
            told = response if len(response) <= self._most else None
        now_ms = self._now_ms()
        return Kept(
            org_id=caller.org_id,
            id=known,
            key_id=caller.key_id,
            user_id=caller.user_id,
            model=request.model[:256],
            status=objects.status_of(response),
            input=given,
            response=told,
            created_ms=now_ms,
            expires_ms=now_ms + self._keep_ms,
        )

    def _too_large(self, param: str | None) -> Conflict:
        return Conflict(
            f"The response and what led to it have more than {self._most} bytes, which is not "
            "kept.",
            code="response_too_large",
            param=param,
            hint="Send the whole conversation in 'input', or go on from a shorter one.",
        )

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


def _owns(caller: Caller, kept: Kept) -> bool:
    """Whether a response belongs to a caller: to the same person, or to the same key."""
    if kept.user_id is not None and kept.user_id == caller.user_id:
        return True
    return kept.key_id == caller.key_id
