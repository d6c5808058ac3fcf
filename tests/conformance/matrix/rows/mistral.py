"""Mistral's SDK, which speaks OpenAI's format but for its completions."""

from types import MappingProxyType

from tests.conformance.matrix.client import CHAT, COMPLETION, EMBEDDING, Client

_NO_ID = "OpenAI's bytes pass as they are, without the id that the SDK demands"

CLIENTS = (
    Client("mistralai chat", "mistralai", "openai_chat", CHAT),
    Client(
        "mistralai fim",
        "mistralai",
        "mistral_fim",
        COMPLETION,
        providers=("openai_completions", "mistral_fim", "ollama_generate"),
    ),
    Client(
        "mistralai embeddings",
        "mistralai",
        "openai_embeddings",
        EMBEDDING,
        MappingProxyType(
            {("openai_embeddings", "one"): _NO_ID, ("openai_embeddings", "several"): _NO_ID}
        ),
    ),
)
