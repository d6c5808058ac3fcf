"""The front's side: texts go into a folder, without holding up the event loop."""

import asyncio
import os
from pathlib import Path

import structlog
from typing_extensions import override

from trunkline.gateway.ports import Recounts, Unmetered
from trunkline.kit.clock import Clock
from trunkline.ledger.recount.texts import SUFFIX, Texts, encode

MOST_TEXT_BYTES = 2_097_152
MOST_WAITING_BYTES = 67_108_864

_log = structlog.stdlib.get_logger("trunkline.ledger.recount")


class RecountSpool(Recounts):
    """Writes texts for the worker. What does not fit keeps its first estimate.

    Its state is what this process has queued and not yet written. ``app.py`` owns and drains it.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._queued = 0
        self._writing: set[asyncio.Future[None]] = set()
        self.shed = 0

    @override
    def offer(self, unmetered: Unmetered) -> bool:
        size = len(unmetered.prompt) + len(unmetered.answer)
        if size > MOST_TEXT_BYTES or self._queued + size > MOST_WAITING_BYTES:
            self.shed += 1
            return False
        self._queued += size
        loop = asyncio.get_running_loop()
        writing = loop.run_in_executor(None, self._write, unmetered, size)
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        return True

    async def drain(self) -> None:
        """Wait until everything is written."""
        await asyncio.gather(*self._writing)

    def _write(self, unmetered: Unmetered, size: int) -> None:
        attempt = unmetered.attempt
        texts = Texts(
            attempt_id=attempt.id,
            made_ms=int(self._clock.now() * 1000),
            model=attempt.model,
            prompt=unmetered.prompt,
            answer=unmetered.answer,
            answer_bytes=unmetered.answer_bytes,
            generates=attempt.output_bound > 0,
            price=unmetered.price,
            hold_nano=attempt.hold_nano,
        )
        target = self._folder / f"{attempt.id}{SUFFIX}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = target.with_suffix(".part")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(encode(texts))
            part.replace(target)
        except OSError as error:
            self.shed += 1
            _log.warning("texts_not_written", error=str(error))
        finally:
            self._queued -= size
