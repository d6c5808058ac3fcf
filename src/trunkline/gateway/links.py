"""Images and files that a request names by their addresses, fetched for providers that do not.

The addresses are the caller's, so they are dialled through the address guard as ones that nobody
has allowed for private networks, and after each redirect again.
"""

import asyncio
import binascii
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import Audio, File, Image, Inline, Link, Part, ToolResult
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.snapshot import Origin
from trunkline.gateway.sniffing import media_type_of
from trunkline.gateway.transport import (
    AddressRefused,
    TransportError,
    UpstreamPool,
    UpstreamRequest,
    UpstreamResponse,
)

MOST_BYTES: Final = 20_971_520
SECONDS: Final = 20.0
MOST_LINKS: Final = 20
MOST_REDIRECTS: Final = 3

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HEADERS: Final = ((b"accept", b"*/*"), (b"user-agent", b"trunkline"))
_SAFE: Final = "/%:@!$&'()*+,;=~-._?[]"
# Encoding this many bytes takes about a third of a millisecond; it is a multiple of three.
_STEP: Final = 393_216
_SHOWN: Final = 100

Attachment = Image | Audio | File
_ATTACHMENTS: Final = (Image, Audio, File)
_KINDS: Final[dict[type, str]] = {Image: "image/", Audio: "audio/", File: ""}


class Limits(NamedTuple):
    """What fetching for one request may take.

    Attributes:
        most_bytes: of all links together.
        seconds: for all links together.
    """

    most_bytes: int = MOST_BYTES
    seconds: float = SECONDS


async def inline_links(
    request: Request,
    upstream: UpstreamPool,
    limits: Limits = Limits(),  # noqa: B008 - a value that does not change
    *,
    leave: tuple[str, ...] = (),
) -> Request:
    """The request with the bytes in place of each http and https address; often the same object.

    Addresses of other schemes stay, such as those of a cloud's own store.

    Args:
        request: as it was read.
        upstream: fetches; it refuses private addresses always.
        limits: for all addresses together.
        leave: beginnings of addresses that the provider fetches by itself.

    Raises:
        InvalidRequest: an address cannot be fetched, or what is there is of no kind that models
            take.
    """
    urls = list(dict.fromkeys(url for url in _urls(request) if not url.startswith(leave)))
    if not urls:
        return request
    if len(urls) > MOST_LINKS:
        raise InvalidRequest(
            f"The request names {len(urls)} addresses of images and files; "
            f"at most {MOST_LINKS} can be fetched.",
            code="too_many_links",
            param="messages",
            hint=_HINT,
        )
    fetcher = _Fetcher(upstream, limits)
    try:
        async with asyncio.timeout(limits.seconds):
            found = dict(zip(urls, await _all(fetcher.fetch(url) for url in urls), strict=True))
    except TimeoutError:
        raise InvalidRequest(
            f"The images and files of the request did not arrive within {limits.seconds:g} s.",
            code="link_timeout",
            param="messages",
            hint=_HINT,
        ) from None
    messages = tuple(_inlined(message, found) for message in request.messages)
    return msgspec.structs.replace(request, messages=messages)


_HINT: Final = "Send the bytes themselves in base64, or an address that anybody can reach."


def _urls(request: Request) -> Iterable[str]:
    for message in request.messages:
        for part in message.parts:
            for inner in part.parts if isinstance(part, ToolResult) else (part,):
                if isinstance(inner, _ATTACHMENTS) and isinstance(inner.source, Link):
                    url = inner.source.url
                    if url[:8].lower().startswith(("http://", "https://")):
                        yield url


def _inlined(message: Message, found: dict[str, Inline]) -> Message:
    parts = tuple(_filled(part, found) for part in message.parts)
    same = all(new is old for new, old in zip(parts, message.parts, strict=True))
    return message if same else msgspec.structs.replace(message, parts=parts)


def _filled(part: Part, found: dict[str, Inline]) -> Part:
    if isinstance(part, ToolResult):
        inner: Any = tuple(_filled(each, found) for each in part.parts)
        same = all(new is old for new, old in zip(inner, part.parts, strict=True))
        return part if same else msgspec.structs.replace(part, parts=inner)
    if not isinstance(part, _ATTACHMENTS) or not isinstance(part.source, Link):
        return part
    inline = found.get(part.source.url)
    return part if inline is None else _with_bytes(part, part.source.url, inline)


