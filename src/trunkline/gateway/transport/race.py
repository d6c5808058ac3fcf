"""Connecting to the first address that answers."""

import asyncio
import socket
from collections.abc import Iterable

from trunkline.gateway.transport.errors import ConnectFailed
from trunkline.gateway.transport.resolver import ResolvedAddress

# Seconds before the next address is tried as well; RFC 8305, section 5, recommends 250 ms.
STAGGER = 0.25


async def connect_first(
    addresses: Iterable[ResolvedAddress], port: int, *, stagger: float = STAGGER
) -> socket.socket:
    """A connected, non-blocking socket to the first address that accepts.

    The next address is tried when one fails, or beside those still under way after ``stagger``
    seconds, so that a broken address family costs a quarter of a second and not a timeout. Sockets
    that lose, and all of them when the caller is cancelled, are closed.

    Raises:
        ConnectFailed: none accepts.
    """
    left = list(addresses)
    if len(left) == 1:
        try:
            return await _connect(left[0], port)
        except OSError as error:
            raise ConnectFailed(f"{left[0].ip} port {port}: {error}") from None
    reasons: list[str] = []
    running: dict[asyncio.Task[socket.socket], ResolvedAddress] = {}
    try:
        while left or running:
            if left:
                address = left.pop(0)
                running[asyncio.create_task(_connect(address, port))] = address
            done, _ = await asyncio.wait(
                running, timeout=stagger if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                if task.exception() is None:
                    del running[task]
                    return task.result()
                reasons.append(f"{running.pop(task).ip}: {task.exception()}")
    finally:
        for loser in running:
            loser.add_done_callback(_close_result)
            loser.cancel()
    raise ConnectFailed(f"no address accepts on port {port}: {'; '.join(reasons)}")


async def _connect(address: ResolvedAddress, port: int) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        await asyncio.get_running_loop().sock_connect(sock, address.endpoint(port))
    except BaseException:
        sock.close()
        raise
    return sock


def _close_result(loser: asyncio.Task[socket.socket]) -> None:
    """Close what a loser connected in the very turn in which it was cancelled."""
    if not loser.cancelled() and loser.exception() is None:
        loser.result().close()
