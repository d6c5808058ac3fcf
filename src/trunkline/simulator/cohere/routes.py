"""The paths of Cohere's API."""

from collections.abc import Iterator

from trunkline.simulator.cohere.embed import CohereEmbed
from trunkline.simulator.cohere.rerank import CohereRerank
from trunkline.simulator.cohere.wire import CohereChat
from trunkline.simulator.routes import Generate, Perform, Route


def cohere_routes() -> Iterator[Route]:
    """All rows of Cohere."""
    yield Route("POST", "/v2/chat", Generate(CohereChat()))
    yield Route("POST", "/v2/embed", Perform(CohereEmbed()))
    yield Route("POST", "/v2/rerank", Perform(CohereRerank()))
