"""A client over a plain socket that keeps every byte and how the connection ended."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

BOUND = 10.0
"""Seconds that any single wait may take before the test fails."""

OPENAI = "/v1/chat/completions"
ANTHROPIC = "/v1/messages"
BOTH = (OPENAI, ANTHROPIC)


@dataclass(frozen=True)
class Raw:
    """What came back: the bytes, and ``closed``, ``reset`` or ``open``."""

    data: bytes
    ending: str

    @property
    def status(self) -> int:
        return int(self.data.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.data.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return dict(line.split(": ", 1) for line in lines)

    @property
    def payload(self) -> bytes:
        """What came after the head, with its transfer encoding."""
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def body(self) -> bytes:
        """The payload without its transfer encoding."""
        if self.headers.get("transfer-encoding") != "chunked":
            return self.payload
        return dechunked(self.payload)[0]

    @property
    def ended_well(self) -> bool:
        """Whether the transfer ended as HTTP demands."""
        if self.headers.get("transfer-encoding") == "chunked":
            return dechunked(self.payload)[1]
        return len(self.payload) == int(self.headers["content-length"])

    @property
    def events(self) -> list[str]:
        """The events of the body, without the blank lines between them."""
        return self.body.decode().removesuffix("\n\n").split("\n\n")

    def json(self) -> Any:
        return json.loads(self.body)


def dechunked(payload: bytes) -> tuple[bytes, bool]:
    """The body in a chunked payload, and whether its last chunk came."""
    body = b""
    while payload:
        size, _, rest = payload.partition(b"\r\n")
        try:
            length = int(size, 16)
        except ValueError:
            return body, False
        if length == 0:
            return body, rest == b"\r\n"
        body += rest[:length]
        payload = rest[length + 2 :]
    return body, False


def asked(path: str, *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """The smallest good request of a wire, with more fields as wanted."""
    body = {
        "model": "sim-fast",
        "messages": [{"role": "user", "content": "Why do gateways exist?"}],
        **({"max_tokens": 500} if path != OPENAI else {}),
        **({"stream": True} if stream else {}),
        **fields,
    }
    if path == OPENAI and stream:
        body.setdefault("stream_options", {"include_usage": True})
    return {name: value for name, value in body.items() if value is not None}


def request(
    path: str, body: Any, headers: dict[str, str] | None = None, *, keep_alive: bool = False
) -> bytes:
    """A request as bytes; a dictionary becomes JSON."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {
        "host": "simulator",
        "content-length": str(len(payload)),
        "authorization": "Bearer key",
        "connection": "keep-alive" if keep_alive else "close",
        **({} if path == OPENAI else {"anthropic-version": "2023-06-01"}),
        **(headers or {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + payload


async def exchange(
    base_url: str, sent: bytes, *, patience: float = BOUND, enough: bytes | None = None
) -> Raw:
    """Send bytes and read until the connection ends, ``enough`` arrives or patience does."""
    host, port = base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    data = b""
    try:
        writer.write(sent)
        async with asyncio.timeout(patience):
            while True:
                part = await reader.read(65536)
                data += part
                if not part:
                    return Raw(data, "closed")
                if enough is not None and enough in data:
                    return Raw(data, "open")
    except ConnectionResetError:
        return Raw(data, "reset")
    except TimeoutError:
        return Raw(data, "open")
    finally:
        writer.close()


async def ask(base_url: str, path: str, *, patience: float = BOUND, **fields: Any) -> Raw:
    """Exchange the smallest good request of a wire, with more fields as wanted."""
    headers = fields.pop("headers", None)
    return await exchange(
        base_url, request(path, asked(path, **fields), headers), patience=patience
    )
