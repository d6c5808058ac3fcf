"""The machine: which core is whose, and what to call it in results."""

import contextlib
import fcntl
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec


class Cores(msgspec.Struct, frozen=True):
    """Two cores: one for the candidate that is measured, one for load and provider."""

    candidate: int
    load: int


_LOCK = Path(tempfile.gettempdir()) / "trunkline-bench.lock"


class CannotMeasure(Exception):
    """The run as a whole cannot happen; the sentence says why."""


def claim_cores() -> Cores:
    """Take two cores, and keep this process and its children on the one of the load.

    Raises:
        CannotMeasure: there is only one.
    """
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise CannotMeasure("Two cores are needed: one for the candidate, one for the load.")
    cores = Cores(candidate=available[0], load=available[1])
    os.sched_setaffinity(0, {cores.load})
    return cores


@contextlib.contextmanager
def alone(say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other run measures on this machine: two would only measure each other."""
    with _LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is measuring; waiting for its end ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def describe() -> str:
    """Processor, cores, memory and system in one line."""
    return ", ".join((
        _field(Path("/proc/cpuinfo"), "model name"),
        f"{os.cpu_count()} cores",
        f"{int(_field(Path('/proc/meminfo'), 'MemTotal').split()[0]) / 1024**2:.0f} GB",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
    ))  # fmt: skip


def _field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
