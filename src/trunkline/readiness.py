"""Checks of what the front depends on, for ``/health/ready``."""

import time

from sqlalchemy import text

from trunkline.health import CheckResult
from trunkline.ledger.journal import Journal
from trunkline.settings import Settings
from trunkline.storage.changes import ChangePoller
from trunkline.storage.engine import Database


async def check_database(database: Database, poller: ChangePoller, stale_max: float) -> CheckResult:
    """Whether the database answers and changes are seen."""
    started = time.perf_counter()
    async with database.read(None) as connection:
        await connection.execute(text("SELECT 1"))
    data = {
        "engine": database.dialect,
        "latency_ms": round((time.perf_counter() - started) * 1000, 2),
        "changes_lag_seconds": round(poller.lag, 2),
    }
    if poller.lag > stale_max:
        return CheckResult("fail", "changes have not been seen for too long", data)
    return CheckResult("ok", None, data)


async def check_redis(settings: Settings) -> CheckResult:
    """Whether Redis answers, where one is configured."""
    if settings.redis_url is None and settings.redis_host is None:
        return CheckResult("ok", "not configured")
    # The client is loaded only where somebody uses Redis.
    from redis.asyncio import Redis  # noqa: PLC0415 - see above

    started = time.perf_counter()
    if settings.redis_url is not None:
        client = Redis.from_url(settings.redis_url.get_secret_value())
    else:
        password = settings.redis_password
        client = Redis(
            host=settings.redis_host or "",
            port=settings.redis_port,
            password=password.get_secret_value() if password else None,
        )
    try:
        await client.ping()
    finally:
        await client.aclose()
    latency = round((time.perf_counter() - started) * 1000, 2)
    return CheckResult("ok", None, {"latency_ms": latency})


async def check_journal(journal: Journal) -> CheckResult:
    """Whether attempts can be recorded."""
    stats = journal.stats()
    data = {"lag_seconds": round(stats.lag_seconds, 3), "live": stats.live}
    if not stats.ready:
        return CheckResult("fail", "attempts cannot be recorded", data)
    return CheckResult("ok", None, data)
