"""Analysing processes of this test process."""

import contextlib

import psutil


def analysers() -> list[psutil.Process]:
    """Those that run; the servers that tests share are children of this process as well."""
    return [child for child in psutil.Process().children() if _analyses(child)]


def _analyses(child: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return any("analyser" in word for word in child.cmdline())
    return False
