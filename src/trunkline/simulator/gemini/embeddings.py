"""Gemini's embeddings: one text, or a batch of requests."""

from typing import Any

from typing_extensions import override

from trunkline.simulator.asked import Asked, named_model
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.gemini.manners import GoogleWire, pretty
from trunkline.simulator.gemini.request import content_segments, the_model
from trunkline.simulator.gemini.shapes import BatchEmbedRequest, EmbedRequest, decode, invalid
from trunkline.simulator.models import SimModel, WireName
from trunkline.simulator.wire import WorkWire
from trunkline.simulator.work import Work, done, vector

_MOST_REQUESTS = 100
_TASKS = frozenset(
    {"", "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY"}
    | {"CLASSIFICATION", "CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION"}
    | {"CODE_RETRIEVAL_QUERY"}
)


class EmbedWire(GoogleWire, WorkWire):
    """``:embedContent``."""

    name: WireName = "gemini_embeddings"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        model = the_model(named_model(asked), self.name)
        wanted: EmbedRequest = decode(asked.body, EmbedRequest)
        embedding, tokens = _embedded(wanted, model, seed, "EmbedContentRequest")
        return _written({"embedding": embedding}, model, tokens, with_usage=with_usage)


class BatchEmbedWire(GoogleWire, WorkWire):
    """``:batchEmbedContents``."""

    name: WireName = "gemini_embeddings"

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        name = named_model(asked)
        model = the_model(name, self.name)
        batch: BatchEmbedRequest = decode(asked.body, BatchEmbedRequest)
        if not batch.requests:
            raise invalid("* BatchEmbedContentsRequest.requests: requests is not specified\n")
        if len(batch.requests) > _MOST_REQUESTS:
            raise invalid(
                f"* BatchEmbedContentsRequest.requests: at most {_MOST_REQUESTS} requests can be "
                "in one batch\n"
            )
        embeddings, tokens = [], 0
        for number, wanted in enumerate(batch.requests):
            path = f"BatchEmbedContentsRequest.requests[{number}]"
            if wanted.model.removeprefix("models/") != name.removeprefix("models/"):
                raise invalid(f"* {path}.model: model must be the one in the path\n")
            embedding, counted = _embedded(wanted, model, seed, path)
            embeddings.append(embedding)
            tokens += counted
        return _written({"embeddings": embeddings}, model, tokens, with_usage=with_usage)


def _embedded(
    wanted: EmbedRequest, model: SimModel, seed: int, path: str
) -> tuple[dict[str, Any], int]:
    """One embedding, and how many tokens it took."""
    text = (
        "\n".join(part.text for part in wanted.content.parts if part.text) if wanted.content else ""
    )
    if wanted.content is None or not text:
        raise invalid(f"* {path}.content: contents is not specified\n")
    if wanted.task_type not in _TASKS:
        raise invalid(
            f"Invalid value at 'task_type' (TaskType), \"{wanted.task_type}\"", "task_type"
        )
    if wanted.title and wanted.task_type != "RETRIEVAL_DOCUMENT":
        raise invalid(f"* {path}.title: title is only for RETRIEVAL_DOCUMENT\n")
    dimensions = wanted.output_dimensionality or model.dimensions
    if not 1 <= dimensions <= model.dimensions:
        raise invalid(
            f"* {path}.output_dimensionality: must be in the range [1, {model.dimensions}]\n"
        )
    tokens = sum(len(segment.pieces) for segment in content_segments(wanted.content)[1:])
    return {"values": vector(seed, model, text, dimensions)}, tokens


def _written(document: dict[str, Any], model: SimModel, tokens: int, *, with_usage: bool) -> Work:
    """The newest models say what they counted."""
    if with_usage:
        details = [{"modality": "TEXT", "tokenCount": tokens}]
        document["usageMetadata"] = {"promptTokenCount": tokens, "promptTokensDetails": details}
    return done(model, TokenUse(uncached=tokens), pretty(document), with_usage=with_usage)
