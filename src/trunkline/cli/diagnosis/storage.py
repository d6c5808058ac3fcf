"""The data directory with the journal, the database, and the clock beside them."""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text

from trunkline.cli.diagnosis.finding import Finding
from trunkline.errors import TrunklineError
from trunkline.kit.clock import Clock
from trunkline.settings import Settings
from trunkline.storage.backend import Backend
from trunkline.storage.engine import Database
from trunkline.storage.filesystem import network_filesystem
from trunkline.storage.migrate import current_revision, head_revision
from trunkline.storage.postgresql import PostgreSQLBackend
from trunkline.storage.sqlite import FILE_NAME, SQLiteBackend

_MIB = 1024 * 1024
_LEAST_FREE = 256 * _MIB
_GOOD_FREE = 2048 * _MIB
# The journal is synced every 200 ms; a disk that needs longer than that falls behind for good.
_SLOW_SYNC_MS = 50.0
_TOO_SLOW_SYNC_MS = 200.0
_SYNCS = 5
_BLOCK = b"\0" * 4096
_OLDEST_SANE = 1_735_689_600  # The beginning of 2025: this release did not exist before.
_LARGEST_SKEW = 2.0
_FUTURE = 60.0


def check_volume(data_dir: Path) -> Iterator[Finding]:
    """Whether the journal can be written where it will be, fast enough and for long enough."""
    where = _existing(data_dir)
    kind = network_filesystem(where)
    if kind is not None:
        yield Finding(
            "journal",
            "fail",
            f"{data_dir} is on a network file system ({kind}), whose locks cannot be trusted.",
            "Set TRUNKLINE_DATA_DIR to a directory on a local disk.",
        )
    yield judge_free_space(shutil.disk_usage(where).free)
    try:
        latency = _sync_latency(where)
    except OSError as error:
        yield Finding(
            "journal",
            "fail",
            f"{where} cannot be written: {error.strerror}.",
            "Let the user that runs Trunkline write there, or set TRUNKLINE_DATA_DIR.",
        )
        return
    yield judge_latency(latency)


def _existing(path: Path) -> Path:
    """The directory itself, or the one in which it will be made."""
    return next(p for p in (path.resolve(), *path.resolve().parents) if p.is_dir())


def judge_free_space(free: int) -> Finding:
    """Whether so many bytes are enough."""
    says = f"{free // _MIB:,} MiB are free for the database and the journal."
    if free < _LEAST_FREE:
        return Finding("disk", "fail", says, "Make room: without it new requests get 503.")
    if free < _GOOD_FREE:
        return Finding("disk", "warn", says, "Make room before it runs out.")
    return Finding("disk", "ok", says)


def _sync_latency(where: Path) -> float:
    """Median milliseconds of writing a block through to the disk."""
    taken = []
    with tempfile.TemporaryFile(dir=where) as file:
        for _ in range(_SYNCS):
            os.write(file.fileno(), _BLOCK)
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def judge_latency(latency: float) -> Finding:
    """Whether the journal keeps up with a disk that needs so many milliseconds for a sync."""
    says = f"The journal's disk takes {latency:.1f} ms for a sync."
    remedy = "Put TRUNKLINE_DATA_DIR on a faster disk, at best an SSD."
    if latency > _TOO_SLOW_SYNC_MS:
        return Finding("journal", "fail", says, remedy)
    if latency > _SLOW_SYNC_MS:
        return Finding("journal", "warn", says, remedy)
    return Finding("journal", "ok", says)


def has_database(settings: Settings) -> bool:
    """Whether there is a database to look at; opening SQLite would make one."""
    return settings.database_url is not None or (settings.data_dir / FILE_NAME).is_file()


@asynccontextmanager
async def opened_backend(settings: Settings) -> AsyncIterator[Backend]:
    """The database as the owner of its schema sees it; nothing is migrated.

    Raises:
        InvalidRequest, Unavailable: it cannot be opened.
    """
    url = settings.database_url
    backend: Backend
    if url is None:
        backend = await SQLiteBackend.open(settings.data_dir / FILE_NAME, pool_size=1)
    else:
        backend = await PostgreSQLBackend.open(
            url.get_secret_value(), pool_size=1, application="trunkline doctor"
        )
    try:
        yield backend
    finally:
        await backend.close()


async def check_schema(backend: Backend) -> Finding:
    """Whether the database answers and has the schema of this release."""
    head = head_revision()
    current = await current_revision(backend)
    if current is None:
        return Finding(
            "database",
            "warn",
            "The database is empty.",
            "trunkline serve makes the schema at its first start.",
        )
    if current == head:
        return Finding("database", "ok", f"{backend.dialect} answers with schema {head}.")
    if current > head:
        return Finding(
            "database",
            "fail",
            f"The schema {current} is newer than this release, which knows {head}.",
            "Run the release that made it, or a newer one.",
        )
    return Finding(
        "database",
        "warn",
        f"The schema is {current} and this release brings {head}.",
        "trunkline serve upgrades it at its next start.",
    )


def unavailable(error: TrunklineError) -> Finding:
    """A database that cannot be opened or does not answer."""
    said = f"{error.message} {error.reference or ''}".strip()
    return Finding(
        "database", "fail", said, error.hint or "Check TRUNKLINE_DATABASE_URL and the server."
    )


async def check_clock(settings: Settings, database: Database | None, clock: Clock) -> Finding:
    """Whether the clock can be right: budgets, quotas and leases turn by it."""
    now = clock.now()
    remedy = "Keep the clock with NTP, for instance with systemd-timesyncd or chrony."
    if now < _OLDEST_SANE:
        return Finding("clock", "fail", "The clock is before the year 2025.", remedy)
    if database is not None and database.dialect == "postgresql":
        async with database.read(None) as connection:
            found = await connection.execute(text("SELECT extract(epoch FROM clock_timestamp())"))
            skew = float(found.scalar_one()) - clock.now()
        says = f"The clock differs from the database's by {abs(skew):.1f} s."
        if abs(skew) > _LARGEST_SKEW:
            return Finding("clock", "fail" if abs(skew) > _FUTURE else "warn", says, remedy)
        return Finding("clock", "ok", says)
    newest = max(
        (file.stat().st_mtime for file in settings.data_dir.glob("*") if file.is_file()),
        default=0.0,
    )
    if newest > now + _FUTURE:
        return Finding(
            "clock", "fail", "Files of the data directory come from the clock's future.", remedy
        )
    return Finding("clock", "ok", "The clock agrees with the data directory.")
