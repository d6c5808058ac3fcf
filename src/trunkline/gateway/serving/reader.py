"""Cuts the bytes of a connection into requests, and refuses what is no clear request."""

import logging
from typing import Final, Literal, Protocol

import httptools

from trunkline.errors import (
    HeadersTooLarge,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    TrunklineError,
    UpgradeRequired,
)
from trunkline.gateway.serving.request_head import RequestHead

_LOG: Final = logging.getLogger(__name__)

# Bytes of framing that each chunk of a body may cost beside its data, as in Go's net/http.
_FRAMING_PER_CHUNK: Final = 16


class Receiver(Protocol):
    """Takes requests as they are cut out. May raise a ``TrunklineError``, which ends the feed."""

    def head_complete(
        self, head: RequestHead, method: str, version: str, *, keep_alive: bool
    ) -> None:
        """A whole head; its object is used again for the next request."""
        ...

    def body_piece(self, piece: bytes) -> None:
        """Bytes of the body of the last head."""
        ...

    def body_complete(self) -> None:
        """The end of the last head's request."""
        ...


class RequestReader:
    """The parser of one connection, and the bounds on what it may be fed.

    Its state is where the parser stands, the head so far, and how many bytes were fed that are
    neither a finished head nor body.

    Attributes:
        state: between two requests, in a head, or in a body.
        begun: heads begun so far.
        head: the present head, or the last one.
    """

    def __init__(self, receiver: Receiver, header_bytes: int) -> None:
        self.state: Literal["between", "head", "body"] = "between"
        self.begun = 0
        self.head = RequestHead()
        # httptools looks its callbacks up once; this is the most frequent one, so nothing stands
        # between it and the head.
        self.on_header = self.head.add
        self._receiver = receiver
        self._header_bytes = header_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._feed_size = 0
        self._head_fed = 0
        self._framing = 0
        self._upgrading = False

    def feed(self, data: bytes) -> None:
        """Parse more bytes and hand on what is complete.

        Raises:
            TrunklineError: what to answer; nothing may be fed after it.
        """
        was, begun = self.state, self.begun
        self._feed_size = len(data)
        self._framing += len(data)
        self._parse(data)
        if self.state == "head":
            # Bytes before this head in the same feed, those of an earlier body, are not its own.
            whole = self.begun == begun or (was == "between" and self.begun == begun + 1)
            self._head_fed += len(data) if whole else self.head.size
            if self._head_fed > self._header_bytes:
                raise self._headers_too_large()
        elif self.state == "body":
            # Chunk sizes, extensions and trailers are part of no body that anybody counts.
            continued = was == "body" and self.begun == begun
            self._framing = max(0, self._framing) if continued else 0
            if self._framing > self._header_bytes:
                raise InvalidRequest("The chunks are mostly framing.", code="invalid_http")

    # Called by httptools

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self.state = "head"
        self.begun += 1
        self.head.begin()
        self._head_fed = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self.head.url += url

    def on_headers_complete(self) -> None:
        """The empty line after the headers."""
        parser, limit = self._parser, self._header_bytes
        if parser.should_upgrade():
            self._upgrading = True
            return
        if self._head_fed + self._feed_size > limit and self.head.size > limit:
            raise self._headers_too_large()
        self.state = "body"
        self.head.whole = True
        self._receiver.head_complete(
            self.head,
            parser.get_method().decode(),
            parser.get_http_version(),
            keep_alive=parser.should_keep_alive(),
        )

    def on_chunk_header(self) -> None:
        """The size of another chunk."""
        self._framing -= _FRAMING_PER_CHUNK

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self._framing -= len(piece)
        self._receiver.body_piece(piece)

    def on_message_complete(self) -> None:
        """A request's last byte."""
        if not self._upgrading:
            self.state = "between"
            self._receiver.body_complete()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
            return
        except httptools.HttpParserUpgrade as upgrade:
            head_size = upgrade.args[0]
        except httptools.HttpParserCallbackError as error:
            raise _from_callback(error) from None
        except httptools.HttpParserError as error:
            # Between two requests only bytes behind one that said ``Connection: close`` fail;
            # nobody waits for an answer to those.
            if self.state == "between":
                return
            raise InvalidRequest(f"This is not HTTP/1.1: {error}.", code="invalid_http") from None
        # Not inside the handler: it would take the place of the cause of a callback's error.
        self._parse_without_upgrade(data[head_size:])

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Go on as plain HTTP where a client offers another protocol (RFC 9110, 7.8).

        llhttp reads no body after an offer, yet clients such as Java's offer h2c with a body; so
        the same head without the offer is parsed from a fresh start.
        """
        self._upgrading = False
        method = self._parser.get_method()
        if method == b"CONNECT":
            raise MethodNotAllowed("This server is no forward proxy.")
        if self.head.upgrade == b"websocket":
            raise UpgradeRequired("This server speaks no WebSocket; send a plain request.")
        self._parser = httptools.HttpRequestParser(self)
        plain = self.head.without_upgrade(method) + rest
        self._feed_size = len(plain)
        self._parse(plain)

    def _headers_too_large(self) -> HeadersTooLarge:
        return HeadersTooLarge(f"The request's headers are larger than {self._header_bytes} bytes.")


def _from_callback(error: httptools.HttpParserCallbackError) -> TrunklineError:
    cause = error.__context__
    if isinstance(cause, TrunklineError):
        return cause
    _LOG.error("A request's head could not be handled.", exc_info=cause)
    return InternalError("The gateway failed.")
