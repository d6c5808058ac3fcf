"""The worker's side: count, correct, remove."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from trunkline.errors import InternalError, TrunklineError
from trunkline.gateway.metering.price import cost_of
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.clock import Clock
from trunkline.ledger.corrections import Correcting, tell_it_stands
from trunkline.ledger.recount.process import count_tokens
from trunkline.ledger.recount.texts import SUFFIX, Texts, decode
from trunkline.ledger.repository.attempts import find_attempts
from trunkline.ledger.repository.rollups import add_to_rollups
from trunkline.ledger.rollups import Rollups
from trunkline.ledger.rows import LARGEST_NANO, Row, count
from trunkline.storage.engine import Database
from trunkline.storage.tables.ledger import TOKEN_BUCKETS

RECOUNT = "recount"
LOOK_SECONDS = 2.0
# An attempt whose row has not come by then never will.
MOST_WAIT_MS = 3_600_000
MOST_AT_ONCE = 200

_log = structlog.stdlib.get_logger("trunkline.ledger.recount")


class Recounter:
    """Corrects estimates of attempts. It has no state: what is to be done lies in the folder."""

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Look for texts every two seconds, until told to stop."""
        while not stop.is_set():
            try:
                await self.count_all()
            except (TrunklineError, SQLAlchemyError, OSError) as error:
                _log.warning("recount_failed", error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)

    async def count_all(self) -> int:
        """Count what lies there; how many attempts were corrected."""
        known: dict[Path, Texts] = {}
        for path in sorted(self._folder.glob(f"*{SUFFIX}"))[:MOST_AT_ONCE]:
            texts = _read(path)
            if texts is None:
                path.unlink(missing_ok=True)
            else:
                known[path] = texts
        due = await self._due(known)
        corrected = 0
        for path, usage in zip(due, await _counted(due), strict=True):
            corrected += await self._correct(known[path], usage)
            path.unlink(missing_ok=True)
        return corrected

    async def _due(self, known: dict[Path, Texts]) -> list[Path]:
        """Those whose rows are there and still estimates; what needs no count is removed."""
        async with self._database.read(None) as connection:
            rows = await find_attempts(connection, [t.attempt_id for t in known.values()])
        due = []
        for path, texts in known.items():
            row = rows.get(texts.attempt_id)
            if row is not None and row["cost_state"] != "exact" and not row["revision"]:
                due.append(path)
            elif row is not None or self._now_ms() - texts.made_ms > MOST_WAIT_MS:
                path.unlink(missing_ok=True)
        return due

    async def _correct(self, texts: Texts, usage: Usage | None) -> bool:
        """Book the count; without one the estimate stands, and those who wait hear of it."""
        async with self._database.write(None) as connection:
            row = (await find_attempts(connection, [texts.attempt_id]))[texts.attempt_id]
            if usage is None:
                await tell_it_stands(connection, row)
                return False
            moved = Rollups()
            better = Correcting(connection, moved, reason=RECOUNT, made_ms=self._now_ms())
            corrected = await better.correct(row, _change(row, texts, usage))
            await add_to_rollups(connection, moved)
            await better.tell()
        return corrected

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)


async def _counted(paths: Sequence[Path]) -> list[Usage | None]:
    """The usage of each file; None for one that breaks the counting, which must not stop others."""
    if not paths:
        return []
    try:
        return list(await count_tokens(paths))
    except InternalError as error:
        if len(paths) == 1:
            _log.warning("texts_not_counted", file=paths[0].name, error=error.message)
            return [None]
    return [usage for path in paths for usage in await _counted([path])]


def _change(row: Row, texts: Texts, usage: Usage) -> Row:
    nano = cost_of(usage, texts.price, row["service_tier"]) if texts.price else None
    if nano is not None and texts.hold_nano is not None:
        nano = min(nano, texts.hold_nano)
    return {
        "cost_state": row["cost_state"] if nano is not None else "unpriced",
        "cost_nano": count(nano, LARGEST_NANO),
        "price_ref": row["price_ref"],
        **{name: getattr(usage, name) for name in TOKEN_BUCKETS},
    }


def _read(path: Path) -> Texts | None:
    try:
        return decode(path.read_bytes())
    except (msgspec.MsgspecError, OSError) as error:
        _log.warning("texts_not_read", file=path.name, error=str(error))
        return None
