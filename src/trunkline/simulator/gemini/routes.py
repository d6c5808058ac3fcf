"""The paths of the developer API and of Vertex AI."""

from collections.abc import Iterator

from trunkline.simulator.gemini.embeddings import BatchEmbedWire, EmbedWire
from trunkline.simulator.gemini.wire import GeminiArrayWire, GeminiWire
from trunkline.simulator.routes import Count, Generate, LookUp, Perform, Route

_VERTEX = "/projects/{project}/locations/{location}/publishers/google"


def gemini_routes() -> Iterator[Route]:
    """All rows of Google."""
    for version in ("/v1beta", "/v1"):
        yield from _model_routes(version, vertex=False)
        # Streams without ``alt=sse`` are JSON arrays.
    for version in ("/v1", "/v1beta1"):
        yield from _model_routes(version + _VERTEX, vertex=True)
    lists = GeminiWire()
    yield Route("GET", "/v1beta/models", LookUp(lists, lists.models))
    yield Route("GET", "/v1beta/models/{model}", LookUp(lists, lists.model))


def _model_routes(base: str, *, vertex: bool) -> Iterator[Route]:
    model = base + "/models/{model}"
    events, array = GeminiWire(vertex=vertex), GeminiArrayWire(vertex=vertex)
    stream = f"{model}:streamGenerateContent"
    yield Route("POST", f"{model}:generateContent", Generate(events))
    yield Route("POST", stream, Generate(events, stream=True), query="alt=sse")
    yield Route("POST", stream, Generate(array, stream=True))
    yield Route("POST", f"{model}:countTokens", Count(events))
    yield Route("POST", f"{model}:embedContent", Perform(EmbedWire(vertex=vertex)))
    yield Route("POST", f"{model}:batchEmbedContents", Perform(BatchEmbedWire(vertex=vertex)))
