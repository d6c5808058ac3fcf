"""OpenAI's SDK."""

from tests.conformance.matrix.client import CHAT, Client

CLIENTS = (Client("openai chat", "openai", "openai_chat", CHAT),)
