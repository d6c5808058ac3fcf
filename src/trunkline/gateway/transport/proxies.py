"""Which requests go through the operator's proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY."""

import base64
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import unquote, urlsplit

import msgspec
from typing_extensions import override

from trunkline.gateway.snapshot import Origin

DEFAULT_PROXY_PORT = 80


class Proxy(msgspec.Struct, frozen=True):
    """A proxy that is spoken to in plain HTTP.

    Attributes:
        authorization: value of ``proxy-authorization``, or None.
    """

    host: str
    port: int
    authorization: bytes | None = None

    @override
    def __repr__(self) -> str:
        return f"Proxy({self.host!r}, {self.port})"


class Proxies:
    """Chooses the proxy of an origin. It has no state that changes.

    ``no_proxy`` entries are hosts and domains (each with what lies below it, with or without a
    leading dot or ``*.``), either with a port, networks such as 10.0.0.0/8 for literal addresses,
    or ``*`` for everything.
    """

    def __init__(
        self,
        *,
        http: str | None = None,
        https: str | None = None,
        no_proxy: Iterable[str] = (),
    ) -> None:
        """Read the operator's settings.

        Raises:
            ValueError: a URL is not of the form ``http://user:password@host:port``.
        """
        self._by_scheme = {
            scheme: _parse(url) for scheme, url in (("http", http), ("https", https)) if url
        }
        entries = [entry.strip().lower() for entry in no_proxy]
        self._bypass_all = "*" in entries
        self._networks = tuple(net for entry in entries if (net := _network(entry)) is not None)
        self._domains = tuple(
            _domain(entry) for entry in entries if entry and _network(entry) is None
        )

    @override
    def __repr__(self) -> str:
        return f"Proxies({self._by_scheme!r})"

    def for_origin(self, origin: Origin) -> Proxy | None:
        """The proxy to take, or None to go directly."""
        proxy = self._by_scheme.get(origin.scheme)
        if proxy is None or self._bypass_all or self._is_bypassed(origin):
            return None
        return proxy

    def _is_bypassed(self, origin: Origin) -> bool:
        host = origin.host.lower().rstrip(".")
        try:
            address = ip_address(host)
        except ValueError:
            pass
        else:
            if any(address in network for network in self._networks):
                return True
        return any(
            (host == domain or host.endswith("." + domain)) and port in {None, origin.port}
            for domain, port in self._domains
        )


def _parse(url: str) -> Proxy:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    # The message must not repeat the URL: it may hold a password.
    if parts.scheme != "http" or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError("a proxy is given as http://user:password@host:port")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    return Proxy(parts.hostname, parts.port or DEFAULT_PROXY_PORT, authorization)


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _domain(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit():
        return _bare(name), int(port)
    return _bare(entry), None


def _bare(name: str) -> str:
    return name.removeprefix("*").strip(".").strip("[]")
