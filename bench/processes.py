"""Processes that the benchmark starts: on a core of their own, and ended however it ends."""

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil

_PATIENCE: Final = 15.0
_MEGABYTE: Final = 1024.0
# What every process sees of the environment, so that no key or proxy of the user reaches one.
_SEARCHED: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unable(Exception):
    """A candidate, or one of its cases, cannot be measured; the sentence says why."""


class Memory(msgspec.Struct, frozen=True):
    """Resident megabytes now, and the most since ``forget_peak``."""

    now: float
    peak: float


class Spawned:
    """A running process and its children. Whoever called ``spawn`` ends it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.pid = process.pid
        self.log = log
        self._process = process

    def check(self) -> None:
        """Raise with the last words of the process where it has ended.

        Raises:
            Unable: it has ended.
        """
        code = self._process.poll()
        if code is not None:
            words = self.log.read_text(errors="replace").strip().splitlines()[-3:]
            raise Unable(f"it ended with {code}: {' '.join(words)[-300:]}")

    def cpu_seconds(self, *, children_only: bool = False) -> float:
        """User and system time so far, of the process and its children."""
        times = (process.cpu_times() for process in self._family(children_only=children_only))
        return sum(spent.user + spent.system for spent in times)

    def memory(self, *, children_only: bool = False) -> Memory:
        """Resident memory of the process and its children."""
        now = peak = 0.0
        for process in self._family(children_only=children_only):
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process.pid}/status").read_text()
                now += _kilobytes(status, "VmRSS") / _MEGABYTE
                peak += _kilobytes(status, "VmHWM") / _MEGABYTE
        return Memory(round(now, 1), round(peak, 1))

    def forget_peak(self) -> None:
        """Let the peak begin anew; where the kernel refuses, it stays that of the whole life."""
        for process in self._family(children_only=False):
            with contextlib.suppress(OSError):
                Path(f"/proc/{process.pid}/clear_refs").write_text("5")

    def wait_until_idle(self, patience: float = 60.0) -> None:
        """Wait until what an earlier load left is done, so that nothing disturbs the next."""
        deadline = time.monotonic() + patience
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.1)
            after = self.cpu_seconds()
            if after - before < 0.015:
                return
            before = after

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _family(self, *, children_only: bool) -> Iterator[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid)
            if not children_only:
                yield parent
            yield from parent.children(recursive=True)


def spawn(
    command: Sequence[str], *, core: int, log: Path, environment: Mapping[str, str] | None = None
) -> Spawned:
    """Start a process on a core; what it prints goes to a file.

    It is told to end when this process dies, however that happens, and it is in a session of its
    own, so that Ctrl+C reaches it through ``end`` alone.
    """
    prefix = ("setpriv", "--pdeathsig", "TERM", "taskset", "--cpu-list", str(core))
    with log.open("ab") as output:
        process = subprocess.Popen(
            (*prefix, *command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=clean_environment(log.parent) | dict(environment or {}),
            start_new_session=True,
        )
    return Spawned(process, log)


def clean_environment(home: Path) -> dict[str, str]:
    """Only what a program needs to start."""
    return {"PATH": _SEARCHED, "HOME": str(home), "LANG": "C.UTF-8"}


def find_program(name: str, package: str) -> str:
    """The path of a program.

    Raises:
        Unable: it is not installed.
    """
    found = shutil.which(name) or shutil.which(name, path=_SEARCHED)
    if found is None:
        raise Unable(f"{name} is not installed (Debian: apt-get install {package})")
    return found


def _kilobytes(status: str, name: str) -> int:
    for line in status.splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0
