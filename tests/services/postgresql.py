"""A PostgreSQL server of Debian's packages for the session, and fresh databases on it.

Each pytest-xdist worker starts a server of its own, so workers share nothing.
"""

import asyncio
import contextlib
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from tests.services.process import free_port, private_directory, running, unprivileged_user

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
OWNER = "trunkline_owner"
READY_WITHIN = 30.0  # Seconds.

INITDB_OPTIONS = ("-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

# Durability costs time and protects nothing in a server that lives for one test session.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "jit": "off",
}


@dataclass(frozen=True)
class PostgreSQLServer:
    """A running server; ``OWNER`` may make roles and databases and is no superuser."""

    port: int

    def url(self, database: str, user: str = OWNER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template1") -> str:
        """A new database that belongs to ``OWNER``; its name."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER {OWNER}')
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the superuser."""
        asyncio.run(self._execute(statement, database))

    def wait_until_ready(self) -> None:
        """An open port is not enough: while it recovers, the server refuses every session."""
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                self.execute("SELECT 1")
            except asyncpg.CannotConnectNowError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    async def _execute(self, statement: str, database: str) -> None:
        connection = await asyncpg.connect(self.url(database, "postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextlib.contextmanager
def serving_postgresql() -> Iterator[PostgreSQLServer]:
    """A server of its own, ended with the block; Debian's package must be installed."""
    binaries = INSTALLED[-1].parent
    user = unprivileged_user("postgres")
    with private_directory(user) as directory:
        data = directory / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", *INITDB_OPTIONS],
            check=True,
            capture_output=True,
            user=user,
            cwd="/",
        )
        port = free_port()
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port)]
        for name, value in OPTIONS.items():
            command += ["-c", f"{name}={value}"]
        with running(command, port=port, log=directory / "log", user=user):
            server = PostgreSQLServer(port)
            server.wait_until_ready()
            server.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB")
            yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQLServer]:
    """The server; tests that need it are skipped where Debian's package is not installed."""
    if not INSTALLED:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    with serving_postgresql() as server:
        yield server


@pytest.fixture
def empty_postgresql(postgresql_server: PostgreSQLServer) -> Iterator[str]:
    """The URL of a database without any table."""
    name = postgresql_server.create_database()
    yield postgresql_server.url(name)
    postgresql_server.drop_database(name)
