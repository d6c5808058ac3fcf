"""Ollama's embeddings to the internal form and back."""

from typing import Final

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, Place
from trunkline.gateway.wire.documents import (
    members_of,
    note_extras,
    require_model,
    take_count,
    take_flag,
)
from trunkline.gateway.wire.vectors import read_texts, read_vectors, texts_of

NAME: Final = "ollama_embed"
_ONE_KIND: Final = "the provider makes one kind of vector"
_UNKNOWN: Final = "the provider's API has no such setting"


class EmbedCodec(Codec[EmbeddingRequest, EmbeddingReply]):
    """The codec of ``/api/embed``."""

    @override
    def read_request(self, document: Document, place: Place) -> EmbeddingRequest:
        rest = members_of(document)
        model = require_model(rest)
        inputs = rest.pop("input", None)
        return EmbeddingRequest(
            wire=NAME,
            model=model,
            inputs=read_texts(inputs),
            single=isinstance(inputs, str),
            dimensions=take_count(rest, "dimensions"),
            truncate=take_flag(rest, "truncate"),
            extra=rest,
        )

    @override
    def write_request(
        self, request: EmbeddingRequest, destination: Destination, losses: Losses
    ) -> Document:
        texts = texts_of(request)
        single = request.single and len(texts) == 1
        document: Document = {"model": destination.model, "input": texts[0] if single else texts}
        if request.dimensions is not None:
            document["dimensions"] = request.dimensions
        if request.truncate is not None:
            document["truncate"] = request.truncate
        if request.wire == NAME:
            return document | request.extra
        lose_purpose(request, losses)
        return document

    @override
    def read_reply(self, document: Document, seed: str) -> EmbeddingReply:
        rest = dict(document)
        vectors = read_vectors(rest.pop("embeddings", None))
        model = rest.pop("model", None)
        rest.pop("prompt_eval_count", None)
        return EmbeddingReply(
            wire=NAME,
            vectors=vectors,
            model=model if isinstance(model, str) else None,
            extra=rest,
        )

    @override
    def write_reply(
        self, reply: EmbeddingReply, usage: Usage | None, answering: Answering
    ) -> Document:
        document: Document = {
            "model": reply.model or answering.model,
            "embeddings": reply.vectors,
        }
        if usage is not None:
            document["prompt_eval_count"] = usage.input_total
        return document | reply.extra if reply.wire == NAME else document


def lose_purpose(request: EmbeddingRequest, losses: Losses) -> None:
    """Note what Ollama's formats of embeddings have no place for."""
    if request.purpose is not None:
        losses.lose("input_type", _ONE_KIND)
    if request.user is not None:
        losses.lose("user", _UNKNOWN)
    note_extras(request.extra, losses)
