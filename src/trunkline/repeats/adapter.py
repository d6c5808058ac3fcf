"""The gateway's port ``Repeats`` on the database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from typing_extensions import override

from trunkline.errors import Conflict, Unavailable
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import Repeats, StoredAnswer
from trunkline.kit.clock import Clock
from trunkline.repeats import repository
from trunkline.repeats.repository import Claim, Kept, Place
from trunkline.storage.engine import Database

KEEP_MS = 24 * 3600 * 1000
LONGEST_RUN_MS = 3600 * 1000  # Longer than any request may run.
LARGEST_ANSWER = 1_000_000  # Bytes.
STORE_PAUSES = (0.0, 0.2, 1.0)  # Seconds before each try to store an answer.

logger = logging.getLogger(__name__)


class StoredRepeats(Repeats):
    """Keeps claims and answers in ``idempotent_answer``; has no state of its own."""

    def __init__(
        self,
        database: Database,
        *,
        owner: str,
        is_alive: Callable[[str], Awaitable[bool]],
        clock: Clock,
    ) -> None:
        """Ready at once.

        Args:
            database: where claims and answers are kept.
            owner: identifies this run of this process; another after each start.
            is_alive: whether the run of an owner goes on, such as ``ProcessRegistry.is_alive``.
            clock: tells when an answer was given.
        """
        self._database = database
        self._owner = owner
        self._is_alive = is_alive
        self._clock = clock

    @override
    async def begin(self, caller: Caller, key: str, fingerprint: bytes) -> StoredAnswer | None:
        place = Place(caller.org_id, caller.key_id, key)
        now_ms = self._now_ms()
        wanted = Claim(fingerprint, self._owner, now_ms, now_ms + KEEP_MS)
        while True:
            async with self._database.write(caller.org_id) as conn:
                if await repository.claim(conn, place, wanted):
                    return None
                kept = await repository.find(conn, place)
            # None when the first request gave the key back between the two statements.
            if kept is not None:
                return await self._repeat(kept, fingerprint)

    @override
    async def finish(self, caller: Caller, key: str, answer: StoredAnswer | None) -> None:
        """Keep the answer. A database that stays away is logged and costs the repeat, not money.

        The claim then says that it runs until ``LONGEST_RUN_MS`` has passed, and afterwards that
        its outcome is unknown.
        """
        place = Place(caller.org_id, caller.key_id, key)
        for pause in STORE_PAUSES:
            await asyncio.sleep(pause)
            try:
                await self._store(place, answer)
            except Unavailable as error:
                logger.warning("An answer could not be kept for repeats: %s", error.reference)
            else:
                return

    async def purge(self) -> int:
        """Remove what has expired; how many claims. Call it now and then, such as hourly."""
        total = 0
        while True:
            async with self._database.write(None) as conn:
                removed = await repository.purge(conn, self._now_ms())
            total += removed
            if removed < repository.PURGE_BATCH:
                return total

    async def _store(self, place: Place, answer: StoredAnswer | None) -> None:
        async with self._database.write(place.org_id) as conn:
            if answer is None:
                await repository.give_back(conn, place, self._owner)
            elif len(answer.body) > LARGEST_ANSWER:
                await repository.keep_that_it_was_too_large(conn, place, self._owner)
            else:
                await repository.keep(conn, place, self._owner, answer)

    async def _repeat(self, kept: Kept, fingerprint: bytes) -> StoredAnswer:
        """The answer to a request whose key was used before.

        The cases, in order:

        1. the key was used for another request;
        2. the answer is there, or was too large to keep;
        3. the first request runs in a process that lives;
        4. nobody will ever say how it ended.
        """
        if kept.claim.fingerprint != fingerprint:
            raise Conflict(
                "This Idempotency-Key was used for a different request.",
                code="idempotency_key_reused",
                hint="Use a new key for each request, and the same key only to repeat it.",
            )
        if kept.answer is not None:
            return kept.answer
        if kept.state == "too_large":
            raise Conflict(
                "The first request with this Idempotency-Key was answered with more than 1 MB, "
                "which is not kept.",
                code="idempotency_answer_too_large",
                hint="Send the request with a new key if you accept that it is billed again.",
            )
        recent = self._now_ms() - kept.claim.created_ms < LONGEST_RUN_MS
        if recent and (kept.claim.owner == self._owner or await self._is_alive(kept.claim.owner)):
            raise Conflict(
                "The first request with this Idempotency-Key is still running.",
                code="idempotency_key_in_use",
                hint="Repeat the request when the first has ended.",
                retry_after=1,
                should_retry=True,
            )
        raise Conflict(
            "The first request with this Idempotency-Key broke off, and may have been billed.",
            code="idempotency_outcome_unknown",
            hint="Send the request with a new key if you accept that it is billed again.",
        )

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)
