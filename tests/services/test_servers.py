"""The servers that tests run on are real, and not run by root."""

import asyncpg
import psutil
from redis.asyncio import Redis
from tests.services.postgresql import PostgreSQLServer


def user_behind(port: int) -> str:
    """The user of the process that listens on a port."""
    listening = (c for c in psutil.net_connections("tcp4") if c.status == psutil.CONN_LISTEN)
    (listener,) = {c.pid for c in listening if getattr(c.laddr, "port", None) == port}
    return psutil.Process(listener).username()


async def test_postgresql_runs_without_root(postgresql_server: PostgreSQLServer) -> None:
    connection = await asyncpg.connect(postgresql_server.url("postgres"))
    try:
        version, superuser = await connection.fetchrow(
            "SELECT version(), rolsuper FROM pg_roles WHERE rolname = current_user"
        )
    finally:
        await connection.close()
    assert version.startswith("PostgreSQL ")
    assert superuser is False
    assert user_behind(postgresql_server.port) != "root"


async def test_redis_runs_without_root(redis_server: str) -> None:
    client = Redis.from_url(redis_server)
    try:
        assert await client.ping()
    finally:
        await client.aclose()
    assert user_behind(int(redis_server.rpartition(":")[2].partition("/")[0])) != "root"
