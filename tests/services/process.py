"""Start a real server as a child on a free port, and end it."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

START_TIMEOUT = 30.0  # Seconds.


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged_user(name: str) -> str | None:
    """The user that a server must run as, or None where the tests are not run by root."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name).pw_name
    return "nobody"


@contextlib.contextmanager
def private_directory(user: str | None) -> Iterator[Path]:
    """A directory outside of pytest's own, which other users may not enter."""
    path = Path(tempfile.mkdtemp(prefix="trunkline-test-"))
    try:
        if user is not None:
            shutil.chown(path, user)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(command: Sequence[str], *, port: int, log: Path, user: str | None) -> Iterator[None]:
    """Run a server until the block ends; it is ready when its port accepts connections."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, user=user, cwd="/"
        ) as child,
    ):
        try:
            _wait_for_port(child, port, log)
            yield
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def _wait_for_port(child: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{child.args!r} did not start: {log.read_text(errors='replace')}")
