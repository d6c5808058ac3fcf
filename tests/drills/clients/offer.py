"""What the installation under the clients offers: one model for each kind of provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.product.running import Product, running_product

from trunkline.simulator.server import Simulator

SPEED = 20.0
"""How much faster than real models the simulated ones speak."""


class Offered(msgspec.Struct, frozen=True):
    """One model.

    Attributes:
        name: what clients ask for.
        provider: the kind of provider, which is the connection's name too.
        target: the provider's model.
    """

    name: str
    provider: str
    target: str


BASES = {"openai": "/v1", "anthropic": "", "gemini": "/v1beta"}
"""What follows the simulator's address in the base address of each provider."""

# All of them can think, so that signatures have to survive.
_OPENAI = Offered("coder-openai", "openai", "gpt-5-mini")
_ANTHROPIC = Offered("coder-anthropic", "anthropic", "claude-sonnet-4-5")
_GEMINI = Offered("coder-gemini", "gemini", "gemini-3-pro-preview")
# OpenAI refuses `max_tokens` and temperatures for its thinking models under Chat Completions, which
# clients send to every model that they do not know, and the same wire passes as it is.
_PLAIN = Offered("coder-openai-plain", "openai", "gpt-4.1-mini")


PREFIXES = ("coder", "gpt-5.5")
"""How models are called: by a name that no client knows, and by one that Codex knows."""


def models_for(wire: str, prefix: str = "coder") -> tuple[Offered, ...]:
    """What a client that speaks this wire is tried with: a model of each kind of provider."""
    models = (_PLAIN if wire == "openai_chat" else _OPENAI, _ANTHROPIC, _GEMINI)
    return tuple(_called(model, prefix) for model in models)


def _called(model: Offered, prefix: str) -> Offered:
    name = f"{prefix}{model.name.removeprefix('coder')}"
    return Offered(name, model.provider, model.target)


@asynccontextmanager
async def running_offer(directory: Path, seed: int) -> AsyncIterator[Product]:
    """Trunkline in front of a simulator, both in this process."""
    simulator = Simulator(seed=seed, speed=SPEED)
    await simulator.start()
    secret = directory / "simulated.secret"
    secret.write_text("sk-simulated")
    try:
        section = _organisation(simulator.base_url, secret)
        async with running_product(
            directory / "data", simulator, organisations=(section,)
        ) as product:
            yield product
    finally:
        await simulator.stop()


def _organisation(simulator_url: str, secret: Path) -> dict[str, Any]:
    return {
        "slug": "coders",
        "keys": [{"name": "laptop"}],
        "connections": [
            {
                "name": provider,
                "provider": provider,
                "base_url": simulator_url + path,
                "secret": f"file:{secret}",
            }
            for provider, path in BASES.items()
        ],
        "models": [
            {
                "name": _called(model, prefix).name,
                "targets": [{"connection": model.provider, "model": model.target}],
            }
            for model in (_OPENAI, _PLAIN, _ANTHROPIC, _GEMINI)
            for prefix in PREFIXES
        ],
    }
