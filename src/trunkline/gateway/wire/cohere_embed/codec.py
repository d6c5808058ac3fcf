"""Cohere's embeddings to the internal form and back."""

from typing import Any

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.cohere_embed.requests import WIRE, read_request, write_request
from trunkline.gateway.wire.cohere_family.ids import answer_id
from trunkline.gateway.wire.cohere_family.usage import meta_for
from trunkline.gateway.wire.contract import Answering, Codec, Malformed, Place
from trunkline.gateway.wire.spelling import SpelledEmbedding
from trunkline.gateway.wire.vectors import packed, read_vectors


class CohereEmbedCodec(Codec[EmbeddingRequest, EmbeddingReply]):
    """The codec of ``/v2/embed``."""

    @override
    def read_request(self, document: Document, place: Place) -> EmbeddingRequest:
        return read_request(document)

    @override
    def write_request(
        self, request: EmbeddingRequest, destination: Destination, losses: Losses
    ) -> Document:
        return write_request(request, destination, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> EmbeddingReply:
        rest = dict(document)
        told = rest.pop("embeddings", None)
        if not isinstance(told, dict):
            raise Malformed("the answer has no embeddings by type")
        vectors = told.get("float")
        answer = rest.pop("id", None)
        return EmbeddingReply(
            wire=WIRE,
            vectors=read_vectors(told.get("base64") if vectors is None else vectors),
            id=answer if isinstance(answer, str) else None,
            extra=rest,
        )

    @override
    def write_reply(
        self, reply: EmbeddingReply, usage: Usage | None, answering: Answering
    ) -> Document:
        own = reply.wire == WIRE
        request = answering.request
        document: Document = {
            "id": (reply.id if own else None) or answer_id(answering.id),
            "embeddings": _by_type(reply, request),
            "texts": _texts(request),
            "meta": meta_for(usage),
            "response_type": "embeddings_by_type",
        }
        return document | reply.extra if own else document


def _by_type(reply: EmbeddingReply, request: Any) -> Document:
    """The vectors in each kind that was asked for; floats where none was."""
    plain = request.plain if isinstance(request, SpelledEmbedding) else {}
    types = plain.get("embedding_types") or ["float"]
    told: Document = {}
    if "float" in types:
        told["float"] = reply.vectors
    if "base64" in types:
        told["base64"] = [packed(vector) for vector in reply.vectors]
    return told


def _texts(request: Any) -> list[str]:
    inputs = request.inputs if isinstance(request, EmbeddingRequest) else ()
    return [text for text in inputs if isinstance(text, str)]
