"""OpenAI's SDK."""

from types import MappingProxyType

from tests.conformance.matrix.client import CHAT, COMPLETION, EMBEDDING, Client

_NO_GAPS = "a model for chats cannot be asked to fill a gap"

CLIENTS = (
    Client("openai chat", "openai", "openai_chat", CHAT),
    Client("openai responses", "openai", "openai_responses", CHAT),
    Client(
        "openai completions",
        "openai",
        "openai_completions",
        COMPLETION,
        MappingProxyType(
            {
                ("openai_chat", "suffix"): _NO_GAPS,
                ("anthropic_messages", "suffix"): _NO_GAPS,
                ("gemini", "suffix"): _NO_GAPS,
            }
        ),
    ),
    Client("openai embeddings", "openai", "openai_embeddings", EMBEDDING),
)
