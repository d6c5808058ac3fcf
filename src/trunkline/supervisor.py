"""Two processes under one command: the front, which is this process, and a worker beside it.

The front is the parent, so that no third process only waits. The worker starts when the front
listens, since it reaches models through it, and stops after the front has drained, since it ships
what the front's journal holds last.
"""

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from typing import IO, Any, Final, Protocol

import msgspec

from trunkline.kit.clock import Clock, SystemClock

_LOG: Final = logging.getLogger(__name__)


class BackOff(msgspec.Struct, frozen=True):
    """How long a process that died waits before it is started again; all in seconds.

    Attributes:
        first: the first wait; each further one is twice as long.
        longest: the longest wait.
        steady: a process that ran for this long is healthy again and begins with ``first``.
    """

    first: float = 0.5
    longest: float = 30.0
    steady: float = 60.0

    def wait(self, failures: int) -> float:
        """The wait after so many failures in a row, at least one."""
        # Beyond 30 doublings any wait is the longest one, and a float does not overflow.
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 30))


class ChildProcess:
    """A process that is kept running until it is told to stop.

    It is the leader of a session of its own, so that Ctrl-C in a terminal reaches only the parent,
    which then stops it in order. Its standard input is a pipe that nobody writes to and that ends
    with the parent, however the parent ends: see ``watch_parent``.

    Attributes:
        name: what the log calls it.
        restarts: how often it was started again.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        name: str,
        clock: Clock | None = None,
        back_off: BackOff | None = None,
        output: int | None = None,
    ) -> None:
        """Nothing runs before ``start``.

        Args:
            argv: the program and its arguments.
            name: what the log calls it.
            clock: measures how long a process kept running.
            back_off: how long to wait before it is started again.
            output: descriptor for what the process prints; without it, this process's own.
        """
        self.name = name
        self.restarts = 0
        self._argv = tuple(argv)
        self._clock = clock or SystemClock()
        self._back_off = back_off or BackOff()
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._output = output
        self._stopping = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether the process is there now."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    async def start(self) -> None:
        """Start the process and keep it running.

        Raises:
            OSError: the program cannot be run at all.
        """
        if self._keeper is not None:
            raise RuntimeError(f"{self.name} was started before")
        self._process = await self._spawn()
        self._keeper = asyncio.create_task(self._keep(self._process))

    async def stop(self, patience: float) -> None:
        """Send SIGTERM, and SIGKILL after so many seconds. Idempotent."""
        self._stopping.set()
        if self._keeper is None:
            return
        self._signal(Process.terminate)
        _, unfinished = await asyncio.wait({self._keeper}, timeout=patience)
        if unfinished:
            _LOG.warning("%s did not stop within %g s and is killed.", self.name, patience)
            self._signal(Process.kill)
        await self._keeper

    async def _keep(self, process: Process) -> None:
        failures = 0
        while True:
            began = self._clock.monotonic()
            code = await process.wait()
            _close_lifeline(process)
            if self._stopping.is_set():
                return
            steady = self._clock.monotonic() - began >= self._back_off.steady
            failures = 1 if steady else failures + 1
            wait = self._back_off.wait(failures)
            _LOG.error("%s ended with %d; it starts again in %g s.", self.name, code, wait)
            next_process = await self._start_again(wait)
            if next_process is None:
                return
            process = next_process

    async def _start_again(self, wait: float) -> Process | None:
        """The next process, or None when there shall be none."""
        while not await self._stopped_within(wait):
            process = await self._spawn_if_possible()
            if process is None:
                wait = self._back_off.longest
                continue
            self.restarts += 1
            self._process = process
            if self._stopping.is_set():
                # The stop came while the process was being started, so it has heard nothing.
                self._signal(Process.terminate)
            return process
        return None

    async def _spawn_if_possible(self) -> Process | None:
        try:
            return await self._spawn()
        except OSError as error:
            _LOG.error("%s cannot be started: %s.", self.name, error)
            return None

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def _spawn(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=PIPE,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    def _signal(self, send: Callable[[Process], None]) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                send(self._process)


class Front(Protocol):
    """The server that this process runs."""

    async def serve(self) -> None:
        """Serve until told to stop."""
        ...

    async def listening(self) -> None:
        """Wait until requests are accepted."""
        ...

    def stop(self) -> None:
        """Begin to stop; a second call does not wait for what still runs."""
        ...


async def serve_beside(front: Front, worker: ChildProcess, *, patience: float) -> None:
    """Serve, with the worker running from when the front listens until after it has drained.

    Args:
        front: served in this task's loop.
        worker: not started yet.
        patience: seconds that the worker gets to stop.

    Raises:
        OSError: the worker's program cannot be run; the front has been stopped. What the front
            raises is raised here too, after the worker has stopped.
    """
    serving = asyncio.ensure_future(front.serve())
    listening = asyncio.ensure_future(front.listening())
    try:
        await asyncio.wait({serving, listening}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await worker.start()
        await serving
    finally:
        listening.cancel()
        if not serving.done():
            front.stop()
            front.stop()
            await serving
        await worker.stop(patience)


async def watch_parent(on_lost: Callable[[], None], lifeline: IO[Any] | None = None) -> None:
    """In a process that ``ChildProcess`` started: wait for the end of the parent, then call.

    Args:
        on_lost: called once when the parent has gone; it should stop the process in order.
        lifeline: the pipe that ends with the parent; standard input by default.
    """
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), lifeline or sys.stdin
    )
    try:
        while await reader.read(1024):
            pass
    finally:
        transport.close()
    on_lost()


def _close_lifeline(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
