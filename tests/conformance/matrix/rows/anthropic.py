"""Anthropic's SDK."""

from tests.conformance.matrix.client import CHAT, Client

CLIENTS = (Client("anthropic", "anthropic", "anthropic_messages", CHAT),)
