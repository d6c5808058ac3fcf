"""Gemini's embeddings to the internal form and back."""

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, Malformed, Place
from trunkline.gateway.wire.gemini_embeddings.requests import (
    WIRE,
    read_batch,
    read_one,
    request_back,
    write_batch,
)
from trunkline.gateway.wire.vectors import read_vectors


class _Embedding(msgspec.Struct):
    values: list[float]


class GeminiEmbeddingsCodec(Codec[EmbeddingRequest, EmbeddingReply]):
    """The codec; ``batch`` is whether its callers send and get several at once.

    Providers are always asked for a batch, and their answers are read in either shape.
    """

    def __init__(self, *, batch: bool) -> None:
        self._batch = batch

    @override
    def read_request(self, document: Document, place: Place) -> EmbeddingRequest:
        return read_batch(document, place) if self._batch else read_one(document, place)

    @override
    def write_request(
        self, request: EmbeddingRequest, destination: Destination, losses: Losses
    ) -> Document:
        if request.wire == WIRE:
            return request_back(request, destination.model)
        return write_batch(request, destination.model, losses)

    @override
    def read_reply(self, document: Document, seed: str) -> EmbeddingReply:
        rest = dict(document)
        several, one = rest.pop("embeddings", None), rest.pop("embedding", None)
        try:
            listed = msgspec.convert(several if one is None else [one], list[_Embedding])
        except (msgspec.ValidationError, RecursionError):
            raise Malformed("the answer's embeddings are not what the wire promises") from None
        rest.pop("usageMetadata", None)
        return EmbeddingReply(
            wire=WIRE, vectors=read_vectors([item.values for item in listed]), extra=rest
        )

    @override
    def write_reply(
        self, reply: EmbeddingReply, usage: Usage | None, answering: Answering
    ) -> Document:
        listed = [{"values": vector} for vector in reply.vectors]
        document: Document = {"embeddings": listed} if self._batch else {"embedding": listed[0]}
        if usage is not None:
            document["usageMetadata"] = {"promptTokenCount": usage.input_total}
        return document | reply.extra if reply.wire == WIRE else document
