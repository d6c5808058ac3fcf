"""Mistral's SDK, which speaks OpenAI's format but for its completions."""

from tests.conformance.matrix.client import CHAT, COMPLETION, EMBEDDING, Client

CLIENTS = (
    Client("mistralai chat", "mistralai", "openai_chat", CHAT),
    Client(
        "mistralai fim",
        "mistralai",
        "mistral_fim",
        COMPLETION,
        providers=("openai_completions", "mistral_fim", "ollama_generate"),
    ),
    Client("mistralai embeddings", "mistralai", "openai_embeddings", EMBEDDING),
)
