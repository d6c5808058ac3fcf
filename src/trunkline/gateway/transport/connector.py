"""Opening a connection: proxy or not, name, guard, race of addresses, tunnel, TLS.

The operator's proxy is trusted: the guard does not judge its address, which usually is a private
one. Behind a proxy it is the proxy that looks names up, so the guard then judges the target only by
what can be known here: its name, and its address where it is given as one.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import msgspec

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport.connection import UpstreamConnection
from trunkline.gateway.transport.errors import (
    AddressRefused,
    ConnectFailed,
    NameNotResolved,
    TLSFailed,
)
from trunkline.gateway.transport.guard import AddressGuard
from trunkline.gateway.transport.head import authority
from trunkline.gateway.transport.proxies import Proxies, Proxy
from trunkline.gateway.transport.race import connect_first
from trunkline.gateway.transport.resolver import ResolvedAddress, Resolver
from trunkline.gateway.transport.tunnel import open_tunnel

# Controls, space, and what would end the host in a URL.
_NOT_IN_NAMES = frozenset(range(0x21)) | frozenset(b"/@?#\\\x7f")


class Route(msgspec.Struct, frozen=True):
    """How an origin is reached, and what its request heads carry for that.

    Attributes:
        authority: host and port as ``Host`` names them.
        target_prefix: what precedes the path in the request line: empty unless a forward proxy
            needs the whole URL.
        fixed: header lines of each request, ``host`` first.
    """

    origin: Origin
    proxy: Proxy | None
    authority: bytes
    target_prefix: bytes
    fixed: bytes


class Connector:
    """Opens connections. It holds no connection and no state that changes.

    Args:
        ca_file: PEM file of the authorities to trust instead of the system's.
    """

    def __init__(
        self, *, guard: AddressGuard, proxies: Proxies, resolver: Resolver, ca_file: Path | None
    ) -> None:
        self._guard = guard
        self._proxies = proxies
        self._resolver = resolver
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._tls.set_alpn_protocols(["http/1.1"])

    def route(self, origin: Origin) -> Route:
        """The way to an origin.

        Raises:
            NameNotResolved: the host cannot be a name.
            ConnectFailed: the scheme is neither http nor https.
        """
        if origin.scheme not in {"http", "https"}:
            raise ConnectFailed(f"{origin} is neither http nor https")
        try:
            name = authority(origin)
        except UnicodeError:
            raise NameNotResolved(f"{origin.host!r} cannot be a name") from None
        if not origin.host or name[0] in b".:" or _NOT_IN_NAMES.intersection(name):
            raise NameNotResolved(f"{origin.host!r} cannot be a name")
        proxy = self._proxies.for_origin(origin)
        prefix, fixed = b"", b"host: " + name + b"\r\n"
        if proxy is not None and origin.scheme == "http":
            prefix = b"http://" + name
            if proxy.authorization is not None:
                fixed += b"proxy-authorization: " + proxy.authorization + b"\r\n"
        return Route(origin, proxy, name, prefix, fixed)

    async def dial(
        self, route: Route, *, private: bool, make: Callable[[], UpstreamConnection]
    ) -> UpstreamConnection:
        """Open a connection that is ready for a request.

        If cancelled, whatever was opened is closed.

        Raises:
            NameNotResolved, AddressRefused, ConnectFailed, TLSFailed: as they say; nothing of the
                request has been sent.
        """
        is_tls = route.origin.scheme == "https"
        sock = await self._connect(route, private=private)
        try:
            if is_tls and route.proxy is not None:
                await open_tunnel(sock, route.origin, route.proxy)
            return await _adopt(sock, make, self._tls if is_tls else None, route.origin.host)
        except ssl.SSLError as error:
            raise TLSFailed(f"no TLS with {route.origin}: {error}") from None
        except OSError as error:
            raise ConnectFailed(f"{route.origin} closed the connection: {error}") from None

    async def _connect(self, route: Route, *, private: bool) -> socket.socket:
        self._guard.check_name(route.origin.host)
        if route.proxy is not None:
            literal = _literal(route.origin.host)
            if literal is not None:
                self._guard.check(literal.ip, private=private)
            addresses = await self._addresses(route.proxy.host)
            return await connect_first(addresses, route.proxy.port)
        addresses = await self._addresses(route.origin.host)
        allowed = self._allowed(addresses, private=private)
        return await connect_first(allowed, route.origin.port)

    async def _addresses(self, host: str) -> tuple[ResolvedAddress, ...]:
        literal = _literal(host)
        return (literal,) if literal is not None else await self._resolver.resolve(host)

    def _allowed(
        self, addresses: tuple[ResolvedAddress, ...], *, private: bool
    ) -> tuple[ResolvedAddress, ...]:
        """Those that the guard lets pass. A name may have others too: they are never dialled."""
        allowed = []
        refusal = None
        for address in addresses:
            try:
                self._guard.check(address.ip, private=private)
            except AddressRefused as error:
                refusal = error
            else:
                allowed.append(address)
        if not allowed and refusal is not None:
            raise refusal
        return tuple(allowed)


def _literal(host: str) -> ResolvedAddress | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return ResolvedAddress(family, host)


async def _adopt(
    sock: socket.socket,
    make: Callable[[], UpstreamConnection],
    tls: ssl.SSLContext | None,
    host: str,
) -> UpstreamConnection:
    """Hand a connected socket to the event loop, with TLS where there is a context for it.

    From here on the event loop owns the socket and closes it if this fails.
    """
    loop = asyncio.get_running_loop()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _, connection = await loop.create_connection(
        make, sock=sock, ssl=tls, server_hostname=host if tls is not None else None
    )
    return connection
