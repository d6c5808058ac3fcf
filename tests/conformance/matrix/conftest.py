"""Each cell of the matrix has a data path and a simulator of its own."""

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest_asyncio
from tests.conformance.matrix.bench import THINKER, Bench, public_name
from tests.gateway.conftest import simulator
from tests.gateway.rig import published, running

from trunkline.gateway.exchange.destination import Thinking, Traits
from trunkline.gateway.snapshot import Alias
from trunkline.simulator.server import Simulator

__all__ = ["simulator"]

# How each provider's models that think are told to, as the capability table has it of real ones.
TOLD_BY: dict[str, Thinking] = {
    "openai_chat": "effort",
    "openai_responses": "effort",
    "anthropic_messages": "budget",
    "gemini": "budget",
    "ollama_chat": "switch",
    "cohere_chat": "budget",
    "bedrock_converse": "budget",
}


@pytest_asyncio.fixture
async def bench(simulator: Simulator) -> AsyncIterator[Bench]:
    """A data path before a simulator that answers as fast as it can."""
    async with running(simulator, extra=thinkers(simulator)) as rig:
        yield Bench(rig)


def thinkers(simulator: Simulator) -> Iterator[Alias]:
    """The models that think, with what the data path knows of a real one."""
    aliases = published(simulator).aliases
    for provider, thinking in TOLD_BY.items():
        alias = aliases[public_name(provider, THINKER)]
        (target,) = alias.targets
        able = msgspec.structs.replace(target, traits=Traits(thinking=thinking))
        yield msgspec.structs.replace(alias, targets=(able,))
