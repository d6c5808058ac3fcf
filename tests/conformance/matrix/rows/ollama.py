"""Ollama's SDK."""

from tests.conformance.matrix.client import CHAT, COMPLETION, EMBEDDING, Client

CLIENTS = (
    Client("ollama chat", "ollama", "ollama_chat", CHAT),
    Client("ollama generate", "ollama", "ollama_generate", COMPLETION),
    Client("ollama embed", "ollama", "ollama_embed", EMBEDDING),
)
