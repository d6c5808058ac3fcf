"""The official SDKs in front of the product, so that one test speaks to both their clients."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

ORGANISATIONS: tuple[dict[str, Any], ...] = (
    {
        "slug": "acme",
        "keys": [
            {"name": "app"},
            {"name": "reader", "scopes": ["usage:read"]},
            {"name": "narrow", "aliases": ["gpt-4o-mini", "claude-haiku-4-5"]},
        ],
        "budgets": [{"name": "all", "amount": "1000.00", "window": "total"}],
    },
    {
        "slug": "poor",
        "keys": [{"name": "app"}],
        "budgets": [{"name": "pennies", "amount": "0.000001", "window": "total"}],
    },
    {
        "slug": "slow",
        "keys": [{"name": "app"}],
        "limits": [{"counts": "requests", "amount": 1, "per_seconds": 3600}],
    },
    {
        "slug": "spent",
        "keys": [{"name": "app"}],
        "tiers": [{"name": "once", "requests_per_day": 1, "upgrade_hint": "Buy more."}],
        "tier": "once",
    },
)


class Closable(Protocol):
    """What all four clients are."""

    def close(self) -> Any:
        """Close the connections."""
        ...


class Sdk:
    """One client of an SDK, synchronous or not. The synchronous one runs in a thread."""

    def __init__(self, client: Any, *, is_async: bool) -> None:
        self.client = client
        self._is_async = is_async

    async def do(self, work: Callable[[Any], Any]) -> Any:
        """The result of a call, such as ``lambda client: client.models.list()``."""
        if self._is_async:
            found = work(self.client)
            return await found if isinstance(found, Awaitable) else found
        return await asyncio.to_thread(work, self.client)

    async def collect(self, work: Callable[[Any], Any]) -> list[Any]:
        """All items of a stream or of the pages of a list."""
        if not self._is_async:
            return await asyncio.to_thread(lambda: list(work(self.client)))
        found = work(self.client)
        if isinstance(found, Awaitable) and not hasattr(found, "__aiter__"):
            found = await found
        return [item async for item in found]

    async def inside(self, work: Callable[[Any], Any], method: str) -> Any:
        """What a method says inside a stream manager, such as ``get_final_message``."""
        if self._is_async:
            async with work(self.client) as stream:
                return await getattr(stream, method)()
        return await asyncio.to_thread(self._inside, work, method)

    def _inside(self, work: Callable[[Any], Any], method: str) -> Any:
        with work(self.client) as stream:
            return getattr(stream, method)()

    async def close(self) -> None:
        """Close the connections."""
        closing = self.client.close()
        if isinstance(closing, Awaitable):
            await closing
