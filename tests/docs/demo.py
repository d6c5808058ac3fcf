"""A demo as a process of its own, started as a newcomer would."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

BIN = Path(sys.prefix) / "bin"
PATH = f"{BIN}:/usr/local/bin:/usr/bin:/bin"
SECONDS_TO_STOP = 30


class Demo(msgspec.Struct, frozen=True):
    """A demo that has printed its welcome.

    Attributes:
        environment: what a shell beside it has, with the demo's key as ``KEY``.
        curl: the line that it printed for copying.
        welcome: the lines that it printed before that one.
    """

    base_url: str
    data: Path
    environment: dict[str, str]
    curl: str
    welcome: tuple[str, ...]


@contextmanager
def running_demo(
    data: Path, *, command: Sequence[str] = (str(BIN / "trunkline"),), cwd: Path | None = None
) -> Iterator[Demo]:
    """Serve a demo in a data directory on a free port; it has to stop with code 0."""
    environment = {
        "PATH": PATH,
        "HOME": str(data.parent),
        "TRUNKLINE_DATA_DIR": str(data),
        "TRUNKLINE_SHUTDOWN_NOTICE": "0",
    }
    process = subprocess.Popen(
        [*command, "demo", "--port", "0"],
        cwd=cwd or data.parent,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None:
            raise AssertionError("it was opened as a pipe")
        welcome: list[str] = []
        curl = None
        for line in process.stdout:
            if line.startswith("curl "):
                curl = line
                break
            welcome.append(line)
        if curl is None:
            log = data / "trunkline.log"
            raise AssertionError(log.read_text() if log.exists() else "the demo did not start")
        told = json.loads((data / "demo.json").read_text())
        yield Demo(
            told["base_url"], data, environment | {"KEY": told["api_key"]}, curl, tuple(welcome)
        )
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(SECONDS_TO_STOP)
        if process.stdout is not None:
            process.stdout.close()
    assert code == 0
