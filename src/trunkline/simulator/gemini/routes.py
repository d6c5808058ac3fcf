"""The paths of the developer API and of Vertex AI."""

from collections.abc import Iterator

from trunkline.simulator.gemini.embeddings import BatchEmbedWire, EmbedWire
from trunkline.simulator.gemini.wire import GeminiArrayWire, GeminiWire
from trunkline.simulator.routes import Count, Generate, LookUp, Perform, Route

_VERTEX = "/projects/{project}/locations/{location}/publishers/google"


def gemini_routes() -> Iterator[Route]:
    """All rows of Google."""
    for version in ("/v1", "/v1beta1"):
        yield from _model_routes(version + _VERTEX, vertex=True)
    lists = GeminiWire()
    # OpenAI's lists have the same paths under /v1; Google's clients send their own header.
    for version, header in (("/v1beta", ""), ("/v1", "x-goog-api-key")):
        yield from _model_routes(version, vertex=False)
        yield Route("GET", f"{version}/models", LookUp(lists, lists.models), header)
        yield Route("GET", f"{version}/models/{{model}}", LookUp(lists, lists.model), header)


def _model_routes(base: str, *, vertex: bool) -> Iterator[Route]:
    model = base + "/models/{model}"
    events, array = GeminiWire(vertex=vertex), GeminiArrayWire(vertex=vertex)
    stream = f"{model}:streamGenerateContent"
    yield Route("POST", f"{model}:generateContent", Generate(events))
    yield Route("POST", stream, Generate(events, stream=True), query="alt=sse")
    # Without ``alt=sse`` a stream is a JSON array.
    yield Route("POST", stream, Generate(array, stream=True))
    yield Route("POST", f"{model}:countTokens", Count(events))
    yield Route("POST", f"{model}:embedContent", Perform(EmbedWire(vertex=vertex)))
    yield Route("POST", f"{model}:batchEmbedContents", Perform(BatchEmbedWire(vertex=vertex)))
