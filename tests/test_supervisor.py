"""A worker beside the front, as real processes."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from trunkline.kit.clock import FakeClock
from trunkline.supervisor import BackOff, ChildProcess, serve_beside, watch_parent

BOUND = 10.0
QUICK = BackOff(first=0.01, longest=0.05)

# Each run adds a line to the file in argv[1], so that a test can see that and which process ran.
SAY = "import os, sys, time, signal; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n');"
STAY = SAY + "time.sleep(60)"
DIE = SAY + "sys.exit(3)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + STAY


@asynccontextmanager
async def child(
    program: str, log: Path, *, back_off: BackOff = QUICK, clock: FakeClock | None = None
) -> AsyncIterator[ChildProcess]:
    process = ChildProcess(
        [sys.executable, "-c", program, str(log)], name="worker", back_off=back_off, clock=clock
    )
    try:
        yield process
    finally:
        await process.stop(0.0)


def runs(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND):
        while not condition():  # noqa: ASYNC110 - a file of another process has no event
            await asyncio.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits only for its foster parent to ask how it ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_process_runs_until_it_is_stopped(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with child(STAY, log) as process:
        assert (process.running, process.pid) == (False, None)
        await process.start()
        await until(lambda: bool(runs(log)))
        assert (process.running, process.pid, process.restarts) == (True, runs(log)[0], 0)
        await process.stop(BOUND)
        assert (process.running, process.pid, process.restarts) == (False, None, 0)
        assert not psutil.pid_exists(runs(log)[0])


async def test_a_process_that_dies_is_started_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "log"
    async with child(STAY, log) as process:
        await process.start()
        await until(lambda: len(runs(log)) == 1)
        os.kill(runs(log)[0], signal.SIGKILL)
        await until(lambda: len(runs(log)) == 2 and process.restarts == 1)
        assert process.pid == runs(log)[1]
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "worker ended with -9; it starts again in 0.01 s."
    ]


async def test_a_process_that_keeps_dying_is_waited_for_longer_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "log"
    async with child(DIE, log) as process:
        await process.start()
        await until(lambda: len(runs(log)) >= 5 and process.restarts >= 4)
    waits = [record.message.rpartition("in ")[2] for record in caplog.records]
    assert waits[:4] == ["0.01 s.", "0.02 s.", "0.04 s.", "0.05 s."]


async def test_a_process_that_ran_steadily_begins_with_the_first_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log, clock = tmp_path / "log", FakeClock()
    async with child(STAY, log, clock=clock) as process:
        await process.start()
        for run, passed in enumerate([0.0, 0.0, 60.0], start=1):
            await until(lambda wanted=run: len(runs(log)) == wanted)  # type: ignore[misc] # a default binds the loop's variable
            clock.advance(passed)
            os.kill(runs(log)[-1], signal.SIGKILL)
        await until(lambda: len(runs(log)) == 4)
    waits = [record.message.rpartition("in ")[2] for record in caplog.records]
    assert waits[:3] == ["0.01 s.", "0.02 s.", "0.01 s."]


async def test_a_process_that_does_not_stop_is_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = tmp_path / "log"
    async with child(DEAF, log) as process:
        await process.start()
        await until(lambda: bool(runs(log)))
        await process.stop(0.1)
        assert not psutil.pid_exists(runs(log)[0])
    assert [record.message for record in caplog.records] == [
        "worker did not stop within 0.1 s and is killed."
    ]


async def test_a_stop_during_the_wait_starts_nothing_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with child(DIE, log, back_off=BackOff(first=60.0, longest=60.0)) as process:
        await process.start()
        await until(lambda: bool(runs(log)) and not process.running)
        await process.stop(BOUND)
        assert (process.restarts, len(runs(log))) == (0, 1)


async def test_a_stop_in_the_moment_of_a_start_is_heard(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with child(DIE, log, back_off=BackOff(first=0.0)) as process:
        await process.start()
        await until(lambda: process.restarts >= 2)
        await process.stop(BOUND)
        assert not process.running


async def test_a_program_that_cannot_be_run_is_said_at_once(tmp_path: Path) -> None:
    process = ChildProcess([str(tmp_path / "missing")], name="worker")
    with pytest.raises(FileNotFoundError):
        await process.start()
    await process.stop(0.0)
    assert not process.running


async def test_a_program_that_goes_missing_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program, log = tmp_path / "program", tmp_path / "log"
    program.write_text(f"#!/bin/sh\necho $$ >> {log}\nexec sleep 60\n")
    program.chmod(0o700)
    process = ChildProcess([str(program)], name="worker", back_off=QUICK)
    await process.start()
    await until(lambda: bool(runs(log)))
    away = program.rename(tmp_path / "away")
    os.kill(runs(log)[0], signal.SIGKILL)
    await until(lambda: any("cannot be started" in record.message for record in caplog.records))
    away.rename(program)
    await until(lambda: len(runs(log)) == 2 and process.restarts == 1)
    await process.stop(BOUND)


async def test_a_process_is_started_once(tmp_path: Path) -> None:
    async with child(STAY, tmp_path / "log") as process:
        await process.start()
        with pytest.raises(RuntimeError, match="started before"):
            await process.start()


async def test_a_signal_of_the_terminal_does_not_reach_the_process(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with child(STAY, log) as process:
        await process.start()
        await until(lambda: bool(runs(log)))
        assert os.getpgid(runs(log)[0]) != os.getpgid(0)


@pytest.mark.parametrize(("failures", "wait"), [(1, 0.5), (2, 1.0), (6, 16.0), (7, 30.0)])
def test_waits_double_up_to_the_longest(failures: int, wait: float) -> None:
    assert BackOff().wait(failures) == wait
    assert BackOff().wait(10_000) == 30.0


# The parent's end

WATCHING = """
import asyncio, os, sys
from trunkline.supervisor import watch_parent
open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')
async def main():
    await asyncio.wait_for(watch_parent(lambda: open(sys.argv[1] + '.lost', 'w').close()), 60)
