"""What the pipeline asks of an API format. A wire is one folder that provides these.

A wire passes bytes where caller and provider speak the same one; then only what the path must know
is read. Where they differ, the caller's codec reads the request into the internal form and the
provider's codec writes it, and the other way round for what comes back.
"""

from enum import IntEnum
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import Event
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.metering.usage import Usage

CHAT: Final = "chat"
COMPLETION: Final = "completion"
COUNT_TOKENS: Final = "count_tokens"
EMBEDDING: Final = "embedding"
RERANK: Final = "rerank"
IMAGE: Final = "image"
IMAGE_EDIT: Final = "image_edit"
SPEECH: Final = "speech"
TRANSCRIPTION: Final = "transcription"
TRANSLATION: Final = "audio_translation"
MODERATION: Final = "moderation"


class Sight(IntEnum):
    """What a frame of a stream means to the relay."""

    START = 0  # Something without content; held back until the commit point.
    CONTENT = 1  # Text, reasoning, a tool call, or the reason why there is none.
    HIDDEN = 2  # Asked for by us and not by the caller.
    END = 3  # The wire's own end of a whole answer.
    ERROR = 4  # The provider reports a failure inside the stream.
    CLOSING = 5  # Content that may be the last: the end if the transfer ends here, else not.


class Place(msgspec.Struct, frozen=True):
    """What a request says outside of its body.

    Attributes:
        item: what the path names, such as the model of Gemini's routes.
        query: the query string as it came.
        content_type: of the body.
    """

    item: str | None = None
    query: bytes = b""
    content_type: bytes = b"application/json"


NOWHERE: Final = Place()


class OwnCeiling(msgspec.Struct, frozen=True):
    """What a caller itself said of its output ceiling: members of ``Inbound``."""

    fields: dict[str, msgspec.Raw]
    max_tokens: int | None
    ceilings: tuple[str, ...]


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
        fills: whether a gap is to be filled, or a prompt continued without a chat template, which
            only some wires can ask for.
        inputs: how many texts, documents or files there are, for operations that bill by them.
        repeated: bytes of the body that the provider reads again and bills again, such as a query
            beside each document.
        form: the whole body where it is no JSON, such as an upload.
        place: what the request says outside of its body.
        continues: id of the kept response that this request goes on from.
        references: ids of kept items that stand in this request's place of the items themselves.
        keeps: whether the response shall be kept for later requests.
        background: whether the caller wants the response's id at once, and its answer later.
        thinks: whether the model that it is written for thinks, as far as is known; set before
            each ``Wire.write_request``.
        stand_ins: texts that a guardrail took out and the answer gets back, by what stands for them
            in the request now; None where there are none.
        output_limit_field: the member in which the provider that it is written for takes an output
            ceiling; set like ``thinks``.
        own_ceiling: what the caller said, while a ceiling of an alias stands in its place.
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
    fills: bool = False
    inputs: int = 1
    repeated: int = 0
    form: bytes | None = None
    place: Place = NOWHERE
    continues: str | None = None
    references: tuple[str, ...] = ()
    keeps: bool = False
    background: bool = False
    thinks: bool = False
    stand_ins: dict[str, str] | None = None
    output_limit_field: str = "max_tokens"
    own_ceiling: OwnCeiling | None = None


class Reply(msgspec.Struct, frozen=True):
    """What is read of a whole answer.

    Attributes:
        usage: None when the provider did not report it.
        filtered: whether a filter of the provider ended the answer, or left nothing of it.
        clean: whether it ended as it should; the request's own limit of length is such an end.
    """

    usage: Usage | None
    model: str | None = None
    service_tier: str | None = None
    filtered: bool = False
    clean: bool = True


class Malformed(Exception):
    """The provider's bytes are not what its wire promises."""


class ProviderFault(msgspec.Struct, frozen=True):
    """A failure as the provider told it, in an error answer or inside a stream.

    Attributes:
        status: HTTP status, or the one that the error's type stands for.
        type: the provider's word for it, or None.
        message: the provider's sentence, or None.
        ours: whether it is about our secret or account, which is none of the caller's business.
        retry_after: seconds after which a repeat makes sense, where the body says so.
    """

    status: int
    type: str | None
    message: str | None
    ours: bool
    retry_after: float | None = None


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
    filtered: bool = False
    """Whether a filter of the provider ended the answer; set by the frame that says so."""
    clean: bool = True
    """Whether nothing has said yet that the answer did not end as it should."""

    def read(self, frame: bytes) -> Sight:
        """Classify a whole frame.

        Raises:
            Malformed: the frame's data is not what the wire promises.
        """
        ...


