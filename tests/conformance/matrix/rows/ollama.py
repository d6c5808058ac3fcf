"""Ollama's SDK."""

from types import MappingProxyType

from tests.conformance.matrix.client import CHAT, COMPLETION, EMBEDDING, Client

_UNNAMED = "Ollama's format gives calls no ids by which the signature of a thought could be found"
_NO_GAPS = "a model for chats cannot be asked to fill a gap"

CLIENTS = (
    Client(
        "ollama chat",
        "ollama",
        "ollama_chat",
        CHAT,
        MappingProxyType(
            {
                ("anthropic_messages", "reasoning"): _UNNAMED,
                ("gemini", "reasoning"): _UNNAMED,
                ("bedrock_converse", "reasoning"): _UNNAMED,
            }
        ),
    ),
    Client(
        "ollama generate",
        "ollama",
        "ollama_generate",
        COMPLETION,
        MappingProxyType(
            {
                ("openai_chat", "suffix"): _NO_GAPS,
                ("anthropic_messages", "suffix"): _NO_GAPS,
                ("gemini", "suffix"): _NO_GAPS,
            }
        ),
    ),
    Client("ollama embed", "ollama", "ollama_embed", EMBEDDING),
)
