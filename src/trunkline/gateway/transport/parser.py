"""Bytes from a provider to a response, without any I/O.

httptools (llhttp in its strict mode) does the reading. What it leaves to us is here: bounds,
unknown transfer encodings, interim responses, bodies that last until the end of the connection, and
bytes after the end. Where two readers could differ on where a message ends, the answer is always a
``ProtocolViolation`` and never a guess.
"""

import httptools
import msgspec
from typing_extensions import override

from trunkline.gateway.transport.errors import (
    ConnectionLost,
    HeadTooLarge,
    ProtocolViolation,
    TransportError,
)

MAX_HEADERS = 256
MAX_INTERIM = 8

# Framing that a chunked body may carry beside its data: trailers and the slack of a first read,
# and for each chunk its size line with an extension.
_FRAMING_SLACK = 16_384
_FRAMING_PER_CHUNK = 256

# More digits than any real number of seconds has.
_MAX_DIGITS = 10
_INTERIM_END = 200
_SWITCHING_PROTOCOLS = 101
_STATUS_END = 600
_WITHOUT_BODY = frozenset({204, 304})
_VERSIONS = frozenset({"1.1", "1.0"})
_BEGINNING = b"HTTP/1.1"


class _Finished(Exception):
    """Stops llhttp where the response is complete and further bytes are not ours to read."""


class IncomingResponse(msgspec.Struct, eq=False):
    """What has arrived of one response. Written by the parser; the reader takes the parts out.

    Attributes:
        status: the newest status; final with the head, since interim responses are skipped.
        headers: names in lower case, in the order in which they came.
        promised: bytes of the whole body as its head announced them; None where it did not.
        content_encoding: lower-case value of that header, empty when there is none.
        keep_alive_seconds: how long the provider says that it keeps an idle connection, or None.
        parts: body bytes that nobody has taken yet.
        buffered: how many bytes those are.
        head_complete: status and headers are final.
        complete: the message has come to its proper end.
        reusable: the connection may carry another request; final once ``complete``.
    """

    status: int = 0
    headers: list[tuple[bytes, bytes]] = msgspec.field(default_factory=list)
    promised: int | None = None
    content_encoding: bytes = b""
    keep_alive_seconds: int | None = None
    parts: list[bytes] = msgspec.field(default_factory=list)
    buffered: int = 0
    head_complete: bool = False
    complete: bool = False
    reusable: bool = False