def _with_bytes(part: Attachment, url: str, inline: Inline) -> Attachment:
    if not inline.media_type.startswith(_KINDS[type(part)]):
        raise _refused(url, f"is {inline.media_type}, which the request takes for something else")
    if isinstance(part, File) and part.name is None:
        name = unquote(urlsplit(url).path.rpartition("/")[2]) or None
        return msgspec.structs.replace(part, source=inline, name=name)
    return msgspec.structs.replace(part, source=inline)


async def _all(fetches: Iterable[Coroutine[Any, Any, Inline]]) -> list[Inline]:
    """All of them, or the first failure when the others have been given up."""
    tasks = [asyncio.ensure_future(fetch) for fetch in fetches]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Fetcher:
    """Fetches the links of one request. Its state is how many bytes may still come."""

    def __init__(self, upstream: UpstreamPool, limits: Limits) -> None:
        self._upstream = upstream
        self._limits = limits
        self._left = limits.most_bytes

    async def fetch(self, url: str) -> Inline:
        """What is at an address.

        Raises:
            InvalidRequest: it cannot be fetched, or is of no kind that models take.
        """
        try:
            body = await self._body(url, url, MOST_REDIRECTS)
        except AddressRefused:
            raise _refused(url, "leads to an address that may not be fetched") from None
        except TransportError as error:
            raise _refused(url, f"cannot be fetched ({error.code})") from None
        media_type = media_type_of(body)
        if media_type is None:
            raise _refused(
                url, "is neither PNG, JPEG, GIF, WebP, PDF, WAV nor MP3, by its first bytes"
            )
        return Inline(media_type, await _base64(body))

    async def _body(self, url: str, at: str, redirects: int) -> bytes:
        """Follow an address; ``url`` is what the request said, ``at`` where that has led."""
        origin, target = _parsed(url, at)
        asked = UpstreamRequest(b"GET", origin, target, _HEADERS)
        response = await self._upstream.open(asked)
        try:
            if response.status in _REDIRECTS:
                where = _location(response)
                if not redirects or where is None:
                    raise _refused(url, f"leads elsewhere more than {MOST_REDIRECTS} times")
                return await self._body(url, urljoin(at, where), redirects - 1)
            if response.status != 200:
                raise _refused(url, f"answered with status {response.status}")
            return await self._read(response, url)
        finally:
            response.abort()

    async def _read(self, response: UpstreamResponse, url: str) -> bytes:
        pieces: list[bytes] = []
        while piece := await response.chunk():
            self._left -= len(piece)
            if self._left < 0:
                most = self._limits.most_bytes
                raise _refused(
                    url, f"makes more than {most} bytes of images and files", code="link_too_large"
                )
            pieces.append(piece)
        return b"".join(pieces)


def _parsed(url: str, at: str) -> tuple[Origin, bytes]:
    """Origin and target of an address.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        parts = urlsplit(at)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise _refused(url, "is no address") from None
    if parts.scheme not in _DEFAULT_PORTS or not host or port == 0:
        raise _refused(url, "is no address that begins with http:// or https://")
    if "@" in parts.netloc:
        raise _refused(url, "has credentials in it")
    query = f"?{quote(parts.query, _SAFE)}" if parts.query else ""
    target = f"{quote(parts.path or '/', _SAFE)}{query}"
    origin = Origin(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme])
    return origin, target.encode("ascii")


def _location(response: UpstreamResponse) -> str | None:
    for name, value in response.headers:
        if name == b"location":
            return value.decode("latin-1")
    return None


async def _base64(body: bytes) -> str:
    """The bytes as text, encoded in steps between which others have their turn."""
    encode: Callable[..., bytes] = binascii.b2a_base64
    if len(body) <= _STEP:
        return encode(body, newline=False).decode()
    pieces = []
    for start in range(0, len(body), _STEP):
        pieces.append(encode(body[start : start + _STEP], newline=False))
        await asyncio.sleep(0)
    return b"".join(pieces).decode()


def _refused(url: str, why: str, code: str = "link_not_fetched") -> InvalidRequest:
    """The error, with as much of the address as is no secret: a query may hold a signature."""
    shown = url.partition("?")[0][:_SHOWN]
    return InvalidRequest(f"The address {shown!r} {why}.", code=code, param="messages", hint=_HINT)
