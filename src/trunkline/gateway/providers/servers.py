"""Servers that people run themselves, and any server that speaks a wire we have."""

from trunkline.gateway.exchange.destination import Quirks
from trunkline.gateway.providers.makers import ANTHROPIC_VERSION
from trunkline.gateway.providers.provider import Provider

# What an OpenAI-compatible server may serve beside chat; for what it lacks it answers 404 itself.
_COMPATIBLE = (
    "openai_completions", "openai_embeddings", "openai_images", "openai_speech",
    "openai_transcription", "openai_moderation",
)  # fmt: skip

# The native wire first: it alone takes num_ctx, without which long prompts are cut silently.
OLLAMA = Provider(
    id="ollama",
    title="Ollama",
    wires=(
        "ollama_chat", "ollama_generate", "ollama_embed", "ollama_embeddings",
        "openai_chat", "openai_completions", "openai_embeddings",
    ),
    base_url="http://127.0.0.1:11434",
    prefixes=(
        ("openai_chat", "/v1"), ("openai_completions", "/v1"), ("openai_embeddings", "/v1"),
    ),
    cancels_on_close=True,
    self_hosted=True,
    settings=("ollama_host",),
    fixtures="ollama",
    family="other",
    quirks=Quirks(fetches=False, reasoning_setting="reasoning_effort"),
)  # fmt: skip

# Source: vLLM's documentation of its OpenAI-compatible server.
VLLM = Provider(
    id="vllm",
    title="vLLM",
    wires=(
        "openai_chat", "openai_completions", "openai_responses", "openai_embeddings",
        "openai_transcription", "jina_rerank",
    ),
    cancels_on_close=True,
    self_hosted=True,
    fixtures="vllm",
    family="other",
    quirks=Quirks(
        takes=frozenset({"top_k", "min_p", "repetition_penalty", "stop"}),
        reasoning_member="reasoning",
        reasoning_setting="reasoning_effort",
    ),
)  # fmt: skip

# A proxy takes its base address with and without the version, and so do people. It gives signed
# thought back to the providers behind it from thinking_blocks.
LITELLM = Provider(
    id="litellm",
    title="LiteLLM proxy",
    wires=(
        "openai_chat", "openai_responses", "anthropic_messages", *_COMPATIBLE, "cohere_rerank",
    ),
    prefixes=tuple(
        (wire, "/v1") for wire in ("openai_chat", "openai_responses", *_COMPATIBLE)
    ),
    quirks=Quirks(
        takes=frozenset({"top_k", "cache_control", "metadata"}),
        reasoning_member="thinking_blocks",
        reasoning_setting="reasoning_effort",
    ),
)  # fmt: skip

OPENAI_COMPATIBLE = Provider(
    id="openai_compatible",
    title="Any OpenAI-compatible server",
    wires=("openai_chat", *_COMPATIBLE, "jina_rerank"),
    quirks=Quirks(reasoning_setting="reasoning_effort"),
)

ANTHROPIC_COMPATIBLE = Provider(
    id="anthropic_compatible",
    title="Any Anthropic-compatible server",
    wires=("anthropic_messages",),
    auth="x-api-key",
    default_headers=ANTHROPIC_VERSION,
    family="anthropic",
)
