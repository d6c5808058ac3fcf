"""The models on offer: what they are called, how fast they speak and what they bear."""

from typing import Literal

import msgspec

from trunkline.simulator.prices import PRICES, ListPrice

WireName = Literal[
    "openai_chat",
    "openai_responses",
    "openai_completions",
    "openai_embeddings",
    "openai_images",
    "openai_speech",
    "openai_transcription",
    "openai_moderation",
    "mistral_fim",
    "anthropic_messages",
    "gemini",
    "gemini_embeddings",
    "ollama_chat",
    "ollama_generate",
    "ollama_embed",
    "cohere_chat",
    "cohere_embed",
    "cohere_rerank",
    "jina_rerank",
    "voyage_rerank",
    "voyage_embeddings",
    "bedrock_converse",
]

OPENAI: WireName = "openai_chat"
ANTHROPIC: WireName = "anthropic_messages"

CHATS: tuple[WireName, ...] = (
    "openai_chat",
    "openai_responses",
    "openai_completions",
    "mistral_fim",
    "anthropic_messages",
    "gemini",
    "ollama_chat",
    "ollama_generate",
    "cohere_chat",
    "bedrock_converse",
)
"""The wires by which a model speaks."""

EMBEDDINGS: tuple[WireName, ...] = (
    "openai_embeddings",
    "gemini_embeddings",
    "ollama_embed",
    "cohere_embed",
    "voyage_embeddings",
)
RERANKS: tuple[WireName, ...] = ("cohere_rerank", "jina_rerank", "voyage_rerank")

OPENAI_WIRES: tuple[WireName, ...] = (
    "openai_chat",
    "openai_responses",
    "openai_completions",
    "openai_embeddings",
    "openai_images",
    "openai_speech",
    "openai_transcription",
    "openai_moderation",
)
"""What OpenAI itself serves."""


class SimModel(msgspec.Struct, frozen=True):
    """One model.

    Attributes:
        name: what a request calls it.
        served_as: the dated name that answers carry, as the providers do.
        wires: the wires that know it.
        first_token: seconds from the request's end to the first token.
        rate: tokens per second after it; 0 means without any delay.
        answer_tokens: ordinary length of an answer; real ones differ by 40 % both ways.
        reasons: whether it reasons without being asked, as OpenAI's reasoning models do.
        context: most tokens of input.
        max_output: most tokens of output.
        dimensions: length of its vectors; 0 where it makes none.
        priced_as: the row whose price holds for it, where that is not its own.
    """

    name: str
    served_as: str
    wires: tuple[WireName, ...]
    first_token: float
    rate: float
    answer_tokens: int
    reasons: bool = False
    context: int = 200_000
    max_output: int = 64_000
    dimensions: int = 0
    priced_as: str = ""


def _sim(
    name: str,
    first: float,
    rate: float,
    tokens: int,
    *,
    reasons: bool = False,
    wires: tuple[WireName, ...] = CHATS,
) -> SimModel:
    return SimModel(name, name, wires, first, rate, tokens, reasons)


def _gpt(name: str, dated: str, rate: float, context: int, max_output: int) -> SimModel:
    return SimModel(
        name,
        f"{name}-{dated}",
        ("openai_chat", "openai_responses"),
        0.3,
        rate,
        120,
        reasons=name.startswith(("gpt-5", "o4")),
        context=context,
        max_output=max_output,
    )


def _claude(name: str, dated: str, rate: float, context: int, max_output: int) -> SimModel:
    return SimModel(
        name,
        f"{name}-{dated}",
        (ANTHROPIC,),
        0.4,
        rate,
        140,
        context=context,
        max_output=max_output,
    )


def _other(
    name: str,
    wires: tuple[WireName, ...],
    rate: float,
    context: int,
    max_output: int,
    *,
    reasons: bool = False,
) -> SimModel:
    return SimModel(
        name, name, wires, 0.3, rate, 120, reasons, context=context, max_output=max_output
    )


def _silent(name: str, wires: tuple[WireName, ...], context: int, dimensions: int = 0) -> SimModel:
    """A model that does not speak: it embeds, ranks, paints, listens or judges."""
    return SimModel(name, name, wires, 0.0, 0.0, 0, context=context, dimensions=dimensions)


# Ollama serves its models by OpenAI's wires as well.
_OLLAMA: tuple[WireName, ...] = (
    "ollama_chat",
    "ollama_generate",
    "openai_chat",
    "openai_completions",
)

