"""Which processes the roles need: the front in this one, the worker as its child."""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

import structlog

from trunkline.gateway.server import GatewayServer
from trunkline.settings import Settings
from trunkline.supervisor import ChildProcess, serve_beside

# The worker ships the last records of the front before it ends.
WORKER_PATIENCE = 30.0

Announce = Callable[[int], Awaitable[None]]


def run_roles(settings: Settings, announce: Announce | None = None) -> None:
    """Serve the roles of these settings until told to stop.

    Args:
        settings: with the roles, and the configuration file that is applied first.
        announce: called with the port once requests are accepted.
    """
    if set(settings.roles) == {"worker"}:
        from trunkline.worker import run_worker

        asyncio.run(run_worker(settings, beside_a_front=False))
        return
    import uvloop

    uvloop.run(serve_front(settings, announce))


async def serve_front(
    settings: Settings, announce: Announce | None = None, *, log_fd: int | None = None
) -> None:
    """Run the front in this process, and the worker beside it where its role is served.

    Args:
        settings: as for ``run_roles``.
        announce: as for ``run_roles``.
        log_fd: where both processes write their log lines; standard output by default.
    """
    from trunkline.app import open_front

    if settings.config_file is not None:
        from trunkline.cli.applying import apply_file
        from trunkline.storage.processes import DataDirectoryLock

        # The front takes the lock for its life. It is asked for here because a start that is
        # refused must not have changed what the running front serves.
        DataDirectoryLock(settings.data_dir, alone=True).close()
        await apply_file(settings, settings.config_file)
    async with open_front(settings, log_fd=log_fd) as front:
        told = asyncio.ensure_future(_tell(front.server, settings, announce))
        try:
            if "worker" in settings.roles:
                worker = ChildProcess(_worker_command(settings), name="worker", output=log_fd)
                await serve_beside(front.server, worker, patience=WORKER_PATIENCE)
            else:
                await front.server.serve()
        finally:
            told.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await told


async def _tell(server: GatewayServer, settings: Settings, announce: Announce | None) -> None:
    await server.listening()
    structlog.get_logger("trunkline").info(
        "listening", host=settings.host, port=server.port, tls=settings.tls_certificate is not None
    )
    if announce is not None:
        await announce(server.port)


def _worker_command(settings: Settings) -> list[str]:
    return [
        sys.executable,
        "-m",
        "trunkline.cli.main",
        "worker",
        "--data",
        str(settings.data_dir),
        "--beside-a-front",
    ]
