"""Together's SDK."""

from tests.conformance.matrix.client import CHAT, Client

CLIENTS = (Client("together", "together", "openai_chat", CHAT),)
