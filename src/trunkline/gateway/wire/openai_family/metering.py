"""Reads the chunks of a stream for usage, failures and the end, whichever way they pass."""

from typing import Final

import msgspec

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import ProviderFault, Sight, StreamReader
from trunkline.gateway.wire.endings import BAD_ENDS
from trunkline.gateway.wire.openai_family.errors import read_fault
from trunkline.gateway.wire.openai_family.usage import Reported, usage_of

DONE: Final = b"[DONE]"
FAILURE: Final = b"event: error"
FILTERED: Final = "content_filter"
ABSENT: Final = msgspec.Raw()
_REFUSAL: Final = b'"refusal"'


class Groq(msgspec.Struct):
    """Where Groq tells the bill."""

    usage: Reported | None = None


class Chunk(msgspec.Struct):
    """What a chunk tells beside its choices."""

    usage: Reported | None = None
    error: msgspec.Raw = ABSENT
    model: str | None = None
    service_tier: str | None = None
    x_groq: Groq | None = None


class _StrangeChunk(msgspec.Struct):
    error: msgspec.Raw = ABSENT
    object: msgspec.Raw = ABSENT
    choices: msgspec.Raw = ABSENT


_decode_strange = msgspec.json.Decoder(_StrangeChunk).decode


class ChunkMeter(StreamReader):
    """What the meters of chats and of completions have in common.

    Its state is what the pipeline reads, whether the end is near, and the bill that runs along.
    """

    __slots__ = (
        "_finishing",
        "_hides_usage",
        "_running",
        "clean",
        "content_bytes",
        "error",
        "filtered",
        "input_usage",
        "model",
        "service_tier",
        "usage",
    )

    def __init__(self, *, hides_usage: bool = False) -> None:
        self._hides_usage = hides_usage
        self._finishing = False
        self._running: Usage | None = None
        self.usage: Usage | None = None
        self.input_usage: Usage | None = None
        self.model: str | None = None
        self.service_tier: str | None = None
        self.content_bytes = 0
        self.error: ProviderFault | None = None
        self.filtered = False
        self.clean = True

    def read_mark(self, data: bytes) -> Sight:
        """A frame that is no chunk: the end, or a failure under the frame's own name."""
        if data == DONE:
            # Some servers put the bill beside an empty delta and never name a reason to finish.
            self.usage = self.usage or self._running
            return Sight.END
        # Groq names a failure in the frame's event, whatever its data looks like.
        return self.failed(data)

    def failed(self, data: bytes) -> Sight:
        """The frame tells of a failure."""
        self.error = read_fault(0, data)
        return Sight.ERROR

    def read_without_choices(self, chunk: Chunk, choices: object, data: bytes) -> Sight:
        """A chunk whose choices are None or empty, such as the one with the bill."""
        usage = chunk.usage
        if usage is None:
            # Azure's first chunk has an empty list and tells of the prompt's filter.
            return self.read_strange(data) if choices is None else Sight.START
        self._note_usage(usage, final=True)
        return Sight.HIDDEN if self._hides_usage else Sight.START

    def read_strange(self, data: bytes) -> Sight:
        """Valid JSON of a shape that we do not know passes as it is, unless it tells of a failure.

        Some servers give the content in another type; its bytes count as content, for estimates.
        Others send a failure without a member of that name.
        """
        try:
            chunk = _decode_strange(data)
        except msgspec.ValidationError:
            return Sight.CONTENT
        failed = chunk.error is not ABSENT and says_something(chunk.error)
        if failed or bytes(chunk.object).strip() == b'"error"':
            return self.failed(data)
        if chunk.choices is ABSENT:
            return Sight.START
        self.content_bytes += len(bytes(chunk.choices))
        return Sight.CONTENT

    def finished(self, reason: str) -> Sight:
        """A choice has come to its end."""
        self._finishing = True
        if reason in BAD_ENDS:
            self.clean = False
            self.filtered = self.filtered or reason == FILTERED
        return Sight.CONTENT

    def _note_usage(self, reported: Reported, *, final: bool) -> None:
        """Take a report on; a running one, as some servers send with each chunk, is no bill."""
        usage = usage_of(reported)
        if usage is None:
            return
        if final:
            self.usage = usage
        else:
            self.input_usage = self._running = usage

    def read_bill(self, chunk: Chunk) -> None:
        """Read what may stand beside the last content: the bill, in one of two places."""
        usage = chunk.usage
        if usage is None and chunk.x_groq is not None:
            usage = chunk.x_groq.usage
        if usage is not None:
            self._note_usage(usage, final=self._finishing)


def refuses(refusal: str | None, content: str | list[msgspec.Raw] | None) -> bool:
    """Whether a message, or a piece of one, tells why the model does not answer."""
    if content.__class__ is list:
        return bool(refusal) or any(_REFUSAL in bytes(part) for part in content or ())
    return bool(refusal)


def says_something(raw: msgspec.Raw) -> bool:
    """Whether it is more than null or an empty list, which vLLM sends where there is nothing."""
    return bytes(raw).strip() not in {b"", b"null", b"[]", b"[ ]"}
