"""The analysing process as requests see it: a queue, and what becomes of a process that fails."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Final, NoReturn

import msgspec
import structlog
from typing_extensions import override

from trunkline.gateway.guarding.analysis import Analysis, AnalysisDown, AwaitedGuard, Spot, Task
from trunkline.gateway.guarding.guard import Guard
from trunkline.guardrails.presidio.talk import Lost, Patience, Talk, talking

MOST_WAITING: Final = 64
MOST_CHARACTERS: Final = 200_000
"""Of one request; more would take a process longer than its patience."""
MOST_TASKS: Final = 16
"""For so many a process is made ready before it is asked."""

_log = structlog.stdlib.get_logger("trunkline.guardrails.presidio")


class _Waiting(msgspec.Struct, eq=False):
    task: Task
    texts: Sequence[str]
    answer: asyncio.Future[list[list[Spot]]]


class AnalysisProcess(Analysis):
    """Has texts looked at in a process of its own, one order after another.

    The process starts with the first guard that needs it and is started again when it ends, and
    when it is frozen; while it is down nobody waits for it. Its state is the queue and the process.
    The composition root owns it and closes it.
    """

    def __init__(self, argv: Sequence[str], *, patience: Patience | None = None) -> None:
        """Nothing runs yet.

        Args:
            argv: the program, which speaks as ``messages.py`` says, and its arguments.
            patience: how long to wait for it.
        """
        self._argv = tuple(argv)
        self._patience = patience or Patience()
        self._queue: deque[_Waiting] = deque()
        self._filled = asyncio.Event()
        self._tasks: dict[Task, None] = {}
        self._down = False
        self._pause = self._patience.pause
        self._said = ""
        self._keeper: asyncio.Task[NoReturn] | None = None
        self._restarts = 0

    @property
    def started(self) -> bool:
        """Whether anything has needed the process."""
        return self._keeper is not None

    @property
    def down(self) -> bool:
        """Whether a process failed and the next one is not ready."""
        return self._down

    @property
    def restarts(self) -> int:
        """How often the process was started again."""
        return self._restarts

    def expect(self, guard: Guard) -> None:
        """Get ready for a guard, if it needs us: requests would wait for the start in vain."""
        if not isinstance(guard, AwaitedGuard) or guard.task in self._tasks:
            return
        self._tasks[guard.task] = None
        if len(self._tasks) > MOST_TASKS:
            del self._tasks[next(iter(self._tasks))]
        if len(self._queue) < MOST_WAITING:
            self._enqueue(guard.task, ())

    @override
    async def look(self, task: Task, texts: Sequence[str]) -> list[list[Spot]]:
        if not texts:
            return []
        if sum(map(len, texts)) > MOST_CHARACTERS:
            raise AnalysisDown("too_large")
        if self._down:
            raise AnalysisDown("down")
        if len(self._queue) >= MOST_WAITING:
            raise AnalysisDown("busy")
        waiting = self._enqueue(task, texts)
        try:
            return await waiting.answer
        finally:
            # Whoever left gives the place back.
            with contextlib.suppress(ValueError):
                self._queue.remove(waiting)

    async def close(self) -> None:
        """End the process. Idempotent."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        self._fail_all()

    def _enqueue(self, task: Task, texts: Sequence[str]) -> _Waiting:
        waiting = _Waiting(task, texts, asyncio.get_running_loop().create_future())
        # Nobody may be left to hear of a failure.
        waiting.answer.add_done_callback(_heard)
        self._queue.append(waiting)
        self._filled.set()
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="analysis")
        return waiting

    async def _keep(self) -> NoReturn:
        while True:
            try:
                async with talking(self._argv, self._patience) as talk:
                    await self._serve(talk)
            except Exception as lost:  # noqa: BLE001 - Whatever happened, the next one may do better.
                self._note(str(lost) or repr(lost))
            self._down = True
            self._fail_all()
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, self._patience.longest)
            self._restarts += 1

    async def _serve(self, talk: Talk) -> NoReturn:
        """Answer with one process, until it is lost."""
        end = asyncio.create_task(talk.ended())
        end.add_done_callback(lambda _: self._filled.set())
        try:
            await self._answer(talk, end)
        finally:
            end.cancel()

    async def _answer(self, talk: Talk, end: asyncio.Task[int]) -> NoReturn:
        for task in tuple(self._tasks):
            await talk.ask(task, ())
        self._down = False
        self._pause = self._patience.pause
        self._said = ""
        while True:
            waiting = await self._next(end)
            try:
                told = await talk.ask(waiting.task, waiting.texts)
            except Lost:
                self._down = True
                _fail(waiting)
                raise
            if told.failure is not None:
                self._note(told.failure)
            if told.failure is not None or len(told.found) != len(waiting.texts):
                _fail(waiting)
            elif not waiting.answer.done():
                waiting.answer.set_result(told.found)

    async def _next(self, end: asyncio.Task[int]) -> _Waiting:
        while not self._queue:
            if end.done():
                raise Lost(f"the process ended with {end.result()}")
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()

    def _fail_all(self) -> None:
        while self._queue:
            _fail(self._queue.popleft())

    def _note(self, failure: str) -> None:
        """Tell the operator, once for as long as it is the same and no process gets ready."""
        if failure != self._said:
            self._said = failure
            _log.warning("analysis_failed", error=failure, program=self._argv[0])


def _fail(waiting: _Waiting) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(AnalysisDown("down"))


def _heard(answer: asyncio.Future[list[list[Spot]]]) -> None:
    if not answer.cancelled():
        answer.exception()
