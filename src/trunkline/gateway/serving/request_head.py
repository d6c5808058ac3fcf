"""The head of one request while it is read: what it says, and whether that may be believed."""

from typing import Any, Final, Literal
from urllib.parse import unquote

import httptools

from trunkline.errors import InvalidRequest
from trunkline.gateway.serving.asgi import HeaderList

_NAMES_THAT_FRAME: Final = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"expect", b"upgrade"}
)


class Peer:
    """Where a connection comes from and where it arrived, as ASGI names it."""

    __slots__ = ("client", "scheme", "server")

    def __init__(
        self,
        client: tuple[str, int] | None,
        server: tuple[str, int | None] | None,
        scheme: Literal["http", "https"],
    ) -> None:
        self.client = client
        self.server = server
        self.scheme = scheme


class RequestHead:
    """Collects a head from the parser's callbacks.

    Its state is the head so far; one object serves all requests of a connection in turn.
    """

    __slots__ = (
        "content_length",
        "expects_continue",
        "headers",
        "hosts",
        "transfer_encoding",
        "upgrade",
        "url",
        "whole",
    )

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the request before."""
        self.url = b""
        self.whole = False
        self.headers: HeaderList = []
        self.hosts = 0
        self.content_length = 0
        self.transfer_encoding: bytes | None = None
        self.expects_continue = False
        self.upgrade = b""

    def add(self, name: bytes, value: bytes) -> None:
        """Take one header field; llhttp leaves blanks at the end of the value.

        Those behind a chunked body are dropped, as RFC 9110 (6.5.1) allows.
        """
        if self.whole:
            return
        name, value = name.lower(), value.rstrip()
        self.headers.append((name, value))
        if name in _NAMES_THAT_FRAME:
            self._note(name, value)

    @property
    def size(self) -> int:
        """Bytes of the head so far, within a few."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    @property
    def raw_path(self) -> bytes:
        """The path so far, as it was sent, without its query."""
        return self.url.partition(b"?")[0]

    def scope(self, method: str, version: str, peer: Peer, state: dict[str, Any]) -> dict[str, Any]:
        """The ASGI scope of a complete head.

        Raises:
            InvalidRequest: the head is one that another server could read differently.
        """
        self._refuse_ambiguous(version)
        raw_path, query = self._target()
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "method": method,
            "scheme": peer.scheme,
            "server": peer.server,
            "client": peer.client,
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "state": state.copy(),
        }

    def without_upgrade(self, method: bytes) -> bytes:
        """The same head as if the client had not asked for another protocol (RFC 9110, 7.8)."""
        lines = [b"%b %b HTTP/1.1" % (method, self.url)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _note(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self.hosts += 1
        elif name == b"content-length":
            self.content_length = int(value)
        elif name == b"transfer-encoding":
            self.transfer_encoding = value.lower()
        elif name == b"expect":
            self.expects_continue = value.lower() == b"100-continue"
        else:
            self.upgrade = value.lower()

    def _refuse_ambiguous(self, version: str) -> None:
        """What llhttp lets pass although RFC 9112 (3.2, 6.1) asks for a refusal."""
        if version not in {"1.1", "1.0"}:
            raise InvalidRequest("This server speaks HTTP/1.1.", code="invalid_http")
        if self.hosts != 1 and (self.hosts or version == "1.1"):
            raise InvalidRequest("A request names exactly one Host.", code="invalid_http")
        if self.transfer_encoding is not None and (
            self.transfer_encoding != b"chunked" or version == "1.0"
        ):
            raise InvalidRequest("The Transfer-Encoding is not one we read.", code="invalid_http")

    def _target(self) -> tuple[bytes, bytes]:
        url = self.url
        if url[:1] == b"/" and b"#" not in url:
            raw_path, _, query = url.partition(b"?")
            return raw_path, query
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            raise _no_path() from None
        path = parsed.path or b"/"
        if path[:1] != b"/":
            raise _no_path()
        return path, parsed.query or b""


def _no_path() -> InvalidRequest:
    return InvalidRequest("The request's target is not a path.", code="invalid_http")
