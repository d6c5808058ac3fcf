"""The kinds of upstream that we know, as rows of data.

A provider that speaks a wire we have is one row here and one recorded transcript; code is needed
only where a protocol is more than a wire (signing, discovery).
"""

from types import MappingProxyType

from trunkline.gateway.providers.hosts import (
    AZURE,
    BEDROCK,
    CEREBRAS,
    GROQ,
    OPENROUTER,
    TOGETHER,
    VERTEX,
)
from trunkline.gateway.providers.makers import (
    ANTHROPIC,
    COHERE,
    DEEPSEEK,
    GEMINI,
    JINA,
    MISTRAL,
    OPENAI,
    VOYAGE,
    XAI,
)
from trunkline.gateway.providers.provider import Provider
from trunkline.gateway.providers.servers import (
    ANTHROPIC_COMPATIBLE,
    LITELLM,
    OLLAMA,
    OPENAI_COMPATIBLE,
    VLLM,
)

# The order decides whose model gets the plain name when two providers publish the same one.
PROVIDERS: tuple[Provider, ...] = (
    OPENAI,
    ANTHROPIC,
    TOGETHER,
    MISTRAL,
    GEMINI,
    GROQ,
    CEREBRAS,
    DEEPSEEK,
    XAI,
    COHERE,
    VOYAGE,
    JINA,
    VERTEX,
    AZURE,
    BEDROCK,
    OPENROUTER,
    OLLAMA,
    VLLM,
    LITELLM,
    OPENAI_COMPATIBLE,
    ANTHROPIC_COMPATIBLE,
)

_BY_ID = MappingProxyType({row.id: row for row in PROVIDERS})


def find_provider(provider_id: str) -> Provider | None:
    """The row of this id, or None."""
    return _BY_ID.get(provider_id)
