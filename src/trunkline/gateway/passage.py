"""How one attempt's bytes get to the provider and back: as they are, or through the internal form.

Both ways look the same to the attempt and to the relay, so that streams, errors and money take one
path. Usage is read by the provider's wire in either case, and here only told.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.continuity import Collector, Kept, collect
from trunkline.gateway.exchange.reply import Reply
from trunkline.gateway.guarding.look import Look
from trunkline.gateway.guarding.outward import StreamGuard, guard_answer
from trunkline.gateway.headers import JSON, Pairs, downstream_headers
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.wire.contract import (
    Answering,
    Inbound,
    Malformed,
    Sight,
    StreamReader,
    Wire,
)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

Take = Callable[[bytes, Sight], bytes]
"""Takes a provider's frame and gives what the caller gets for it, often the frame itself."""


class Passage(Protocol):
    """One attempt's way.

    Attributes:
        holds: whether content has come and all of it is still held back for guards.
        wire: the provider's.
        passes: whether bytes stay as they are.
        content_type: of the body for the provider.
    """

    wire: Wire
    passes: bool
    content_type: bytes

    @property
    def holds(self) -> bool:
        return False

    def body(self) -> bytes:
        """What is sent to the provider."""
        ...

    def meter(self) -> StreamReader:
        """Reads the provider's frames for usage, failures and the end."""
        ...

    def head(self, received: Pairs) -> Pairs:
        """The headers of the provider that pass to the caller."""
        ...

    def answer(self, body: bytes, usage: Usage | None) -> bytes:
        """The caller's whole answer.

        Raises:
            Malformed: the provider's is not what its wire promises.
        """
        ...

    def frames(self, meter: StreamReader) -> Take:
        """A function for one stream's frames; it raises ``Malformed`` like ``answer``."""
        ...

    def last_words(self, meter: StreamReader) -> bytes:
        """What is still to be told when the transfer's own end was the end of the stream."""
        ...


class Passing(Passage):
    """Caller and provider speak the same wire."""

    __slots__ = ("_request", "_target", "content_type", "wire")

    passes = True

    def __init__(self, speech: Speech, request: Inbound) -> None:
        self.wire = speech.wire
        self.content_type = JSON[1] if request.form is None else request.place.content_type
        self._target = speech.target
        self._request = request

    @override
    def body(self) -> bytes:
        target, request = self._target, self._request
        request.thinks = bool(target.traits.thinking)
        request.output_limit_field = target.connection.output_limit_field
        return self.wire.write_request(request, target.model)

    @override
    def meter(self) -> StreamReader:
        return self.wire.stream_reader(self._request)

    @override
    def head(self, received: Pairs) -> Pairs:
        return downstream_headers(received, 200)

    @override
    def answer(self, body: bytes, usage: Usage | None) -> bytes:
        return body

    @override
    def frames(self, meter: StreamReader) -> Take:
        return _as_it_is

    @override
    def last_words(self, meter: StreamReader) -> bytes:
        return b""


def _as_it_is(frame: bytes, _sight: Sight) -> bytes:
    return frame


class Watching(Passing):
    """The same wire, and guards that look at a whole answer. What they leave alone stays as it was.

    Args:
        look: the guards of the answer.
    """

    __slots__ = ("_look",)

    def __init__(self, speech: Speech, request: Inbound, look: Look) -> None:
        super().__init__(speech, request)
        self._look = look

    @override
    def answer(self, body: bytes, usage: Usage | None) -> bytes:
        try:
            document = _decode(body)
        except (msgspec.DecodeError, RecursionError):
            # A transcript may be plain text.
            return self._edited(body)
        if not isinstance(document, dict):
            raise Malformed("the answer is not an object")
        return _encode(document) if _guarded(document, self._look) else body

    def _edited(self, body: bytes) -> bytes:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise Malformed("the answer is neither JSON nor a text") from None
        return self._look.edit(text).encode()


