"""Every test of the transport runs on asyncio's own loop and on uvloop, which we ship with."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvloop
from tests.gateway.transport.hostile import (
    HostileServer,
    PoolWith,
    Script,
    Serve,
    opened_pool,
)

from trunkline.gateway.transport import UpstreamPool


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def serve(stack: AsyncExitStack) -> Serve:
    """Start a server that plays a script; it is stopped after the test."""

    async def start(script: Script, **options: Any) -> HostileServer:
        server = HostileServer(script)
        await server.start(**options)
        stack.push_async_callback(server.stop)
        return server

    return start


@pytest.fixture
async def pool_with(stack: AsyncExitStack) -> PoolWith:
    """Build a pool; after the test it must have no request left, and is closed."""

    async def start(**options: Any) -> UpstreamPool:
        return await stack.enter_async_context(opened_pool(**options))

    return start
