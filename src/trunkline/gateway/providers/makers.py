"""Those who serve models of their own."""

from trunkline.gateway.exchange.destination import Quirks
from trunkline.gateway.providers.provider import Provider

ANTHROPIC_VERSION = ((b"anthropic-version", b"2023-06-01"),)

OPENAI = Provider(
    id="openai",
    title="OpenAI",
    wires=(
        "openai_chat", "openai_responses", "openai_completions", "openai_embeddings",
        "openai_images", "openai_speech", "openai_transcription", "openai_moderation",
    ),
    base_url="https://api.openai.com/v1",
    output_limit_field="max_completion_tokens",
    price_provider="openai",
    cancels_on_close=True,
    settings=("openai_api_key",),
    fixtures="openai-chat",
    family="openai",
    quirks=Quirks(developer_role=True, reasoning_setting="reasoning_effort"),
)  # fmt: skip

ANTHROPIC = Provider(
    id="anthropic",
    title="Anthropic",
    wires=("anthropic_messages",),
    base_url="https://api.anthropic.com",
    auth="x-api-key",
    default_headers=ANTHROPIC_VERSION,
    price_provider="anthropic",
    cancels_on_close=True,
    settings=("anthropic_api_key",),
    fixtures="anthropic",
    family="anthropic",
)

# The Developer API fetches from Google's own file store and from YouTube only, so we fetch all
# other addresses. Source: Google's documentation of file input methods.
GEMINI = Provider(
    id="gemini",
    title="Google Gemini",
    wires=("gemini", "gemini_embeddings"),
    base_url="https://generativelanguage.googleapis.com/v1beta",
    auth="x-goog-api-key",
    price_provider="google",
    settings=("gemini_api_key",),
    fixtures="gemini",
    family="google",
    quirks=Quirks(
        fetches=False,
        fetches_from=(
            "https://generativelanguage.googleapis.com/",
            "https://www.youtube.com/",
            "https://youtu.be/",
        ),
    ),
)

# Source: the request types of Mistral's SDK 3.7, whose API refuses members that it does not know.
# Tool-call ids of other shapes than nine letters and digits were refused by its older models.
MISTRAL = Provider(
    id="mistral",
    title="Mistral AI",
    wires=("openai_chat", "mistral_fim", "openai_embeddings"),
    base_url="https://api.mistral.ai/v1",
    price_provider="mistral",
    settings=("mistral_api_key",),
    fixtures="mistral",
    family="other",
    quirks=Quirks(
        # Its tiers have other names than OpenAI's.
        refuses=frozenset({"logit_bias", "user", "name", "store", "verbosity", "service_tier"}),
        takes=frozenset(
            {"top_k", "repetition_penalty", "metadata", "document_url", "audio_url", "prefix"}
        ),
        renamed=(("seed", "random_seed"),),
        required_word="any",
        reasoning_member="content",
        reasoning_setting="reasoning_effort",
        short_tool_ids=True,
        answers_results=True,
        stream_options=False,
    ),
)

# Fill in the middle is served below /beta only, and Anthropic's format below /anthropic; both take
# the key as a bearer. Thought must be sent back on turns that call tools, or 400 is the answer.
# Source: DeepSeek's API documentation and the profiles of pydantic-ai.
DEEPSEEK = Provider(
    id="deepseek",
    title="DeepSeek",
    wires=("openai_chat", "openai_completions", "anthropic_messages"),
    base_url="https://api.deepseek.com/v1",
    prefixes=(("openai_completions", "/beta"), ("anthropic_messages", "/anthropic")),
    price_provider="deepseek",
    cancels_on_close=True,
    settings=("deepseek_api_key",),
    fixtures="deepseek",
    family="other",
    quirks=Quirks(
        refuses=frozenset({"n", "seed", "logit_bias", "parallel_tool_calls", "verbosity"}),
        reasoning_member="reasoning_content",
        reasoning_setting="thinking",
        fetches=False,
    ),
)

# Source: xAI's API reference, which lists logit_bias as unsupported.
XAI = Provider(
    id="xai",
    title="xAI",
    wires=("openai_chat", "openai_responses"),
    base_url="https://api.x.ai/v1",
    price_provider="x-ai",
    cancels_on_close=True,
    settings=("xai_api_key",),
    fixtures="xai",
    family="other",
    quirks=Quirks(
        refuses=frozenset({"logit_bias", "verbosity"}),
        reasoning_member="reasoning_content",
        reasoning_setting="reasoning_effort",
    ),
)

COHERE = Provider(
    id="cohere",
    title="Cohere",
    wires=("cohere_chat", "cohere_embed", "cohere_rerank"),
    base_url="https://api.cohere.com",
    price_provider="cohere",
    cancels_on_close=True,
    settings=("cohere_api_key",),
    fixtures="cohere",
    family="other",
)

VOYAGE = Provider(
    id="voyage",
    title="Voyage AI",
    wires=("voyage_embeddings", "voyage_rerank"),
    base_url="https://api.voyageai.com/v1",
    price_provider="voyageai",
    settings=("voyage_api_key",),
    fixtures="voyage",
    family="other",
)

JINA = Provider(
    id="jina",
    title="Jina AI",
    wires=("openai_embeddings", "jina_rerank"),
    base_url="https://api.jina.ai/v1",
    settings=("jina_api_key",),
    family="other",
    quirks=Quirks(refuses=frozenset({"user"}), takes=frozenset({"task", "truncate"})),
)
