"""Which store a process uses."""

from trunkline.cache.memory import MemoryStore
from trunkline.gateway.recall.store import AnswerStore
from trunkline.kit.clock import Clock
from trunkline.settings import Settings


def open_store(settings: Settings, clock: Clock) -> AnswerStore:
    """Redis where it is set, so that all fronts share; otherwise this process's memory.

    It connects with the first call. Whoever opens it closes it.
    """
    if settings.redis_url is None and settings.redis_host is None:
        return MemoryStore(settings.cache_max_bytes, clock)
    # The client is loaded only where somebody uses Redis.
    from trunkline.cache.redis import RedisStore, client_at  # noqa: PLC0415 - see above

    timeout = settings.redis_timeout
    if settings.redis_url is not None:
        client = client_at(settings.redis_url.get_secret_value(), timeout=timeout)
    else:
        password = settings.redis_password
        client = client_at(
            f"redis://{settings.redis_host}:{settings.redis_port}/0",
            password.get_secret_value() if password is not None else None,
            timeout=timeout,
        )
    return RedisStore(client, clock, timeout=timeout)
