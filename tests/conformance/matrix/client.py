"""What a row of the conformance matrix is: a client, the providers behind, the deeds in front."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """What a client asks for, the wires that can answer it, and what is proven of them."""

    title: str
    deeds: tuple[str, ...]
    providers: tuple[str, ...]


CHAT = Kind(
    "Chat",
    ("text", "streaming", "tools", "images", "structured", "reasoning", "errors"),
    (
        "openai_chat",
        "openai_responses",
        "anthropic_messages",
        "gemini",
        "ollama_chat",
        "cohere_chat",
        "bedrock_converse",
    ),
)
COMPLETION = Kind(
    "Completions",
    ("text", "streaming", "suffix", "errors"),
    (
        "openai_completions",
        "mistral_fim",
        "ollama_generate",
        "openai_chat",
        "anthropic_messages",
        "gemini",
    ),
)
EMBEDDING = Kind(
    "Embeddings",
    ("one", "several", "errors"),
    (
        "openai_embeddings",
        "gemini_embeddings",
        "ollama_embed",
        "cohere_embed",
        "voyage_embeddings",
    ),
)
RERANK = Kind("Rerank", ("order", "errors"), ("cohere_rerank", "jina_rerank", "voyage_rerank"))

KINDS = (CHAT, COMPLETION, EMBEDDING, RERANK)

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "text": "a whole answer, its words, finish reason and usage",
        "streaming": "the same, event by event, with usage at the end",
        "tools": "a call with the arguments that the model made, and a second turn with its result",
        "images": "a picture reaches the provider as one",
        "structured": "an answer by a JSON schema, parsed",
        "reasoning": "thinking is billed, and what the provider wants back comes through a turn",
        "errors": "refusals, limits and broken streams become the client's own exceptions",
        "suffix": "a gap between two texts is filled",
        "one": "the vector of one text",
        "several": "the vectors of several texts in their order",
        "order": "documents in the order of their scores",
    }
)
"""What a test of each deed asserts, besides one record for each attempt at the provider's price."""


class Client(msgspec.Struct, frozen=True):
    """One way of one package to call.

    Attributes:
        name: unique, such as ``openai chat``.
        package: on PyPI.
        wire: what it speaks with Trunkline.
        cannot: the deeds that are not proven, by provider wire (``*`` for all) and deed, each with
            the reason as a clause.
        providers: the provider wires that are proven, of those of its kind.
    """

    name: str
    package: str
    wire: str
    kind: Kind
    cannot: Mapping[tuple[str, str], str] = MappingProxyType({})
    providers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Take all providers of the kind where none are named, and refuse what nobody knows."""
        if not self.providers:
            msgspec.structs.force_setattr(self, "providers", self.kind.providers)
        for provider, deed in self.cannot:
            if provider not in {"*", *self.providers} or deed not in self.kind.deeds:
                raise ValueError(f"{self.name} has no cell {provider}, {deed}")

    def why_not(self, provider: str, deed: str) -> str | None:
        """Why a cell is empty, or None where it is proven."""
        return self.cannot.get((provider, deed)) or self.cannot.get(("*", deed))

    def proven_with(self, deed: str) -> tuple[str, ...]:
        """The provider wires for which this deed is proven."""
        return tuple(wire for wire in self.providers if self.why_not(wire, deed) is None)
