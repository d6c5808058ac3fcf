"""The simulator's own list prices, so that its bill is a second opinion on the gateway's.

Amounts are integer nano-dollars per million tokens. The ``sim-*`` prices are inventions; the
others were copied from the providers' public price pages in November 2026.
"""

from collections.abc import Mapping

import msgspec

from trunkline.kit.money import parse_usd


class ListPrice(msgspec.Struct, frozen=True):
    """Nano-dollars per million tokens of each kind.

    Attributes:
        input: input outside the prompt cache.
        output: all output, reasoning included.
        cache_read: input that came from the prompt cache.
        cache_write_5m: input written to the cache for five minutes (Anthropic only).
        cache_write_1h: input written to the cache for an hour (Anthropic only).
        long_input: the price of the whole request when its input is longer than
            ``long_input_above`` tokens, or None.
        long_input_above: see ``long_input``.
        service_tiers: prices under OpenAI's other service tiers, by the tier's name.
        audio: input that is sound.
        search: nano-dollars of one search unit.
        second: nano-dollars of one second of sound.
    """

    input: int
    output: int
    cache_read: int
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    long_input: "ListPrice | None" = None
    long_input_above: int = 0
    service_tiers: Mapping[str, "ListPrice"] = {}
    audio: int = 0
    search: int = 0
    second: int = 0


def _openai(
    per_input: str, cached: str, per_output: str, **tiers: tuple[str, str, str]
) -> ListPrice:
    return ListPrice(
        input=parse_usd(per_input),
        output=parse_usd(per_output),
        cache_read=parse_usd(cached),
        service_tiers={name: _openai(*rates) for name, rates in tiers.items()},
    )


def _anthropic(per_input: str, per_output: str, long_input: ListPrice | None = None) -> ListPrice:
    """Anthropic's rule: reading the cache costs 0.1, writing 1.25 (5 m) or 2 (1 h) of the input."""
    base = parse_usd(per_input)
    return ListPrice(
        input=base,
        output=parse_usd(per_output),
        cache_read=base // 10,
        cache_write_5m=base * 5 // 4,
        cache_write_1h=base * 2,
        long_input=long_input,
        long_input_above=200_000 if long_input else 0,
    )


def _plain(
    per_input: str,
    per_output: str = "0",
    *,
    audio: str = "0",
    search: str = "0",
    second: str = "0",
) -> ListPrice:
    """A price without a cache; dollars of a search and of a second are for one of them."""
    base = parse_usd(per_input)
    return ListPrice(
        input=base,
        output=parse_usd(per_output),
        cache_read=base,
        audio=parse_usd(audio),
        search=parse_usd(search),
        second=parse_usd(second),
    )


def _long(price: ListPrice, above: ListPrice) -> ListPrice:
    """Google's rule: a whole request of more than 200,000 tokens of input is dearer."""
    return msgspec.structs.replace(price, long_input=above, long_input_above=200_000)


_FREE = _plain("0")


PRICES: Mapping[str, ListPrice] = {
    "sim-fast": _anthropic("0.50", "1.50"),
    "sim-chat": _anthropic("1.00", "3.00"),
    "sim-slow": _anthropic("0.40", "0.80"),
    "sim-long": _anthropic("2.00", "8.00"),
    "sim-think": _anthropic("3.00", "12.00"),
    "sim-gemini": _openai("0.30", "0.03", "2.50"),
    "sim-ollama": _FREE,
    "sim-cohere": _plain("0.50", "1.50"),
    "sim-bedrock": _anthropic("0.50", "1.50"),
    "sim-embed": _plain("0.10"),
    "sim-rerank": _plain("0.05", search="0.002"),
    "sim-image": _plain("5", "40"),
    "sim-speech": _plain("0.60", "12"),
    "sim-transcribe": _plain("2.50", "10", audio="6"),
    "sim-moderate": _FREE,
    "gpt-4o": _openai("2.50", "1.25", "10", priority=("4.25", "2.125", "17")),
    "gpt-4o-mini": _openai("0.15", "0.075", "0.60", priority=("0.25", "0.125", "1")),
    "gpt-4.1": _openai("2", "0.50", "8", priority=("3.50", "0.875", "14")),
    "gpt-4.1-mini": _openai("0.40", "0.10", "1.60", priority=("0.70", "0.175", "2.80")),
    "gpt-5": _openai(
        "1.25",
        "0.125",
        "10",
        flex=("0.625", "0.0625", "5"),
        priority=("2.50", "0.25", "20"),
    ),
    "gpt-5-mini": _openai(
        "0.25",
        "0.025",
        "2",
        flex=("0.125", "0.0125", "1"),
        priority=("0.45", "0.045", "3.60"),
    ),
    "gpt-5-nano": _openai("0.05", "0.005", "0.40", flex=("0.025", "0.0025", "0.20")),
    "o4-mini": _openai(
        "1.10", "0.275", "4.40", flex=("0.55", "0.138", "2.20"), priority=("2", "0.50", "8")
    ),
    "gpt-3.5-turbo-instruct": _plain("1.50", "2"),
    "codestral-latest": _plain("0.30", "0.90"),
    "claude-sonnet-4-5": _anthropic("3", "15", _anthropic("6", "22.50")),
    "claude-haiku-4-5": _anthropic("1", "5"),
    "claude-opus-4-5": _anthropic("5", "25"),
    "claude-opus-4-1": _anthropic("15", "75"),
    "gemini-2.5-flash": _openai("0.30", "0.03", "2.50"),
    "gemini-2.5-pro": _long(_openai("1.25", "0.125", "10"), _openai("2.50", "0.25", "15")),
    "gemini-3-pro-preview": _long(_openai("2", "0.20", "12"), _openai("4", "0.40", "18")),
    "meta-llama/Llama-3-70b-chat-hf": _plain("0.90", "0.90"),
    "llama3.2": _FREE,
    "qwen3": _FREE,
    "command-a-03-2025": _plain("2.50", "10"),
    "command-a-reasoning-08-2025": _plain("2.50", "10"),
    "anthropic.claude-sonnet-4-5-20250929-v1:0": _anthropic("3", "15"),
    "amazon.nova-lite-v1:0": _openai("0.06", "0.015", "0.24"),
    "text-embedding-3-small": _plain("0.02"),
    "text-embedding-3-large": _plain("0.13"),
    "gemini-embedding-001": _plain("0.15"),
    "nomic-embed-text": _FREE,
    "embed-v4.0": _plain("0.12"),
    "voyage-3.5": _plain("0.06"),
    "rerank-v3.5": _plain("0", search="0.002"),
    "jina-reranker-v2-base-multilingual": _plain("0.05"),
    "rerank-2.5": _plain("0.05"),
    "gpt-image-1": _plain("5", "40"),
    "gpt-4o-mini-tts": _plain("0.60", "12"),
    "tts-1": _plain("15"),
    "gpt-4o-transcribe": _plain("2.50", "10", audio="6"),
    "whisper-1": _plain("0", second="0.0001"),
    "omni-moderation-latest": _FREE,
}
