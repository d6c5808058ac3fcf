"""What a fake provider's wire must be able to do."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from trunkline.simulator.answer import Answer
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import WireName
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.script import Step

Headers = tuple[tuple[str, str], ...]


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


class Wire(Protocol):
    """One provider's API format. Implementations are pure and hold no state."""

    name: WireName
    samples: Mapping[str, Sample]
    chunked_bodies: bool

    def credential(self, headers: Mapping[str, str]) -> str:
        """The key that the request carries.

        Raises:
            Refusal: there is none, or it is the one that is always wrong.
        """
        ...

    def read(self, body: bytes) -> Question:
        """The question in a body.

        Raises:
            Refusal: it is malformed or breaks one of the provider's rules.
        """
        ...

    def cached(self, cache: PromptCache, scope: str, question: Question) -> CacheUse:
        """What the prompt cache does for this question; remembers it for the next."""
        ...

    def headers(self, request_id: str, question: Question | None) -> Headers:
        """Identification and rate limits, as they stand on every answer."""
        ...

    def events(self, telling: Telling) -> list[Step]:
        """The answer as a stream of events, without timing."""
        ...

    def body(self, telling: Telling) -> bytes:
        """The answer as one JSON document."""
        ...

    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        """An error as a JSON document."""
        ...

    def error_event(self, refusal: Refusal, request_id: str) -> bytes:
        """An error as an event inside a stream."""
        ...

    def models(self) -> bytes:
        """The list of models as a JSON document."""
        ...

    def model(self, name: str) -> bytes:
        """One model as a JSON document.

        Raises:
            Refusal: there is no such model.
        """
        ...
