"""Leases that a process holds on a server, kept from running out while it lives.

Each is granted for a short time and renewed before that is over, so that a process that was killed
holds nobody up for long.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

from trunkline.kit.clock import Clock

SECONDS: Final = 10.0
"""For so long a lease is granted at once."""

# Renewed so often within that time, so that one renewal may fail.
_RENEWALS: Final = 3

Renew = Callable[[Mapping[str, float]], Awaitable[Collection[str]]]
"""Grants leases that are still ours, by key, for so many seconds more; gives the keys of others."""


class Leases:
    """What one process holds. Whoever builds it closes it.

    Its state is until when each lease is held, and the task that renews them, while there are any.
    """

    def __init__(self, renew: Renew, clock: Clock, seconds: float = SECONDS) -> None:
        self._renew = renew
        self._now = clock.monotonic
        self._seconds = seconds
        self._until: dict[str, float] = {}
        self._renewing: asyncio.Task[None] | None = None

    def granted(self, seconds: float) -> float:
        """For how long a lease is asked that is wanted for this time at most."""
        return min(seconds, self._seconds)

    def hold(self, key: str, seconds: float) -> None:
        """Renew a lease that was just granted, until it is let go, or this time is over."""
        self._until[key] = self._now() + seconds
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._keep_renewing())

    def let_go(self, key: str) -> None:
        """Renew a lease no longer."""
        self._until.pop(key, None)

    async def close(self) -> None:
        """Renew none any more; what is held runs out by itself."""
        self._until.clear()
        if self._renewing is not None:
            self._renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewing

    async def _keep_renewing(self) -> None:
        while self._until:
            await asyncio.sleep(self._seconds / _RENEWALS)
            now = self._now()
            held = dict(self._until)
            asked = {key: self.granted(end - now) for key, end in held.items() if end > now}
            lost = await self._renew(asked) if asked else ()
            for key, end in held.items():
                # One that was let go and taken again meanwhile is another lease.
                if (end <= now or key in lost) and self._until.get(key) == end:
                    del self._until[key]