class ResponseParser:
    """Reads the responses of one connection, one after the other.

    ``begin`` starts a response, ``feed`` and ``end`` bring it forward. After an error, or after a
    response that is not reusable, the parser is of no further use.

    Its state is the response being read and counters about it; the connection owns it.
    """

    def __init__(self, max_head_bytes: int) -> None:
        self._max_head = max_head_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self._incoming = IncomingResponse()
        # Reset for each response: facts about it, and counts of bytes, chunks, interim responses.
        self._head_only = False
        self._is_chunked = False
        self._says_close = False
        self._lasts_until_close = False
        self._is_http11 = False
        self._fed = self._received = self._head_size = self._chunks = self._interim = 0

    @override
    def __repr__(self) -> str:
        return f"<ResponseParser {self._stage()}>"

    def begin(self, incoming: IncomingResponse, *, head_only: bool) -> None:
        """Expect a response; ``head_only`` for the answer to HEAD, which has no body."""
        self._incoming = incoming
        self._head_only = head_only
        self._is_chunked = self._says_close = self._lasts_until_close = False
        self._fed = self._received = self._head_size = self._chunks = self._interim = 0

    def feed(self, data: bytes) -> None:
        """Take bytes as they came.

        Raises:
            ProtocolViolation, HeadTooLarge: the response is broken, the connection is to be closed.
        """
        incoming = self._incoming
        if not self._fed:
            self._is_http11 = data[:8] == _BEGINNING
        self._fed += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            if not incoming.complete:
                raise _violation(error) from None
            # The response itself is whole; only what follows it is wrong.
            incoming.reusable = False
            return
        if not incoming.head_complete:
            if self._fed > self._max_head:
                raise HeadTooLarge("the response head is too long", sent=True)
        elif self._is_chunked and self._fed - self._received > self._framing_allowed():
            raise ProtocolViolation("the chunks carry more framing than data", sent=True)

    def end(self) -> None:
        """The provider closed its side.

        Raises:
            ConnectionLost: the response is not whole.
        """
        incoming = self._incoming
        if incoming.complete:
            incoming.reusable = False
        elif incoming.head_complete and self._lasts_until_close:
            incoming.complete = True
        else:
            raise ConnectionLost(f"the connection ended {self._stage()}", sent=True)

    # Called by httptools.

    def on_message_begin(self) -> None:
        """A message starts; after a complete one it is surplus."""
        if self._incoming.complete:
            raise _Finished

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer, which is dropped: nothing in LLM APIs is told in trailers."""
        incoming = self._incoming
        if incoming.head_complete:
            return
        name = name.lower()
        # Of all white space llhttp lets blanks and tabs through.
        value = value.rstrip()
        incoming.headers.append((name, value))
        if name in _READ_HERE:
            _READ_HERE[name](self, value)

    def on_headers_complete(self) -> None:
        """The head is there: decide what kind of body follows."""
        incoming = self._incoming
        incoming.status = status = self._parser.get_status_code()
        # A head cannot be longer than all that was fed; only where that is more is it measured, or
        # where more follows whose framing is told from it.
        if self._is_chunked or status < _INTERIM_END or self._fed > self._max_head:
            self._measure_head()
        if len(incoming.headers) > MAX_HEADERS:
            raise HeadTooLarge(f"the response has more than {MAX_HEADERS} headers", sent=True)
        # Of a response that came without an interim one its first bytes have told.
        version = "1.1" if self._is_http11 else self._parser.get_http_version()
        if version not in _VERSIONS or status >= _STATUS_END:
            raise ProtocolViolation(f"HTTP/{version} with status {status}", sent=True)
        if status < _INTERIM_END:
            self._check_interim(status)
            return
        if self._is_chunked and version == "1.0":
            raise ProtocolViolation("chunks in an HTTP/1.0 response", sent=True)
        incoming.head_complete = True
        if self._head_only:
            # llhttp would wait for the body that the headers speak of, so it is stopped here.
            incoming.complete = True
            raise _Finished
        if status in _WITHOUT_BODY:
            incoming.promised = 0
        elif incoming.promised is None and not self._is_chunked:
            self._lasts_until_close = self._says_close or version == "1.0"

    def on_body(self, data: bytes) -> None:
        """A part of the body, freed of its framing."""
        incoming = self._incoming
        size = len(data)
        self._received += size
        incoming.buffered += size
        incoming.parts.append(data)

    def on_chunk_header(self) -> None:
        """A chunk begins."""
        self._chunks += 1

    def on_message_complete(self) -> None:
        """The proper end of the response, or of an interim one before it."""
        incoming = self._incoming
        if incoming.head_complete:
            incoming.complete = True
            incoming.reusable = self._parser.should_keep_alive()

    # Ours.

    def _measure_head(self) -> None:
        headers = self._incoming.headers
        self._head_size += sum(len(name) + len(value) + 4 for name, value in headers)
        if self._head_size > self._max_head:
            raise HeadTooLarge("the response head is too long", sent=True)

    def _check_interim(self, status: int) -> None:
        """Skip 100, 102, 103; nothing that we send may be answered by another protocol."""
        if status == _SWITCHING_PROTOCOLS:
            raise ProtocolViolation("the provider switched to another protocol", sent=True)
        self._interim += 1
        if self._interim > MAX_INTERIM or self._is_chunked:
            raise ProtocolViolation("too many or malformed interim responses", sent=True)
        if self._incoming.promised is not None:
            raise ProtocolViolation("an interim response with a body", sent=True)
        self._incoming.headers.clear()
        self._says_close = self._is_http11 = False

    def _read_transfer_encoding(self, value: bytes) -> None:
        if value.lower() != b"chunked" or self._is_chunked:
            raise ProtocolViolation("an unknown transfer encoding", sent=True)
        self._is_chunked = True

    def _read_content_length(self, value: bytes) -> None:
        # llhttp has refused everything that is not one number, and a second one.
        self._incoming.promised = int(value)

    def _read_content_encoding(self, value: bytes) -> None:
        before, value = self._incoming.content_encoding, value.lower()
        self._incoming.content_encoding = before + b", " + value if before else value

    def _read_connection(self, value: bytes) -> None:
        if value != b"keep-alive":
            tokens = [token.strip() for token in value.lower().split(b",")]
            self._says_close = self._says_close or b"close" in tokens

    def _read_keep_alive(self, value: bytes) -> None:
        for parameter in value.lower().split(b","):
            name, _, seconds = parameter.strip().partition(b"=")
            if name == b"timeout" and seconds.isdigit() and len(seconds) < _MAX_DIGITS:
                self._incoming.keep_alive_seconds = int(seconds)

    def _framing_allowed(self) -> int:
        return self._head_size + _FRAMING_SLACK + _FRAMING_PER_CHUNK * self._chunks

    def _stage(self) -> str:
        if self._incoming.complete:
            return "after the response"
        if self._incoming.head_complete:
            return "inside the body"
        return "inside the head" if self._fed else "before the response"


_READ_HERE = {
    b"transfer-encoding": ResponseParser._read_transfer_encoding,  # noqa: SLF001 - the class's own table
    b"content-length": ResponseParser._read_content_length,  # noqa: SLF001 - as above
    b"content-encoding": ResponseParser._read_content_encoding,  # noqa: SLF001 - as above
    b"connection": ResponseParser._read_connection,  # noqa: SLF001 - as above
    b"keep-alive": ResponseParser._read_keep_alive,  # noqa: SLF001 - as above
}


def _violation(error: Exception) -> TransportError:
    """Our own error that a callback raised, or llhttp's in our words."""
    if isinstance(error.__context__, TransportError):
        return error.__context__
    return ProtocolViolation(f"the response breaks HTTP/1.1: {error}", sent=True)
