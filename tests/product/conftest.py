"""The whole product for tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.product.running import Product, running_product

from trunkline.simulator.server import Simulator

StartProduct = Callable[..., Awaitable[Product]]


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator that answers as fast as it can, unless a fault says otherwise."""
    running = Simulator(seed=3, speed=1e6)
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture
async def start_product(data_dir: Path, simulator: Simulator) -> AsyncIterator[StartProduct]:
    """Starts the product; takes what ``running_product`` takes."""
    async with AsyncExitStack() as stack:

        async def start(**wanted: Any) -> Product:
            directory = wanted.pop("directory", data_dir)
            return await stack.enter_async_context(running_product(directory, simulator, **wanted))

        yield start


@pytest_asyncio.fixture
async def product(start_product: StartProduct) -> Product:
    """The product as it is without further wishes."""
    return await start_product()