asyncio.run(main())
"""

PARENT = """
import asyncio, sys
from trunkline.supervisor import ChildProcess
async def main():
    await ChildProcess([sys.executable, '-c', sys.argv[2], sys.argv[1]], name='worker').start()
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_process_ends_by_itself_when_its_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(log), WATCHING, env={"PYTHONPATH": "src"}
    )
    await until(lambda: bool(runs(log)))
    parent.kill()
    await parent.wait()
    await until(lambda: has_ended(runs(log)[0]))
    assert (tmp_path / "log.lost").exists()


async def test_what_is_written_to_the_lifeline_means_nothing() -> None:
    read, write = os.pipe()
    lost = asyncio.Event()
    watching = asyncio.create_task(watch_parent(lost.set, os.fdopen(read, "rb")))
    os.write(write, b"noise")
    await asyncio.sleep(0.05)
    assert not lost.is_set()
    os.close(write)
    await asyncio.wait_for(watching, BOUND)
    assert lost.is_set()


# Front and worker


class Front:
    """A front that listens and drains when the test says so, and keeps what the worker was."""

    def __init__(self, worker: ChildProcess, *, error: Exception | None = None) -> None:
        self.worker = worker
        self.error = error
        self.seen: list[tuple[str, bool]] = []
        self.open = asyncio.Event()
        self.stopped = asyncio.Event()

    async def serve(self) -> None:
        self.seen.append(("starting", self.worker.running))
        if self.error is not None:
            raise self.error
        self.open.set()
        await self.stopped.wait()
        self.seen.append(("drained", self.worker.running))

    async def listening(self) -> None:
        await self.open.wait()

    def stop(self) -> None:
        self.stopped.set()


async def test_the_worker_runs_from_listening_until_after_the_front_has_drained(
    tmp_path: Path,
) -> None:
    async with child(STAY, tmp_path / "log") as worker:
        front = Front(worker)
        serving = asyncio.create_task(serve_beside(front, worker, patience=BOUND))
        await until(lambda: worker.running)
        front.stop()
        await asyncio.wait_for(serving, BOUND)
        assert front.seen == [("starting", False), ("drained", True)]
        assert not worker.running


async def test_a_front_that_cannot_start_starts_no_worker(tmp_path: Path) -> None:
    async with child(STAY, tmp_path / "log") as worker:
        front = Front(worker, error=OSError("address in use"))
        with pytest.raises(OSError, match="address in use"):
            await serve_beside(front, worker, patience=BOUND)
        assert (worker.running, runs(tmp_path / "log")) == (False, [])


async def test_a_worker_that_cannot_be_run_stops_the_front(tmp_path: Path) -> None:
    worker = ChildProcess([str(tmp_path / "missing")], name="worker")
    front = Front(worker)
    with pytest.raises(FileNotFoundError):
        await serve_beside(front, worker, patience=BOUND)
    assert front.seen == [("starting", False), ("drained", False)]