class Retelling(Passing):
    """The same wire, and guards that look at a stream.

    Where they may change or stop it, it is read into the internal form and written again, since
    what is held back and what is let go are no longer the provider's frames. Where they only make
    notes, the frames pass.

    Its state is the reader and the writer of one stream.
    """

    __slots__ = ("_changes", "_guard", "_reader", "_writer")

    def __init__(self, speech: Speech, request: Inbound, answering: Answering, look: Look) -> None:
        super().__init__(speech, request)
        events = speech.wire.events
        if events is None:
            raise AssertionError("only streams with events are told again")
        self._changes = look.changes
        self._guard = StreamGuard(look)
        self._reader = events.event_reader(answering.id)
        self._writer = events.event_writer(answering)

    @property
    @override
    def holds(self) -> bool:
        return self._changes and self._guard.holds

    @override
    def meter(self) -> StreamReader:
        if not self._changes:
            return super().meter()
        # Whether the caller gets the usage is the writer's matter.
        return self.wire.stream_reader(Inbound(fields={}, model="", size=0))

    @override
    def frames(self, meter: StreamReader) -> Take:
        return self._told(meter) if self._changes else self._noted

    def _told(self, meter: StreamReader) -> Take:
        read, guard, write = self._reader.read, self._guard.take, self._writer.write

        def take(frame: bytes, sight: Sight) -> bytes:
            events = guard(read(frame))
            told = write(events) if events else b""
            return told + self.last_words(meter) if sight is Sight.END else told

        return take

    def _noted(self, frame: bytes, sight: Sight) -> bytes:
        # What cannot be read for a note is not broken for its caller.
        with suppress(Malformed):
            self._guard.take(self._reader.read(frame))
        if sight is Sight.END:
            self._guard.take(self._reader.close())
        return frame

    @override
    def last_words(self, meter: StreamReader) -> bytes:
        events = self._guard.take(self._reader.close())
        if not self._changes:
            return b""
        return self._writer.write(events) + self._writer.close(meter.usage)


def _guarded(document: dict[str, Any], look: Look) -> bool:
    try:
        return guard_answer(document, look)
    except RecursionError:
        raise Malformed("the answer is nested too deeply") from None


class Translating(Passage):
    """Caller and provider speak different wires, and the internal form stands between them.

    Its state is the document for the provider and, once a stream is open, its reader and writer and
    what must be kept for the next turn.
    """

    __slots__ = (
        "_answering",
        "_caller",
        "_collector",
        "_document",
        "_guard",
        "_keep",
        "_look",
        "_reader",
        "_stream",
        "_writer",
        "wire",
    )

    passes = False
    content_type = JSON[1]

    def __init__(
        self,
        caller: Wire,
        provider: Wire,
        document: dict[str, Any],
        answering: Answering,
        keep: Callable[[Mapping[str, Kept]], None],
        look: Look | None = None,
        *,
        stream: bool,
    ) -> None:
        self.wire = provider
        self._caller = caller
        self._document = document
        self._answering = answering
        self._keep = keep
        self._look = look
        self._guard = StreamGuard(look) if look is not None else None
        self._stream = stream
        self._collector = Collector()
        if stream and provider.events is not None and caller.events is not None:
            self._reader = provider.events.event_reader(answering.id)
            self._writer = caller.events.event_writer(answering)

    @property
    @override
    def holds(self) -> bool:
        return self._guard is not None and self._guard.holds

    @override
    def body(self) -> bytes:
        return _encode(self._document)

    @override
    def meter(self) -> StreamReader:
        # The document asks for everything that the provider can tell; nothing of it is hidden.
        return self.wire.stream_reader(Inbound(fields={}, model="", size=0))

    @override
    def head(self, received: Pairs) -> Pairs:
        return [(b"content-type", self._caller.stream_type) if self._stream else JSON]

    @override
    def answer(self, body: bytes, usage: Usage | None) -> bytes:
        provider, caller = self.wire.codec, self._caller.codec
        if provider is None or caller is None:
            raise AssertionError("a translation needs two codecs")
        try:
            document = _decode(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not JSON") from None
        if not isinstance(document, dict):
            raise Malformed("the answer is not an object")
        reply = provider.read_reply(document, self._answering.id)
        if isinstance(reply, Reply):
            for choice in reply.choices:
                self._keep(collect(choice.parts))
        told = caller.write_reply(reply, usage, self._answering)
        if self._look is not None:
            _guarded(told, self._look)
        return _encode(told)

    @override
    def frames(self, meter: StreamReader) -> Take:
        read, write, gather = self._reader.read, self._writer.write, self._collector.take
        guard = self._guard

        def take(frame: bytes, sight: Sight) -> bytes:
            events = read(frame)
            told = b""
            if events:
                gather(events)
                told = write(events if guard is None else guard.take(events))
            return told + self.last_words(meter) if sight is Sight.END else told

        return take

    @override
    def last_words(self, meter: StreamReader) -> bytes:
        events = self._reader.close()
        self._collector.take(events)
        # Before the caller has the end, since it may go on with the next turn at once.
        self._keep(self._collector.kept)
        if self._guard is not None:
            events = self._guard.take(events)
        told = self._writer.write(events)
        return told + self._writer.close(meter.usage)
