"""Decide whether the schema is behind, and have a child process bring it to its newest version.

Alembic costs 12 MB of memory that the front would keep for good, so it is loaded in a child that
ends with its work. When the schema is at head, which is almost always, no child is started.
"""

import asyncio
import sys
from pathlib import Path

import msgspec
from sqlalchemy import column, inspect, select, table

from trunkline.errors import Unavailable
from trunkline.storage.backend import Backend

VERSIONS = Path(__file__).parent / "migrations" / "versions"
MIGRATION_TIMEOUT = 600.0  # Seconds; the child is then ended and the schema stays as it was.

_ALEMBIC_VERSION = table("alembic_version", column("version_num"))


def head_revision() -> str:
    """The newest version that the code knows: file names start with it, in a linear chain."""
    return max(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*.py"))


async def current_revision(backend: Backend) -> str | None:
    """The version of the schema in the database, None before the first migration."""
    async with backend.owner() as connection:
        present = await connection.run_sync(
            lambda sync: inspect(sync).has_table(_ALEMBIC_VERSION.name)
        )
        if not present:
            return None
        return (
            await connection.execute(select(_ALEMBIC_VERSION.c.version_num))
        ).scalar_one_or_none()


async def bring_to_head(backend: Backend) -> None:
    """Upgrade the schema if it is behind. A database from a newer release is refused."""
    head = head_revision()
    current = await current_revision(backend)
    if current == head:
        return
    if current is not None and current > head:
        raise Unavailable(
            f"The database has schema {current}, and this release knows schemas up to {head}.",
            code="database_too_new",
            hint="Start the release that made it, or a newer one.",
        )
    await _upgrade_in_child(backend.migration_url)
    await backend.forget_connections()


async def _upgrade_in_child(url: str) -> None:
    # The URL holds a password, so it goes through a pipe and not on the command line.
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trunkline.storage.migrations",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(MIGRATION_TIMEOUT):
            _, complaint = await child.communicate(msgspec.json.encode({"url": url}))
    except TimeoutError:
        complaint = b"it took too long"
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise Unavailable(
            f"The database could not be migrated: {lines[-1] if lines else 'no reason given'}.",
            code="migration_failed",
            hint="Nothing was changed. Correct the cause and start again.",
            reference="\n".join(lines),
        )
