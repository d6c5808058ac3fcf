"""What the pipeline asks of an API format. A wire is one module that provides these."""

from enum import IntEnum
from typing import Protocol

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.metering.usage import Usage


class Sight(IntEnum):
    """What a frame of a stream means to the relay."""

    START = 0  # Something without content; held back until the commit point.
    CONTENT = 1  # Text, reasoning, a tool call, or the reason why there is none.
    HIDDEN = 2  # Asked for by us and not by the caller.
    END = 3  # The wire's own end of a whole answer.
    ERROR = 4  # The provider reports a failure inside the stream.


class Inbound(msgspec.Struct):
    """A request of this wire, decoded only as far as the path needs.

    Attributes:
        fields: the top-level members in their order, each with its own bytes. Where a member was
            repeated the last one counts, and it alone is sent on: nothing is billed under one
            reading and run under another.
        max_tokens: the output ceiling that the request names, or None.
        ceilings: the members in which it names one; not every provider reads every member.
        answers: how many alternatives are asked for, each of which may use the ceiling.
        attachments: images and audio in the messages.
        files: documents and videos in the messages, which may be as long as the context window.
        server_tools: whether tools run at the provider and add tokens of their own.
        searches: whether one of them searches the web and the answer reports each search, which is
            billed by itself.
        wants_usage: whether the caller asked for usage in the stream.
    """

    fields: dict[str, msgspec.Raw]
    model: str
    size: int
    stream: bool = False
    max_tokens: int | None = None
    answers: int = 1
    attachments: int = 0
    has_tools: bool = False
    server_tools: bool = False
    wants_usage: bool = True
    end_user: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    service_tier: str | None = None
    files: int = 0
    ceilings: tuple[str, ...] = ()
    searches: bool = False


class Reply(msgspec.Struct, frozen=True):
    """What is read of a whole answer. ``usage`` is None when the provider did not report it."""

    usage: Usage | None
    model: str | None = None
    service_tier: str | None = None


class Malformed(Exception):
    """The provider's bytes are not what its wire promises."""


class ProviderFault(msgspec.Struct, frozen=True):
    """A failure as the provider told it, in an error answer or inside a stream.

    Attributes:
        status: HTTP status, or the one that the error's type stands for.
        type: the provider's word for it, or None.
        message: the provider's sentence, or None.
        ours: whether it is about our secret or account, which is none of the caller's business.
    """

    status: int
    type: str | None
    message: str | None
    ours: bool


class StreamReader(Protocol):
    """Reads the frames of one attempt's stream; the pipeline reads its attributes afterwards."""

    usage: Usage | None
    """The buckets reported so far that are final; None until the provider has said them all."""
    input_usage: Usage | None
    """The input buckets, where the wire reports them at the start."""
    model: str | None
    service_tier: str | None
    content_bytes: int
    """UTF-8 bytes of the content seen, for estimates."""
    error: ProviderFault | None
    """Set by the frame that was an error."""

    def read(self, frame: bytes) -> Sight:
        """Classify a whole frame.

        Raises:
            Malformed: the frame's data is not what the wire promises.
        """
        ...


class Wire(Protocol):
    """One API format. Pure functions; one instance serves all requests."""

    name: str
    keep_alive: bytes
    """A frame that means nothing, for streams that wait for their first content."""

    def read_request(self, body: bytes, operation: str) -> Inbound:
        """Decode a caller's request.

        Raises:
            InvalidRequest: with the field in ``param`` where one can be named.
        """
        ...

    def write_request(self, request: Inbound, model: str) -> bytes:
        """The body for the provider: the caller's members, and ours where they differ."""
        ...

    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        """Set the ceiling of output tokens, in the provider's field, on a request without one."""
        ...

    def path(self, operation: str) -> bytes:
        """The provider's path of an operation, below the connection's prefix."""
        ...

    def read_reply(self, body: bytes, operation: str) -> Reply:
        """Read a whole answer of status 200.

        Raises:
            Malformed: the body is not what the wire promises.
        """
        ...

    def stream_reader(self, request: Inbound) -> StreamReader:
        """A reader for one attempt."""
        ...

    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        """Understand an error answer of the provider; never raises."""
        ...

    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        """An error of ours as a whole answer in this wire."""
        ...

    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        """An error of ours inside a stream that has begun."""
        ...
