"""A way through a proxy to an origin with TLS: the CONNECT method (RFC 9110, section 9.3.6)."""

import asyncio
import socket

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport.errors import ConnectFailed
from trunkline.gateway.transport.proxies import Proxy

_MAX_HEAD = 16_384
_OK = range(200, 300)


async def open_tunnel(sock: socket.socket, origin: Origin, proxy: Proxy) -> None:
    """Ask the proxy at the other end for a tunnel; afterwards the socket speaks to the origin.

    Closes the socket if that fails or is cancelled.

    Raises:
        ConnectFailed: the proxy refuses, or does not answer like a proxy.
        OSError: the connection broke.
    """
    try:
        await _ask(sock, origin, proxy)
    except BaseException:
        sock.close()
        raise


async def _ask(sock: socket.socket, origin: Origin, proxy: Proxy) -> None:
    loop = asyncio.get_running_loop()
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    name = b"%b:%d" % (host.encode("ascii" if host.isascii() else "idna"), origin.port)
    request = b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n" % (name, name)
    if proxy.authorization is not None:
        request += b"proxy-authorization: " + proxy.authorization + b"\r\n"
    await loop.sock_sendall(sock, request + b"\r\n")
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = await loop.sock_recv(sock, 4096)
        answer += data
        if not data or len(answer) > _MAX_HEAD:
            raise ConnectFailed("the proxy did not answer like one")
    # An origin with TLS says nothing before we do, so there is nothing to keep after the head.
    if not answer.endswith(b"\r\n\r\n") or answer.count(b"\r\n\r\n") != 1:
        raise ConnectFailed("the proxy sent more than an answer")
    status = answer.split(b"\r\n", 1)[0].split(b" ")
    if not status[0].startswith(b"HTTP/1.") or len(status) == 1 or not status[1].isdigit():
        raise ConnectFailed("the proxy did not answer like one")
    if int(status[1]) not in _OK:
        raise ConnectFailed(f"the proxy refused the tunnel with status {int(status[1])}")
