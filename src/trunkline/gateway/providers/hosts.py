"""Those who serve models of many makers: clouds and resellers."""

from trunkline.gateway.exchange.destination import Quirks
from trunkline.gateway.providers.provider import Provider

# Source: the request types of Together's SDK; reasoning_effort is what its newer models read.
TOGETHER = Provider(
    id="together",
    title="Together AI",
    wires=(
        "openai_chat", "openai_completions", "openai_embeddings", "jina_rerank", "openai_images",
        "openai_speech", "openai_transcription",
    ),
    base_url="https://api.together.xyz/v1",
    price_provider="together",
    cancels_on_close=True,
    settings=("together_api_key",),
    fixtures="together",
    family="other",
    quirks=Quirks(
        refuses=frozenset({"verbosity", "prompt_cache_key", "service_tier", "metadata", "store"}),
        takes=frozenset({"top_k", "min_p", "repetition_penalty"}),
        reasoning_member="reasoning",
        reasoning_setting="reasoning_effort",
    ),
)  # fmt: skip

# Source: Groq's API reference: these members give 400, as does a name on a message.
GROQ = Provider(
    id="groq",
    title="Groq",
    wires=("openai_chat", "openai_responses", "openai_speech", "openai_transcription"),
    base_url="https://api.groq.com/openai/v1",
    output_limit_field="max_completion_tokens",
    price_provider="groq",
    settings=("groq_api_key",),
    fixtures="groq",
    family="other",
    quirks=Quirks(
        refuses=frozenset({"logit_bias", "logprobs", "top_logprobs", "n", "name", "verbosity"}),
        reasoning_member="reasoning",
        reasoning_setting="reasoning_effort",
    ),
)

# Source: Cerebras' API reference; the members that it answers with 400 are those that the Cerebras
# guide of req_llm 1.10 lists.
CEREBRAS = Provider(
    id="cerebras",
    title="Cerebras",
    wires=("openai_chat",),
    base_url="https://api.cerebras.ai/v1",
    output_limit_field="max_completion_tokens",
    family="other",
    quirks=Quirks(
        refuses=frozenset({
            "frequency_penalty", "logit_bias", "presence_penalty", "parallel_tool_calls",
            "service_tier",
        }),
        reasoning_member="reasoning",
        reasoning_setting="reasoning_effort",
    ),
)  # fmt: skip

# Its own form of thought with signatures must come back word for word on the next turn.
OPENROUTER = Provider(
    id="openrouter",
    title="OpenRouter",
    wires=(
        "openai_chat", "openai_responses", "openai_completions", "openai_embeddings",
        "anthropic_messages",
    ),
    base_url="https://openrouter.ai/api/v1",
    price_provider="openrouter",
    settings=("openrouter_api_key",),
    fixtures="openrouter",
    quirks=Quirks(
        takes=frozenset({"top_k", "min_p", "repetition_penalty", "cache_control"}),
        reasoning_member="reasoning_details",
        reasoning_setting="reasoning",
    ),
)  # fmt: skip

# The address below /openai/v1 takes the deployment in the body and no version. An address such as
# https://name.openai.azure.com/openai/deployments/gpt-4o?api-version=2024-10-21 works as well, for
# that one deployment.
AZURE = Provider(
    id="azure",
    title="Azure OpenAI",
    wires=(
        "openai_chat", "openai_responses", "openai_completions", "openai_embeddings",
        "openai_images", "openai_speech", "openai_transcription",
    ),
    base_url="https://{resource}.openai.azure.com/openai/v1",
    auth="api-key",
    output_limit_field="max_completion_tokens",
    price_provider="azure",
    price_fallbacks=("openai", "deepseek", "x-ai"),
    publishes=False,
    cancels_on_close=True,
    settings=("azure_openai_endpoint", "azure_openai_api_key"),
    fixtures="azure",
    family="openai",
    quirks=Quirks(developer_role=True, reasoning_setting="reasoning_effort"),
)  # fmt: skip

BEDROCK = Provider(
    id="bedrock",
    title="AWS Bedrock",
    wires=("bedrock_converse",),
    base_url="https://bedrock-runtime.{region}.amazonaws.com",
    auth="aws",
    price_provider="aws",
    publishes=False,
    settings=(
        "bedrock_region",
        "bedrock_api_key",
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
    ),
    fixtures="bedrock",
    quirks=Quirks(fetches=False),
)

VERTEX = Provider(
    id="vertex",
    title="Google Vertex AI",
    wires=("gemini",),
    base_url="https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}"
    "/publishers/google",
    auth="google",
    price_provider="google",
    settings=("vertex_project", "vertex_region", "google_credentials"),
    fixtures="vertex",
    family="google",
    quirks=Quirks(takes=frozenset({"labels"})),
)
