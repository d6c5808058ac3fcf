"""LiteLLM's names of providers, and what each of them is here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Known(NamedTuple):
    """A provider of LiteLLM.

    Attributes:
        provider: id of the row here.
        variable: the environment variable that LiteLLM reads where a deployment has no key.
        address: of a provider that has no row of its own here and speaks OpenAI's format.
        needs_key: whether a call without a key is refused.
    """

    provider: str
    variable: str = ""
    address: str | None = None
    needs_key: bool = True


def _compatible(variable: str, address: str | None = None, *, needs_key: bool = True) -> Known:
    return Known("openai_compatible", variable, address, needs_key)


PROVIDERS: Mapping[str, Known] = MappingProxyType({
    "openai": Known("openai", "OPENAI_API_KEY"),
    "text-completion-openai": Known("openai", "OPENAI_API_KEY"),
    "anthropic": Known("anthropic", "ANTHROPIC_API_KEY"),
    "azure": Known("azure", "AZURE_API_KEY"),
    "azure_text": Known("azure", "AZURE_API_KEY"),
    "azure_ai": Known("azure", "AZURE_AI_API_KEY"),
    "bedrock": Known("bedrock", "AWS_BEARER_TOKEN_BEDROCK"),
    "bedrock_converse": Known("bedrock", "AWS_BEARER_TOKEN_BEDROCK"),
    "vertex_ai": Known("vertex", "VERTEX_SERVICE_ACCOUNT"),
    "vertex_ai_beta": Known("vertex", "VERTEX_SERVICE_ACCOUNT"),
    "gemini": Known("gemini", "GEMINI_API_KEY"),
    "mistral": Known("mistral", "MISTRAL_API_KEY"),
    "codestral": Known("mistral", "CODESTRAL_API_KEY", "https://codestral.mistral.ai/v1"),
    "groq": Known("groq", "GROQ_API_KEY"),
    "cerebras": Known("cerebras", "CEREBRAS_API_KEY"),
    "deepseek": Known("deepseek", "DEEPSEEK_API_KEY"),
    "xai": Known("xai", "XAI_API_KEY"),
    "together_ai": Known("together", "TOGETHERAI_API_KEY"),
    "cohere": Known("cohere", "COHERE_API_KEY"),
    "cohere_chat": Known("cohere", "COHERE_API_KEY"),
    "voyage": Known("voyage", "VOYAGE_API_KEY"),
    "jina_ai": Known("jina", "JINA_AI_API_KEY"),
    "openrouter": Known("openrouter", "OPENROUTER_API_KEY"),
    "ollama": Known("ollama", "OLLAMA_API_KEY", needs_key=False),
    "ollama_chat": Known("ollama", "OLLAMA_API_KEY", needs_key=False),
    "hosted_vllm": Known("vllm", "HOSTED_VLLM_API_KEY", needs_key=False),
    "vllm": Known("vllm", "HOSTED_VLLM_API_KEY", needs_key=False),
    "litellm_proxy": Known("litellm", "LITELLM_PROXY_API_KEY"),
    "openai_like": _compatible("OPENAI_LIKE_API_KEY", needs_key=False),
    "custom_openai": _compatible("OPENAI_API_KEY", needs_key=False),
    "lm_studio": _compatible("LM_STUDIO_API_KEY", needs_key=False),
    "llamafile": _compatible("LLAMAFILE_API_KEY", needs_key=False),
    "xinference": _compatible("XINFERENCE_API_KEY", needs_key=False),
    "databricks": _compatible("DATABRICKS_API_KEY"),
    "perplexity": _compatible("PERPLEXITYAI_API_KEY", "https://api.perplexity.ai"),
    "fireworks_ai": _compatible("FIREWORKS_API_KEY", "https://api.fireworks.ai/inference/v1"),
    "deepinfra": _compatible("DEEPINFRA_API_KEY", "https://api.deepinfra.com/v1/openai"),
    "nvidia_nim": _compatible("NVIDIA_NIM_API_KEY", "https://integrate.api.nvidia.com/v1"),
    "sambanova": _compatible("SAMBANOVA_API_KEY", "https://api.sambanova.ai/v1"),
    "baseten": _compatible("BASETEN_API_KEY", "https://inference.baseten.co/v1"),
    "nebius": _compatible("NEBIUS_API_KEY", "https://api.studio.nebius.ai/v1"),
    "novita": _compatible("NOVITA_API_KEY", "https://api.novita.ai/v3/openai"),
    "friendliai": _compatible("FRIENDLI_TOKEN", "https://api.friendli.ai/serverless/v1"),
    "featherless_ai": _compatible("FEATHERLESS_AI_API_KEY", "https://api.featherless.ai/v1"),
    "hyperbolic": _compatible("HYPERBOLIC_API_KEY", "https://api.hyperbolic.xyz/v1"),
    "lambda_ai": _compatible("LAMBDA_API_KEY", "https://api.lambda.ai/v1"),
    "moonshot": _compatible("MOONSHOT_API_KEY", "https://api.moonshot.ai/v1"),
    "dashscope": _compatible(
        "DASHSCOPE_API_KEY", "https://dashscope.aliyuncs.com/compatible-mode/v1"
    ),
    "volcengine": _compatible("VOLCENGINE_API_KEY", "https://ark.cn-beijing.volces.com/api/v3"),
    "github": _compatible("GITHUB_API_KEY", "https://models.inference.ai.azure.com"),
})  # fmt: skip

# Names without a provider, by how they begin.
_BARE = (
    ("openai", ("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "dall-e", "whisper",
                "tts-", "omni-moderation", "text-moderation", "ft:gpt-")),
    ("anthropic", ("claude-",)),
    ("vertex_ai", ("gemini-",)),
    ("cohere", ("command", "rerank-", "embed-")),
)  # fmt: skip


def split_model(model: str, custom: str | None) -> tuple[str | None, str]:
    """LiteLLM's name of the provider of a model, and the model's name there.

    ``custom`` is what a deployment names as its provider beside the model.
    """
    prefix, slash, rest = model.partition("/")
    if custom is not None:
        return custom, rest if slash and prefix == custom else model
    if slash and prefix in PROVIDERS:
        return prefix, rest
    for provider, beginnings in _BARE:
        if not slash and model.startswith(beginnings):
            return provider, model
    return (prefix if slash else None), rest if slash else model