class Splitter(Protocol):
    """Cuts a provider's stream into whole frames of its framing."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that this chunk completes, terminators included.

        Raises:
            FrameTooLarge: an unfinished frame exceeds the limit.
            Malformed: the bytes are not of this framing.
        """
        ...

    def rest(self) -> bytes:
        """The bytes that wait for the end of their frame."""
        ...


class Answering(msgspec.Struct, frozen=True):
    """What a writer of replies must know of the request that it answers.

    Attributes:
        id: our own id of the request, without hyphens; ids in the caller's wire are made of it.
        model: the model as the caller named it, for replies whose provider names none.
        created: Unix seconds.
        request: the request in the internal form; of another type for other operations.
    """

    id: str
    model: str
    created: int
    request: Any


Asked = TypeVar("Asked")
Told = TypeVar("Told")


class Codec(Protocol, Generic[Asked, Told]):
    """Reads a wire into the internal form and writes it from there. Pure.

    The reader accepts what the wire's own clients send, unknown members included, and keeps these
    as extensions; for each document that it accepts the writer of the same wire gives back an equal
    one (``Destination`` and ``Losses`` then take nothing away).
    """

    def read_request(self, document: Document, place: Place) -> Asked:
        """A caller's request.

        Raises:
            InvalidRequest: with the field in ``param``.
        """
        ...

    def write_request(self, request: Asked, destination: Destination, losses: Losses) -> Document:
        """The document for the provider. What it cannot carry is noted and left out.

        Raises:
            InvalidRequest: without what cannot be carried nothing sensible is left.
        """
        ...

    def read_reply(self, document: Document, seed: str) -> Told:
        """A provider's whole answer.

        Args:
            document: the answer's body.
            seed: unique to the attempt; tool-call ids are made of it where the wire has none.

        Raises:
            Malformed: the document is not what the wire promises.
        """
        ...

    def write_reply(self, reply: Told, usage: Usage | None, answering: Answering) -> Document:
        """The whole answer for the caller; ``usage`` is None when nobody knows it."""
        ...


class EventReader(Protocol):
    """Reads one stream of a provider into events. Usage and failures are the StreamReader's."""

    def read(self, frame: bytes) -> list[Event]:
        """The events of a whole frame, often none.

        Raises:
            Malformed: the frame is not what the wire promises.
        """
        ...

    def close(self) -> list[Event]:
        """What is still open at the wire's own end: ends of parts and calls, and the stop."""
        ...


class EventWriter(Protocol):
    """Writes one stream to a caller, frame by frame, in the grammar of the wire."""

    def write(self, events: list[Event]) -> bytes:
        """The frames for these events, often none: the finish waits for the usage."""
        ...

    def close(self, usage: Usage | None) -> bytes:
        """The last frames: open parts are closed, the stop and the usage told, and the end."""
        ...


class EventCodec(Protocol):
    """The streaming half of a codec."""

    def event_reader(self, seed: str) -> EventReader:
        """A reader for one attempt; ``seed`` as in ``Codec.read_reply``."""
        ...

    def event_writer(self, answering: Answering) -> EventWriter:
        """A writer for one answer."""
        ...


GenerationCodec = Codec[Request, Any]


class Wire(Protocol):
    """One API format. Pure functions; one instance serves all requests."""

    name: str
    operations: frozenset[str]
    """What a provider that speaks this wire can be asked for."""
    versioned: bool
    """Whether ``path`` begins with the version, such as ``/v1/messages``; otherwise the version
    belongs to the provider's base address, as with OpenAI's."""
    keep_alive: bytes
    """A frame that means nothing, for streams that wait for their first content."""
    stream_type: bytes
    """Content type of a stream, without parameters."""
    codec: Codec[Any, Any] | None
    """None for wires that only pass."""
    events: EventCodec | None

    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        """Decode a caller's request.

        Raises:
            InvalidRequest: with the field in ``param`` where one can be named.
        """
        ...

    def write_request(self, request: Inbound, model: str) -> bytes:
        """The body for the provider: the caller's members, and ours where they differ."""
        ...

    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        """Set the ceiling of output tokens in the provider's field, and in no other."""
        ...

    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        """The provider's path and query of an operation, below the connection's prefix."""
        ...

    def read_reply(self, body: bytes, operation: str) -> Reply:
        """Read a whole answer of status 200.

        Raises:
            Malformed: the body is not what the wire promises.
        """
        ...

    def stream_reader(self, request: Inbound) -> StreamReader:
        """A reader for one attempt.

        ``request`` is of the caller's wire; what it says of hidden usage holds for this wire only.
        """
        ...

    def splitter(self, limit: int) -> Splitter:
        """A splitter for one attempt; no frame may be longer than ``limit`` bytes."""
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
