"""What the demo offers: one organisation, a key, and a connection to each simulated provider."""

from collections.abc import Iterable
from typing import Any

import msgspec

from trunkline.configuration.schema import ConfigurationFile
from trunkline.kit.money import format_usd
from trunkline.simulator.models import MODELS, OPENAI_WIRES, SimModel, WireName
from trunkline.simulator.prices import PRICES, ListPrice

ORGANISATION = "demo"


class Simulated(msgspec.Struct, frozen=True):
    """One provider that the simulator plays.

    Attributes:
        name: of the connection.
        provider: its row in the registry.
        path: what its base address has behind the simulator's.
        wires: models whose first wire is one of these are published there.
    """

    name: str
    provider: str
    path: str
    wires: tuple[WireName, ...]


ANTHROPIC = Simulated("sim-anthropic", "anthropic", "", ("anthropic_messages",))
# It speaks OpenAI's wire and would know all of its models, of which it has only one here.
TOGETHER = Simulated("together", "together", "/v1", ())
SIMULATED = (
    Simulated("sim-openai", "openai", "/v1", OPENAI_WIRES),
    ANTHROPIC,
    TOGETHER,
    Simulated("sim-gemini", "gemini", "/v1beta", ("gemini", "gemini_embeddings")),
    Simulated("sim-ollama", "ollama", "", ("ollama_chat", "ollama_generate", "ollama_embed")),
    Simulated("sim-cohere", "cohere", "", ("cohere_chat", "cohere_embed", "cohere_rerank")),
    Simulated("sim-bedrock", "bedrock", "", ("bedrock_converse",)),
    Simulated("sim-mistral", "mistral", "/v1", ("mistral_fim",)),
    Simulated("sim-voyage", "voyage", "/voyage/v1", ("voyage_embeddings", "voyage_rerank")),
    Simulated("sim-jina", "jina", "/v1", ("jina_rerank",)),
)
# What a program asks for that names no model of its own: Together's, and OpenAI's when that fails.
LLAMA = "meta-llama/Llama-3-70b-chat-hf"
# Further names, one for each policy, with a target for each connection and model.
POLICIES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (LLAMA, "ordered", ("together/" + LLAMA, "sim-openai/gpt-4o-mini")),
    ("split", "weighted", ("sim-openai/gpt-4o-mini", "sim-openai/gpt-4.1-mini")),
    ("fast", "latency", ("sim-openai/gpt-4o-mini", "sim-anthropic/claude-haiku-4-5")),
    ("cheap", "price", ("sim-anthropic/claude-haiku-4-5", "sim-openai/gpt-4o-mini")),
    ("steady", "sticky", ("sim-openai/gpt-4o-mini", "sim-anthropic/claude-haiku-4-5")),
)
# Models of every wire are at home at OpenAI, and have this prefix at Anthropic.
ANTHROPIC_PREFIX = "claude-"
# What a model is for, by its first wire; all others are for chat.
_KINDS: dict[WireName, str] = {
    "openai_completions": "completion",
    "openai_embeddings": "embedding",
    "gemini_embeddings": "embedding",
    "ollama_embed": "embedding",
    "cohere_embed": "embedding",
    "voyage_embeddings": "embedding",
    "cohere_rerank": "rerank",
    "jina_rerank": "rerank",
    "voyage_rerank": "rerank",
    "openai_images": "image",
    "openai_speech": "speech",
    "openai_transcription": "transcription",
    "openai_moderation": "moderation",
}
_THOUSAND = 1_000


def demo_configuration(simulator_url: str, key_file: str) -> ConfigurationFile:
    """The demo's configuration file.

    Args:
        simulator_url: base address of the simulated providers.
        key_file: absolute path of the file that holds the demo key. The simulated providers take
            any credential, so it serves there as well.
    """
    return ConfigurationFile.model_validate(
        {
            "connections": [
                {
                    "name": simulated.name,
                    "provider": simulated.provider,
                    "base_url": simulator_url + simulated.path,
                    "secret": f"file:{key_file}",
                    "cancels_on_close": True,
                }
                for simulated in SIMULATED
            ],
            "models": list(_models()),
            "prices": list(_prices()),
            "organisations": [_organisation(key_file)],
        }
    )


def _organisation(key_file: str) -> dict[str, Any]:
    return {
        "slug": ORGANISATION,
        "name": "Demo",
        "tier": "enterprise",
        "teams": [{"slug": "research", "name": "Research"}],
        "keys": [
            {
                "name": "demo",
                "team": "research",
                "tags": {"project": "demo"},
                "secret": f"file:{key_file}",
            }
        ],
        "limits": [
            {"counts": "requests", "amount": 6_000, "per_seconds": 60},
            {"counts": "tokens", "amount": 50_000_000, "per_seconds": 60},
            {"counts": "concurrency", "amount": 500},
        ],
        "budgets": [
            {"name": "Demo, monthly", "amount": "500.00", "window": "month"},
            {
                "name": "Research, daily",
                "scope": "team",
                "scope_id": "research",
                "amount": "50.00",
                "window": "day",
            },
        ],
    }


def _models() -> Iterable[dict[str, Any]]:
    """Every model under its own name where it is at home, and with a prefix at Anthropic."""
    yield from (_routed(*row) for row in POLICIES)
    for model in MODELS:
        if model.name == LLAMA:
            continue
        home = next(row for row in SIMULATED if model.wires[0] in row.wires)
        yield _published(model.name, home, model)
        if home is not ANTHROPIC and _knows(ANTHROPIC, model):
            yield _published(ANTHROPIC_PREFIX + model.name, ANTHROPIC, model)


def _knows(simulated: Simulated, model: SimModel) -> bool:
    return not set(simulated.wires).isdisjoint(model.wires)


def _published(name: str, simulated: Simulated, model: SimModel) -> dict[str, Any]:
    return {
        "name": name,
        "kind": _KINDS.get(model.wires[0], "chat"),
        "targets": [{"connection": simulated.name, "model": model.name}],
    }


def _routed(name: str, policy: str, targets: tuple[str, ...]) -> dict[str, Any]:
    pairs = [target.partition("/") for target in targets]
    return {
        "name": name,
        "targets": [{"connection": connection, "model": model} for connection, _, model in pairs],
        "route": {"policy": policy},
    }


def _prices() -> Iterable[dict[str, Any]]:
    for simulated in SIMULATED:
        for model in MODELS:
            if _knows(simulated, model) or (simulated is TOGETHER and model.name == LLAMA):
                price = PRICES[model.name]
                yield {"connection": simulated.name, "model": model.name, **_rates(price)}


def _rates(price: ListPrice) -> dict[str, str]:
    """The buckets as the file takes them; a second of sound has none there.

    Only models that are billed by searches have a price of them: others must not look free.
    """
    searches = {"searches": format_usd(price.search * _THOUSAND)} if price.search else {}
    return {
        "input": format_usd(price.input),
        "output": format_usd(price.output),
        "cache_read": format_usd(price.cache_read),
        "cache_write_5m": format_usd(price.cache_write_5m),
        "cache_write_1h": format_usd(price.cache_write_1h),
        "audio_input": format_usd(price.audio or price.input),
        **searches,
    }
