"""Google's SDK."""

from tests.conformance.matrix.client import CHAT, EMBEDDING, Client

CLIENTS = (
    Client("google-genai", "google-genai", "gemini", CHAT),
    Client("google-genai embeddings", "google-genai", "gemini_embeddings", EMBEDDING),
)
