"""What a fake provider's wire must be able to do."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from trunkline.simulator.answer import Answer
from trunkline.simulator.asked import Asked, named_model
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import WireName
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.script import Step
from trunkline.simulator.work import Work

Headers = tuple[tuple[str, str], ...]

EVENTS = "text/event-stream; charset=utf-8"
LINES = "application/x-ndjson"
FRAMES = "application/vnd.amazon.eventstream"


class Telling(msgspec.Struct, frozen=True):
    """All that is needed to write an answer down.

    Attributes:
        use: the final use, as the answer reports it.
        with_usage: False leaves the usage out, as a fault demands.
    """

    question: Question
    answer: Answer
    use: TokenUse
    with_usage: bool = True


class Breakage(msgspec.Struct, frozen=True):
    """An error inside a stream, with what its event may have to repeat.

    Attributes:
        telling: the answer that was being told; None where there is no conversation.
        events: how many events went out before.
    """

    refusal: Refusal
    request_id: str
    telling: Telling | None = None
    events: int = 0


class Wire(Protocol):
    """What all wires share: who asks, and how the provider identifies itself and says no.

    Implementations hold no state, but for what a provider itself keeps between requests.
    """

    name: WireName
    samples: Mapping[str, Sample]

    def credential(self, asked: Asked) -> str:
        """The key that the request carries.

        Raises:
            Refusal: there is none, or it is the one that is always wrong.
        """
        ...

    def named(self, asked: Asked) -> str:
        """The model's name as it was sent, fault and all; nothing where it cannot be read."""
        return named_model(asked)

    def headers(self, request_id: str, input_tokens: int) -> Headers:
        """Identification and rate limits, as they stand on every answer."""
        ...

    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        """An error as a JSON document."""
        ...

    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        """An error as events at the end of a stream."""
        ...

    def broken(self, event: bytes) -> bytes:
        """An event that keeps its framing and whose JSON breaks off."""
        line = event.rstrip()
        return line[: len(line) * 2 // 3] + b"\n\n"

    def padded(self, data: bytes, size: int) -> bytes:
        """An event or body with so many bytes more in a field that nobody knows."""
        start = data.find(b"{") + 1
        if not start:
            return data + bytes(size)
        return data[:start] + b'"padding":"' + b"x" * size + b'",' + data[start:]


class CountingWire(Wire, Protocol):
    """A wire that counts the tokens of a question without answering it."""

    def count(self, asked: Asked) -> tuple[Question, bytes]:
        """The question to be counted, and its count as a JSON document.

        Raises:
            Refusal: it is malformed or breaks one of the provider's rules.
        """
        ...


class ChatWire(Wire, Protocol):
    """A wire by which a model speaks."""

    chunked_bodies: bool

    def read(self, asked: Asked) -> Question:
        """The question in a request.

        Raises:
            Refusal: it is malformed or breaks one of the provider's rules.
        """
        ...

    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        """What the prompt cache does for this question; remembers it for the next."""
        ...

    def stream_type(self, question: Question) -> str:  # noqa: ARG002 - Gemini's depends on it
        """The content type of a stream."""
        return EVENTS

    def events(self, telling: Telling) -> list[Step]:
        """The answer as a stream of events, without timing."""
        ...

    def body(self, telling: Telling) -> bytes:
        """The answer as one JSON document."""
        ...

    def remember(self, telling: Telling) -> None:  # noqa: ARG002 - for those who keep something
        """Keep what later requests may refer to; most providers keep nothing."""
        return


class WorkWire(Wire, Protocol):
    """A wire of work that is no conversation."""

    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        """The work done, with the answer written down.

        Args:
            asked: the request.
            seed: the same seed and request give the same answer.
            with_usage: False leaves the usage out, as a fault demands.

        Raises:
            Refusal: it is malformed or breaks one of the provider's rules.
        """
        ...
