"""One analysing process from its start to its end, and what is said to it."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from trunkline.gateway.guarding.analysis import Task
from trunkline.guardrails.presidio.messages import Order, Told, read_told, write_order

_ANALYSER: Final = Path(__file__).with_name("analyser.py")
_MOST_LINE_BYTES: Final = 16_777_216


class Patience(msgspec.Struct, frozen=True):
    """How long the front waits; all in seconds.

    Attributes:
        start: until a process is ready, which reads a hundred megabytes of libraries.
        answer: until an order is answered, or the process counts as frozen.
        pause: before a process that failed is started again; twice as long after each further one.
        longest: the longest pause.
    """

    start: float = 90.0
    answer: float = 30.0
    pause: float = 0.5
    longest: float = 60.0


class Lost(Exception):
    """The process is of no use any more; the sentence says why."""


def presidio(python: Path | None) -> list[str]:
    """The program that looks with Presidio.

    Args:
        python: the interpreter that has it; our own by default.
    """
    # Isolated: it sees neither our environment nor the folder that it is run from.
    return [str(python or sys.executable), "-I", str(_ANALYSER)]


class Talk:
    """Asks a process one thing after another. Its state is the number of the last order."""

    def __init__(self, process: Process, patience: float) -> None:
        self._process = process
        self._patience = patience
        self._number = 0

    async def ask(self, task: Task, texts: Sequence[str]) -> Told:
        """The answer, or why there is none.

        Raises:
            Lost: the process died, is frozen, or says what cannot be understood.
        """
        if self._process.stdin is None:
            raise AssertionError("the process has a pipe")
        self._number += 1
        self._process.stdin.write(write_order(Order(self._number, task, list(texts))))
        return await self.hear(self._patience)

    async def ended(self) -> int:
        """Wait for the end of the process; its code."""
        return await self._process.wait()

    async def hear(self, patience: float) -> Told:
        """The next answer.

        Raises:
            Lost: as ``ask``.
        """
        if self._process.stdout is None:
            raise AssertionError("the process has a pipe")
        try:
            async with asyncio.timeout(patience):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise Lost(f"nothing was said for {patience:g} s") from None
        except ValueError:
            raise Lost("an answer is too long") from None
        if not line:
            raise Lost(f"the process ended with {await self.ended()}")
        try:
            told = read_told(line)
        except msgspec.MsgspecError:
            raise Lost("an answer cannot be read") from None
        if told.number != self._number:
            raise Lost("an answer belongs to another order")
        return told


@contextlib.asynccontextmanager
async def talking(argv: Sequence[str], patience: Patience) -> AsyncIterator[Talk]:
    """Start a process, wait until it is ready, and end it.

    Raises:
        Lost: it did not become ready.
        OSError: the program cannot be run at all.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=PIPE,
        stdout=PIPE,
        # Libraries may say what they are looking at.
        stderr=DEVNULL,
        # Our own environment has secrets.
        env={"LC_ALL": "C.UTF-8"},
        limit=_MOST_LINE_BYTES,
        start_new_session=True,
    )
    try:
        talk = Talk(process, patience.answer)
        try:
            await talk.hear(patience.start)
        except Lost as lost:
            raise Lost(f"{lost} before it was ready: has its Python presidio-analyzer?") from None
        yield talk
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
