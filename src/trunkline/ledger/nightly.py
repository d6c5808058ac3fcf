"""Every night the sums are compared with the attempts that they were made of."""

import asyncio
import contextlib

import structlog
from sqlalchemy.exc import SQLAlchemyError

from trunkline.errors import TrunklineError
from trunkline.kit.clock import Clock
from trunkline.ledger.rollups import DAY_MS, HOUR_MS
from trunkline.ledger.service import Ledger

LOOK_SECONDS = 60.0
# When few people work in most places; the comparison reads every attempt of its period.
HOUR_OF_NIGHT = 3
# A budget of a calendar month never looks further back.
DAYS = 35


class NightlyReconcile:
    """Reconciles once after 03:00 UTC; the worker runs it.

    Its state is the day of the next run and what the last run found, None before it.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._due_ms = self._night_after(self._now_ms())
        self.differences: int | None = None
        self._log = structlog.get_logger("trunkline.ledger.nightly")

    async def run(self, stop: asyncio.Event) -> None:
        """Look every minute whether the time has come, until told to stop."""
        while not stop.is_set():
            await self.run_if_due()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)

    async def run_if_due(self) -> bool:
        """Reconcile if the night has come; a failing database is asked again at the next look."""
        now_ms = self._now_ms()
        if now_ms < self._due_ms:
            return False
        try:
            found = await self._ledger.reconcile(now_ms - DAYS * DAY_MS, now_ms)
        except (TrunklineError, SQLAlchemyError) as error:
            self._log.warning("reconcile_failed", error=str(error))
            return False
        self._due_ms = self._night_after(now_ms)
        self.differences = len(found)
        for difference in found:
            self._log.error(
                "rollup_differs",
                org_id=difference.org_id,
                grain=difference.grain,
                start_ms=difference.start_ms,
                missing=difference.missing,
            )
        return True

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)

    @staticmethod
    def _night_after(now_ms: int) -> int:
        night = now_ms - now_ms % DAY_MS + HOUR_OF_NIGHT * HOUR_MS
        return night if night > now_ms else night + DAY_MS
