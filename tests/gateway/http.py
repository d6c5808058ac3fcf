"""Plain HTTP for tests: whole answers through a client library, raw bytes over a socket."""

import asyncio
import contextlib
import json
from typing import Any

import httpx2
from tests.gateway.rig import KEY, Rig

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
HELLO = [{"role": "user", "content": "Say something about lighthouses."}]


async def post(rig: Rig, path: str, document: Any, **headers: str) -> httpx2.Response:
    """One request with the key, on a connection of its own."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    sent = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(base_url=rig.base_url, timeout=30) as client:
        return await client.post(path, content=content, headers=sent)


def chat(model: str = "sim-fast", **members: Any) -> dict[str, Any]:
    """A chat request."""
    return {"model": model, "messages": HELLO, **members}


def messages(model: str = "claude:sim-fast", **members: Any) -> dict[str, Any]:
    """A messages request."""
    return {"model": model, "messages": HELLO, "max_tokens": 40, **members}


class RawClient:
    """A socket that sends one request and may leave at any moment."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def send(cls, rig: Rig, path: str, document: Any, **headers: str) -> "RawClient":
        """Connect and send a whole request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", rig.port)
        body = json.dumps(document).encode()
        lines = [
            f"POST {path} HTTP/1.1",
            "host: trunkline",
            f"authorization: Bearer {KEY}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        return cls(reader, writer)

    async def until(self, mark: bytes) -> bytes:
        """Read up to these bytes."""
        async with asyncio.timeout(20):
            return await self.reader.readuntil(mark)

    async def rest(self) -> bytes:
        """Read until the server closes."""
        async with asyncio.timeout(20):
            rest = await self.reader.read()
        await self.leave()
        return rest

    async def leave(self) -> None:
        """Close the socket now."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
