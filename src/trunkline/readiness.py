"""Checks of what the front depends on, for ``/health/ready``."""

from sqlalchemy import text

from trunkline.health import CheckResult
from trunkline.ledger.journal import Journal
from trunkline.settings import Settings
from trunkline.storage.changes import ChangePoller
from trunkline.storage.engine import Database


async def check_database(database: Database, poller: ChangePoller, stale_max: float) -> CheckResult:
    """Whether the database answers and changes are seen."""
    async with database.read(None) as connection:
        await connection.execute(text("SELECT 1"))
    data = {
        "engine": database.dialect,
        "changesLagSeconds": round(poller.lag, 2),
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
    return CheckResult("ok")


async def check_journal(journal: Journal) -> CheckResult:
    """Whether attempts can be recorded."""
    stats = journal.stats()
    data = {"lagSeconds": round(stats.lag_seconds, 3), "live": stats.live}
    if not stats.ready:
        return CheckResult("fail", "attempts cannot be recorded", data)
    return CheckResult("ok", None, data)
