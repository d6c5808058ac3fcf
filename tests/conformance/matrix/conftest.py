"""Each cell of the matrix has a data path and a simulator of its own."""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import msgspec
import pytest_asyncio
from tests.conformance.matrix.bench import SPEAKER, THINKER, Bench, public_name
from tests.gateway.conftest import simulator
from tests.gateway.rig import published, running

from trunkline.gateway.exchange.destination import Thinking, Traits
from trunkline.gateway.providers.registry import find_provider
from trunkline.gateway.snapshot import Alias
from trunkline.simulator.server import Simulator

__all__ = ["simulator"]


class Likeness(NamedTuple):
    """Whose dialect a provider wire has here, and how its models that think are told to."""

    provider: str
    thinking: Thinking


LIKE: dict[str, Likeness] = {
    "openai_chat": Likeness("openai", "effort"),
    "openai_responses": Likeness("openai", "effort"),
    "anthropic_messages": Likeness("anthropic", "budget"),
    "gemini": Likeness("gemini", "budget"),
    "ollama_chat": Likeness("ollama", "switch"),
    "cohere_chat": Likeness("cohere", "budget"),
    "bedrock_converse": Likeness("bedrock", "budget"),
}


@pytest_asyncio.fixture
async def bench(simulator: Simulator) -> AsyncIterator[Bench]:
    """A data path before a simulator that answers as fast as it can."""
    async with running(simulator, extra=described(simulator)) as rig:
        yield Bench(rig)


def described(simulator: Simulator) -> Iterator[Alias]:
    """The models that chat, with what the data path knows of a real provider and its models."""
    aliases = published(simulator).aliases
    for wire, likeness in LIKE.items():
        row = find_provider(likeness.provider)
        assert row is not None
        told_by: dict[str, Thinking] = {SPEAKER: "", THINKER: likeness.thinking}
        for model, thinking in told_by.items():
            alias = aliases[public_name(wire, model)]
            (target,) = alias.targets
            known = msgspec.structs.replace(
                target,
                connection=msgspec.structs.replace(target.connection, quirks=row.quirks),
                traits=Traits(thinking=thinking),
            )
            yield msgspec.structs.replace(alias, targets=(known,))
