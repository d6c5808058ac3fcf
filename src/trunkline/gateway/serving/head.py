"""The head of an answer as bytes. Pure."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from operator import itemgetter
from typing import Final

Pair = tuple[bytes, bytes]


class LinedHeaders:
    """Headers of which some are lines already, as they will be sent behind the others.

    A pair costs more to make, to judge and to join than most values do, so what we say ourselves
    of each answer is written as one text. It is sent as it is. Whoever keeps or changes an answer
    gets all headers as pairs.

    Args:
        pairs: judged before they are sent: names in lower case, the server's own left out.
        lines: each ended by CR LF, with names in lower case that the server does not own, and
            with values that cannot hold a line break, such as numbers and ids.
    """

    __slots__ = ("lines", "pairs")

    def __init__(self, pairs: Sequence[Pair], lines: str) -> None:
        self.pairs = pairs
        self.lines = lines

    def __iter__(self) -> Iterator[Pair]:
        yield from self.pairs
        for line in self.lines.encode().splitlines():
            name, _, value = line.partition(b": ")
            yield name, value


Headers = Sequence[Pair] | LinedHeaders

# Framing and the date are the server's own business; what a handler says of them is left out.
_SERVER_OWNED: Final = frozenset(
    {b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"date"}
)

WITHOUT_BODY: Final = frozenset({204, 304})
"""The statuses whose answers have no body at all (RFC 9110, 6.4.1)."""

_NAME: Final = itemgetter(0)
_LINE: Final = b": ".join
_LF, _CR, _NUL = b"\n\r\0"


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}".encode()


_STATUS_LINES: Final = tuple(_status_line(status) for status in range(600))


def render_head(status: int, headers: Headers, own: str) -> bytes:
    """The bytes from the status line to the empty line.

    Args:
        status: 200 to 599.
        headers: lower-case names; of pairs, those that the server owns are left out.
        own: the server's lines, each ended by CR LF.

    Raises:
        ValueError: a name or value would break out of its line.
    """
    if isinstance(headers, LinedHeaders):
        own = headers.lines + own
        headers = headers.pairs
    if not _SERVER_OWNED.isdisjoint(map(_NAME, headers)):
        headers = [header for header in headers if header[0] not in _SERVER_OWNED]
    lines = [*map(_LINE, headers)]
    # Searched before the line breaks stand between them: no line may hold another line.
    text = b"".join(lines)
    if _LF in text or _CR in text or _NUL in text:
        raise ValueError("a header of the answer holds a line break or NUL")
    # The last two line breaks are that of our own lines and the one before nothing.
    return b"\r\n".join((_STATUS_LINES[status], *lines, own.encode(), b""))
