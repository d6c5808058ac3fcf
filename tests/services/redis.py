"""A Redis server for the session; each pytest-xdist worker starts its own."""

import shutil
from collections.abc import Iterator

import pytest
from tests.services.process import free_port, private_directory, running, unprivileged_user


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The server's URL; tests that need it are skipped where neither server is installed."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("Redis is not installed: apt install redis-server")
    user = unprivileged_user("redis")
    port = free_port()
    with private_directory(user) as directory:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--dir", str(directory)]
        with running(command, port=port, log=directory / "log", user=user):
            yield f"redis://127.0.0.1:{port}/0"
