"""What the demo offers: one organisation, a key, two connections, prices and limits."""

from collections.abc import Iterable
from typing import Any

from trunkline.configuration.schema import ConfigurationFile
from trunkline.kit.money import format_usd
from trunkline.simulator.models import MODELS
from trunkline.simulator.prices import PRICES, ListPrice

ORGANISATION = "demo"
OPENAI, ANTHROPIC = "sim-openai", "sim-anthropic"
CONNECTIONS = {"openai_chat": OPENAI, "anthropic_messages": ANTHROPIC}
"""The wires of the simulator that the demo offers, each with its connection."""
# Names that both wires of the simulator know get this prefix on Anthropic's.
ANTHROPIC_PREFIX = "claude-"


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
                    "name": OPENAI,
                    "provider": "openai_compatible",
                    "base_url": f"{simulator_url}/v1",
                    "secret": f"file:{key_file}",
                    "cancels_on_close": True,
                },
                {
                    "name": ANTHROPIC,
                    "provider": "anthropic_compatible",
                    "base_url": simulator_url,
                    "secret": f"file:{key_file}",
                    "cancels_on_close": True,
                },
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
    """Every model of the simulator under its own name; a second wire gets a prefix."""
    for model in MODELS:
        connections = [name for wire, name in CONNECTIONS.items() if wire in model.wires]
        for connection in connections:
            second = len(connections) > 1 and connection == ANTHROPIC
            yield {
                "name": ANTHROPIC_PREFIX + model.name if second else model.name,
                "targets": [{"connection": connection, "model": model.name}],
            }


def _prices() -> Iterable[dict[str, Any]]:
    for connection in (OPENAI, ANTHROPIC):
        for model, price in PRICES.items():
            yield {"connection": connection, "model": model, **_rates(price)}


def _rates(price: ListPrice) -> dict[str, str]:
    return {
        "input": format_usd(price.input),
        "output": format_usd(price.output),
        "cache_read": format_usd(price.cache_read),
        "cache_write_5m": format_usd(price.cache_write_5m),
        "cache_write_1h": format_usd(price.cache_write_1h),
    }
