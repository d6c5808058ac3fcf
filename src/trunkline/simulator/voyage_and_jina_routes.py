"""The paths of Voyage and Jina, of which one is the same: Voyage's requests have a ``top_k``."""

from collections.abc import Iterator

from trunkline.simulator.jina.rerank import JinaRerank
from trunkline.simulator.routes import Perform, Route
from trunkline.simulator.voyage.embeddings import VoyageEmbeddings
from trunkline.simulator.voyage.rerank import VoyageRerank


def voyage_and_jina_routes() -> Iterator[Route]:
    """All rows of both."""
    yield Route("POST", "/voyage/v1/embeddings", Perform(VoyageEmbeddings()))
    yield Route("POST", "/voyage/v1/rerank", Perform(VoyageRerank()))
    yield Route("POST", "/v1/rerank", Perform(VoyageRerank()), member="top_k")
    yield Route("POST", "/v1/rerank", Perform(JinaRerank()))
