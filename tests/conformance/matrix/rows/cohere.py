"""Cohere's SDK, the client of the second version of its API."""

from tests.conformance.matrix.client import CHAT, EMBEDDING, RERANK, Client

CLIENTS = (
    Client("cohere chat", "cohere", "cohere_chat", CHAT),
    Client("cohere embed", "cohere", "cohere_embed", EMBEDDING),
    Client("cohere rerank", "cohere", "cohere_rerank", RERANK),
)
