"""Has a front forget answers when another process says so."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from trunkline.cache.service import CACHE
from trunkline.storage.changes import Change

Forget = Callable[[str], Awaitable[int]]


class CacheFeed:
    """Follows the changes of kind ``cache``.

    Its state is who forgets, and what is being forgotten now: in Redis that may take seconds, for
    which nothing else must wait. ``app.py`` owns and closes it.
    """

    def __init__(self) -> None:
        self._forget: Forget | None = None
        self._running: set[asyncio.Task[int]] = set()

    def serve(self, forget: Forget) -> None:
        """From now on changes are obeyed; before, there is nothing to forget."""
        self._forget = forget

    async def prepare(self, changes: Iterable[Change]) -> Callable[[], None] | None:
        """What takes these changes into use, or None where they are about other things."""
        found = {f"{one.org_id}/{one.id}" for one in changes if one.kind == CACHE and one.org_id}
        if not found:
            return None
        return lambda: self._start(found)

    async def close(self) -> None:
        """Wait for what is being forgotten."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def _start(self, beginnings: set[str]) -> None:
        if self._forget is None:
            return
        for begun in beginnings:
            task = asyncio.ensure_future(self._forget(begun))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
