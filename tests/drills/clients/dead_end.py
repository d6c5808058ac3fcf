"""A proxy that lets nobody out, and remembers who was looked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_REFUSAL = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_PATIENCE = 10.0


class DeadEnd:
    """A running proxy. Its state is the list of hosts; ``dead_end`` owns its server."""

    def __init__(self) -> None:
        self.port = 0
        self._wanted: list[str] = []

    def wanted(self) -> tuple[str, ...]:
        """The hosts that were asked for since the last call, each once."""
        hosts, self._wanted = tuple(dict.fromkeys(self._wanted)), []
        return hosts

    async def refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            async with asyncio.timeout(_PATIENCE):
                self._wanted.append(_host(await reader.readline()))
                writer.write(_REFUSAL)
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            return
        finally:
            writer.close()


def _host(line: bytes) -> str:
    """The host in ``CONNECT host:port HTTP/1.1``, or in a whole address."""
    target = line.decode("latin-1").split(" ")[1]
    return target.removeprefix("http://").split("/")[0].removesuffix(":443")


@asynccontextmanager
async def dead_end() -> AsyncIterator[DeadEnd]:
    """Run one on the loopback for as long as the block lasts."""
    proxy = DeadEnd()
    server = await asyncio.start_server(proxy.refuse, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
