"""The worker's part in the process of a test: ships the journal and has tokens counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.product.running import PATIENCE, Product

from trunkline.kit.clock import SystemClock
from trunkline.ledger.recount.counting import Recounter

_PAUSE = 0.02


@asynccontextmanager
async def recounting(product: Product) -> AsyncIterator[None]:
    """Count tokens from the end of each attempt on; at the end nothing is held for a count."""
    folder = product.settings.data_dir / "recount"
    recounter = Recounter(product.front.kept.database, folder, SystemClock())

    stop = asyncio.Event()

    async def go_on() -> None:
        while not stop.is_set():
            await product.rows()
            await recounter.count_all()
            await asyncio.sleep(_PAUSE)

    counting = asyncio.create_task(go_on())
    try:
        yield
        await product.idle()
        async with asyncio.timeout(PATIENCE):
            while (await product.standing()).held_nano:  # noqa: ASYNC110 - a budget tells nobody when it changes
                await asyncio.sleep(_PAUSE)
    finally:
        # Not cancelled: that would break off a transaction.
        stop.set()
        await counting