MODELS: tuple[SimModel, ...] = (
    _sim("sim-fast", 0.0, 0.0, 40),
    _sim("sim-chat", 0.2, 100.0, 120),
    _sim("sim-slow", 1.0, 10.0, 60),
    _sim("sim-long", 0.2, 200.0, 2000),
    _sim("sim-think", 0.1, 200.0, 80, reasons=True),
    _sim("sim-gemini", 0.0, 0.0, 40, wires=("gemini",)),
    _sim("sim-ollama", 0.0, 0.0, 40, wires=("ollama_chat", "ollama_generate")),
    _sim("sim-cohere", 0.0, 0.0, 40, wires=("cohere_chat",)),
    _sim("sim-bedrock", 0.0, 0.0, 40, wires=("bedrock_converse",)),
    _silent("sim-embed", EMBEDDINGS, 8192, 256),
    _silent("sim-rerank", RERANKS, 32_000),
    _silent("sim-image", ("openai_images",), 32_000),
    _silent("sim-speech", ("openai_speech",), 2_000),
    _silent("sim-transcribe", ("openai_transcription",), 16_000),
    _silent("sim-moderate", ("openai_moderation",), 32_000),
    _gpt("gpt-4o", "2024-08-06", 80.0, 128_000, 16_384),
    _gpt("gpt-4o-mini", "2024-07-18", 120.0, 128_000, 16_384),
    _gpt("gpt-4.1", "2025-04-14", 90.0, 1_000_000, 32_768),
    _gpt("gpt-4.1-mini", "2025-04-14", 130.0, 1_000_000, 32_768),
    _gpt("gpt-5", "2025-08-07", 90.0, 272_000, 128_000),
    _gpt("gpt-5-mini", "2025-08-07", 140.0, 272_000, 128_000),
    _gpt("gpt-5-nano", "2025-08-07", 200.0, 272_000, 128_000),
    _gpt("o4-mini", "2025-04-16", 120.0, 200_000, 100_000),
    _other("gpt-3.5-turbo-instruct", ("openai_completions",), 120.0, 4_096, 4_096),
    _other("codestral-latest", ("mistral_fim", "openai_chat"), 150.0, 256_000, 32_000),
    _claude("claude-sonnet-4-5", "20250929", 80.0, 1_000_000, 64_000),
    _claude("claude-haiku-4-5", "20251001", 150.0, 200_000, 64_000),
    _claude("claude-opus-4-5", "20251101", 60.0, 200_000, 64_000),
    _claude("claude-opus-4-1", "20250805", 40.0, 200_000, 32_000),
    _other("gemini-2.5-flash", ("gemini",), 200.0, 1_048_576, 65_536, reasons=True),
    _other("gemini-2.5-pro", ("gemini",), 100.0, 1_048_576, 65_536, reasons=True),
    _other("gemini-3-pro-preview", ("gemini",), 100.0, 1_048_576, 65_536, reasons=True),
    _other(
        "meta-llama/Llama-3-70b-chat-hf",
        ("openai_chat", "openai_completions"),
        150.0,
        8_192,
        8_192,
    ),
    _other("llama3.2", _OLLAMA, 60.0, 131_072, 131_072),
    _other("qwen3", _OLLAMA, 60.0, 40_960, 40_960, reasons=True),
    _other("command-a-03-2025", ("cohere_chat",), 100.0, 256_000, 8_192),
    _other("command-a-reasoning-08-2025", ("cohere_chat",), 100.0, 256_000, 32_768, reasons=True),
    _other(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        ("bedrock_converse",),
        80.0,
        200_000,
        64_000,
    ),
    _other("amazon.nova-lite-v1:0", ("bedrock_converse",), 150.0, 300_000, 10_000),
    _silent("text-embedding-3-small", ("openai_embeddings",), 8_192, 1_536),
    _silent("text-embedding-3-large", ("openai_embeddings",), 8_192, 3_072),
    _silent("gemini-embedding-001", ("gemini_embeddings",), 2_048, 3_072),
    _silent("nomic-embed-text", ("ollama_embed", "openai_embeddings"), 8_192, 768),
    _silent("embed-v4.0", ("cohere_embed",), 128_000, 1_536),
    _silent("voyage-3.5", ("voyage_embeddings",), 32_000, 1_024),
    _silent("rerank-v3.5", ("cohere_rerank",), 4_096),
    _silent("jina-reranker-v2-base-multilingual", ("jina_rerank",), 1_024),
    _silent("rerank-2.5", ("voyage_rerank",), 32_000),
    _silent("gpt-image-1", ("openai_images",), 32_000),
    _silent("gpt-4o-mini-tts", ("openai_speech",), 2_000),
    _silent("tts-1", ("openai_speech",), 4_096),
    _silent("gpt-4o-transcribe", ("openai_transcription",), 16_000),
    _silent("whisper-1", ("openai_transcription",), 16_000),
    _silent("omni-moderation-latest", ("openai_moderation",), 32_000),
)

_INVENTED_PREFIX = "sim-"


def models_of(*wires: WireName) -> list[SimModel]:
    """The models that any of the wires knows, in the order of the table."""
    return [model for model in MODELS if not set(wires).isdisjoint(model.wires)]


def find_model(name: str, *wires: WireName) -> SimModel | None:
    """The model behind a name or its dated name on any of the wires, or None.

    A name that begins with ``sim-`` and is in no row behaves and costs as the first ``sim-`` row
    that the wires know: ``sim-fast`` where a model speaks.
    """
    known = models_of(*wires)
    for model in known:
        if name in {model.name, model.served_as}:
            return model
    if not name.startswith(_INVENTED_PREFIX):
        return None
    stand_in = next(model for model in known if model.name.startswith(_INVENTED_PREFIX))
    return msgspec.structs.replace(stand_in, name=name, served_as=name, priced_as=stand_in.name)


def price_of(model: SimModel) -> ListPrice:
    """The list price of a model; invented names cost what their stand-in costs."""
    return PRICES[model.priced_as or model.name]
