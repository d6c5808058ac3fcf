"""The head of one request while it is read: what it says, and whether that may be believed."""

from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

import httptools

from trunkline.errors import InvalidRequest
from trunkline.gateway.serving.asgi import HeaderList


class Peer:
    """Where a connection comes from and where it arrived, as ASGI names it.

    Its ``asgi`` says which version of that is spoken.
    """

    __slots__ = ("asgi", "client", "scheme", "server")

    def __init__(
        self,
        client: tuple[str, int] | None,
        server: tuple[str, int | None] | None,
        scheme: Literal["http", "https"],
    ) -> None:
        self.client = client
        self.server = server
        self.scheme = scheme
        self.asgi = {"version": "3.0", "spec_version": "2.3"}


class Target(NamedTuple):
    """What a request asks for: the target as it was sent, its path, and its query."""

    url: bytes
    raw_path: bytes
    path: str
    query: bytes


class RequestHead:
    """Collects a head from the parser's callbacks.

    Its state is the head so far; one object serves all requests of a connection in turn. What the
    fields mean is asked once they are all there. The last target is kept, since most clients ask
    for the same one again.
    """

    __slots__ = ("_target", "by_name", "headers", "url", "whole")

    def __init__(self) -> None:
        self._target = Target(b"", b"", "", b"")
        self.begin()

    def begin(self) -> None:
        """Forget the request before."""
        self.url = b""
        self.whole = False
        self.headers: HeaderList = []
        self.by_name: dict[bytes, bytes] = {}

    def add(self, name: bytes, value: bytes) -> None:
        """Take one header field; llhttp leaves blanks at the end of the value.

        Those behind a chunked body are dropped, as RFC 9110 (6.5.1) allows.
        """
        if not self.whole:
            name, value = name.lower(), value.rstrip()
            self.headers.append((name, value))
            self.by_name[name] = value

    @property
    def size(self) -> int:
        """Bytes of the head so far, within a few."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    @property
    def upgrade(self) -> bytes:
        """The protocol that the client offers, in lower case, or nothing."""
        return self.by_name.get(b"upgrade", b"").lower()

    @property
    def raw_path(self) -> bytes:
        """The path so far, as it was sent, without its query."""
        return self.url.partition(b"?")[0]

    def scope(self, method: str, version: str, peer: Peer, state: dict[str, Any]) -> dict[str, Any]:
        """The ASGI scope of a complete head, without ``root_path``, whose default holds.

        Beside what ASGI names it has the headers by name as ``trunkline.headers``; where a name is
        repeated, the last one counts.

        Raises:
            InvalidRequest: the head is one that another server could read differently.
        """
        headers, by_name = self.headers, self.by_name
        unrepeated = len(by_name) == len(headers)
        clear = version == "1.1" and b"host" in by_name and b"transfer-encoding" not in by_name
        if not (clear and unrepeated):
            self._refuse_ambiguous(version)
        if self._target.url != self.url:
            self._target = _target_of(self.url)
        _, raw_path, path, query = self._target
        return {
            "type": "http",
            "asgi": peer.asgi,
            "http_version": version,
            "method": method,
            "scheme": peer.scheme,
            "server": peer.server,
            "client": peer.client,
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": headers,
            "state": state.copy(),
            "trunkline.headers": by_name,
        }

    def without_upgrade(self, method: bytes) -> bytes:
        """The same head as if the client had not asked for another protocol (RFC 9110, 7.8)."""
        lines = [b"%b %b HTTP/1.1" % (method, self.url)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _refuse_ambiguous(self, version: str) -> None:
        """What llhttp lets pass although RFC 9112 (3.2, 6.1) asks for a refusal."""
        if version not in {"1.1", "1.0"}:
            raise InvalidRequest("This server speaks HTTP/1.1.", code="invalid_http")
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts != 1 and (hosts or version == "1.1"):
            raise InvalidRequest("A request names exactly one Host.", code="invalid_http")
        coding = self.by_name.get(b"transfer-encoding")
        if coding is not None and (coding.lower() != b"chunked" or version == "1.0"):
            raise InvalidRequest("The Transfer-Encoding is not one we read.", code="invalid_http")


def _target_of(url: bytes) -> Target:
    if url.startswith(b"/") and b"#" not in url:
        raw_path, _, query = url.partition(b"?")
    else:
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            raise _no_path() from None
        raw_path, query = parsed.path or b"/", parsed.query or b""
        if not raw_path.startswith(b"/"):
            raise _no_path()
    return Target(url, raw_path, unquote(raw_path.decode("ascii")), query)


def _no_path() -> InvalidRequest:
    return InvalidRequest("The request's target is not a path.", code="invalid_http")
