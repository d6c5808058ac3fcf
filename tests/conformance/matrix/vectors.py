"""What the simulator's models for vectors and for ranking answer, whatever wire asks them."""

from trunkline.simulator.models import MODELS
from trunkline.simulator.work import ranked, vector

TEXTS = ["Lighthouses by the sea.", "Gateways carry words.", "Lighthouses carry words."]
QUERY = "Which text is about lighthouses by the sea?"

# The seed of the simulator that each cell runs on.
_SEED = 3


def expected_vectors(texts: list[str]) -> list[list[float]]:
    """The vectors of these texts."""
    model = next(model for model in MODELS if model.name == "sim-embed")
    return [vector(_SEED, model, text, model.dimensions) for text in texts]


def expected_order(texts: list[str], query: str) -> list[tuple[int, float]]:
    """The places of the texts and their scores, best first."""
    model = next(model for model in MODELS if model.name == "sim-rerank")
    return ranked(_SEED, model, query, texts)
