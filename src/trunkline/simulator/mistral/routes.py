"""Mistral's paths that are not OpenAI's too."""

from collections.abc import Iterator

from trunkline.simulator.mistral.fim_wire import MistralFim
from trunkline.simulator.routes import Generate, Route


def mistral_routes() -> Iterator[Route]:
    """The rows, with wires that remember nothing."""
    yield Route("POST", "/v1/fim/completions", Generate(MistralFim()))
