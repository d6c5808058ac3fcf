"""The kinds of upstream that we know, as rows of data.

A provider that speaks a wire we have is one row here and one recorded transcript; code is needed
only where a protocol is more than a wire (signing, discovery).
"""

from types import MappingProxyType
from typing import Literal

import msgspec

Auth = Literal["bearer", "x-api-key"]


class Provider(msgspec.Struct, frozen=True, omit_defaults=True):
    """One kind of upstream.

    Attributes:
        id: stable name, used in settings, connections and metrics.
        title: how people write it.
        wire: the API format that it speaks.
        base_url: what precedes the wire's own path; empty where each connection must name it.
        auth: the header that carries the secret.
        default_headers: sent where the client sent none of that name.
        output_limit_field: member of a request in which the provider takes an output ceiling.
        price_provider: its id in genai-prices, or None where nobody keeps a price list.
        cancels_on_close: whether closing the connection stops the bill. Source: OpenRouter's
            documentation of stream cancellation; where nothing is known, the answer is read to
            its end, since that costs nothing more and tells the true usage.
        self_hosted: whether its tokens cost nothing: a free price row stands for all its models.
        setting: field of the settings that holds its secret or its address.
        fixtures: folder of recorded transcripts that the wire was checked against.
    """

    id: str
    title: str
    wire: str
    base_url: str = ""
    auth: Auth = "bearer"
    default_headers: tuple[tuple[bytes, bytes], ...] = ()
    output_limit_field: str = "max_tokens"
    price_provider: str | None = None
    cancels_on_close: bool = False
    self_hosted: bool = False
    setting: str | None = None
    fixtures: str | None = None


OPENAI_CHAT = "openai_chat"
ANTHROPIC_MESSAGES = "anthropic_messages"
ANTHROPIC_VERSION = ((b"anthropic-version", b"2023-06-01"),)

# The order decides whose model gets the plain name when two providers publish the same one.
PROVIDERS: tuple[Provider, ...] = (
    Provider(
        id="openai",
        title="OpenAI",
        wire=OPENAI_CHAT,
        base_url="https://api.openai.com/v1",
        output_limit_field="max_completion_tokens",
        price_provider="openai",
        cancels_on_close=True,
        setting="openai_api_key",
        fixtures="openai-chat",
    ),
    Provider(
        id="anthropic",
        title="Anthropic",
        wire=ANTHROPIC_MESSAGES,
        base_url="https://api.anthropic.com",
        auth="x-api-key",
        default_headers=ANTHROPIC_VERSION,
        price_provider="anthropic",
        cancels_on_close=True,
        setting="anthropic_api_key",
        fixtures="anthropic",
    ),
    Provider(
        id="together",
        title="Together AI",
        wire=OPENAI_CHAT,
        base_url="https://api.together.xyz/v1",
        price_provider="together",
        cancels_on_close=True,
        setting="together_api_key",
        fixtures="together",
    ),
    Provider(
        id="mistral",
        title="Mistral AI",
        wire=OPENAI_CHAT,
        base_url="https://api.mistral.ai/v1",
        price_provider="mistral",
        setting="mistral_api_key",
        fixtures="mistral",
    ),
    Provider(
        id="gemini",
        title="Google Gemini (OpenAI-compatible endpoint)",
        wire=OPENAI_CHAT,
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        price_provider="google",
        setting="gemini_api_key",
    ),
    Provider(
        id="groq",
        title="Groq",
        wire=OPENAI_CHAT,
        base_url="https://api.groq.com/openai/v1",
        price_provider="groq",
        fixtures="groq",
    ),
    Provider(
        id="deepseek",
        title="DeepSeek",
        wire=OPENAI_CHAT,
        base_url="https://api.deepseek.com/v1",
        price_provider="deepseek",
        cancels_on_close=True,
        fixtures="deepseek",
    ),
    Provider(
        id="xai",
        title="xAI",
        wire=OPENAI_CHAT,
        base_url="https://api.x.ai/v1",
        price_provider="x-ai",
        cancels_on_close=True,
        fixtures="xai",
    ),
    Provider(
        id="openrouter",
        title="OpenRouter",
        wire=OPENAI_CHAT,
        base_url="https://openrouter.ai/api/v1",
        price_provider="openrouter",
        fixtures="openrouter",
    ),
    Provider(
        id="ollama",
        title="Ollama",
        wire=OPENAI_CHAT,
        base_url="http://127.0.0.1:11434/v1",
        cancels_on_close=True,
        self_hosted=True,
        setting="ollama_host",
        fixtures="ollama",
    ),
    Provider(
        id="vllm",
        title="vLLM",
        wire=OPENAI_CHAT,
        cancels_on_close=True,
        self_hosted=True,
        fixtures="vllm",
    ),
    Provider(id="openai_compatible", title="Any OpenAI-compatible server", wire=OPENAI_CHAT),
    Provider(
        id="anthropic_compatible",
        title="Any Anthropic-compatible server",
        wire=ANTHROPIC_MESSAGES,
        auth="x-api-key",
        default_headers=ANTHROPIC_VERSION,
    ),
)

_BY_ID = MappingProxyType({row.id: row for row in PROVIDERS})


def find_provider(provider_id: str) -> Provider | None:
    """The row of this id, or None."""
    return _BY_ID.get(provider_id)
