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
        path: what follows the simulator's address in the connection's base address.
        target: the provider's model. All of them think, so that signatures have to survive.
    """

    name: str
    provider: str
    path: str
    target: str


MODELS = (
    Offered("coder-openai", "openai", "/v1", "gpt-5-mini"),
    Offered("coder-anthropic", "anthropic", "", "claude-sonnet-4-5"),
    Offered("coder-gemini", "gemini", "/v1beta", "gemini-3-pro-preview"),
)


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
                "name": model.provider,
                "provider": model.provider,
                "base_url": simulator_url + model.path,
                "secret": f"file:{secret}",
            }
            for model in MODELS
        ],
        "models": [
            {
                "name": model.name,
                "targets": [{"connection": model.provider, "model": model.target}],
            }
            for model in MODELS
        ],
    }
