"""By what words providers say that a request was too long, or that a filter refused it.

There is a code for it at OpenAI and Azure; the others say it in a sentence, which is matched in
small letters. A sentence may repeat parts of the request, so that a caller can bring a match about:
it only decides where this one request goes next, never anything about a secret or a target.

Source: the providers' error pages, LiteLLM's exception mapping, and issues in which people paste
what they were told (vLLM #36197, pi #4943 and #5929, refly #1177).
"""

from typing import Final

from trunkline.gateway.policy import FallbackKind
from trunkline.gateway.wire.contract import ProviderFault

# Statuses with which such a refusal comes. Together answers 403 where others say 400.
_STATUSES: Final = frozenset({400, 403, 413, 422})

_LENGTH_CODES: Final = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "model_context_window_exceeded"}
)
_FILTER_CODES: Final = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "moderation_blocked",
        "responsibleaipolicyviolation",
        "data_inspection_failed",
    }
)

_LENGTH_SENTENCES: Final = (
    "maximum context length",  # OpenAI, vLLM, SGLang, Mistral, OpenRouter, DeepSeek
    "exceeds the context window",  # OpenAI's Responses API
    "input tokens exceed the configured limit",  # OpenAI
    "prompt is too long",  # Anthropic
    "exceed context limit",  # Anthropic: input and max_tokens together
    "exceeds the maximum number of tokens allowed",  # Gemini
    "input is too long for requested model",  # Bedrock
    "longer than the model's context length",  # Together
    "be less than the context length",  # Together
    "too many tokens: ",  # Cohere
    "too large for model with",  # Mistral
    "maximum prompt length is",  # xAI
    "reduce the length of the messages",  # Groq
    "exceeds the available context size",  # llama.cpp
    "exceeds the context length",  # Ollama
    "exceeds maximum context length",  # Ollama
    "exceeds the maximum allowed input length",  # Poolside, by way of OpenRouter
    "prompt too long",  # Ollama's cloud, Atlas
)
_FILTER_SENTENCES: Final = (
    "output blocked by content filtering policy",  # Anthropic
    "content management policy",  # Azure
    "flagged as potentially violating our usage policy",  # OpenAI's reasoning models
    "rejected as a result of our safety system",  # OpenAI's images
    "requires moderation",  # OpenRouter
    "your input was flagged",  # OpenRouter
    "content violates usage guidelines",  # xAI
    "content exists risk",  # DeepSeek
    "responsible ai",  # Vertex
)


def kind_of(fault: ProviderFault) -> FallbackKind:
    """Which fallbacks a refusal calls for."""
    if fault.status not in _STATUSES:
        return "error"
    code = (fault.type or "").lower()
    if code in _LENGTH_CODES:
        return "context_window"
    if code in _FILTER_CODES:
        return "content_filter"
    sentence = (fault.message or "").lower()
    if any(words in sentence for words in _LENGTH_SENTENCES):
        return "context_window"
    if any(words in sentence for words in _FILTER_SENTENCES):
        return "content_filter"
    return "error"
