"""Voyage's embeddings to the internal form and back."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, Malformed, Place
from trunkline.gateway.wire.documents import (
    members_of,
    note_extras,
    require_model,
    take_count,
    take_flag,
    take_text,
)
from trunkline.gateway.wire.spelling import SpelledEmbedding
from trunkline.gateway.wire.totals import usage_for
from trunkline.gateway.wire.vectors import packed, read_texts, read_vectors, texts_of

WIRE: Final = "voyage_embeddings"

_PURPOSES: Final = frozenset({"query", "document"})
_OTHER_PURPOSE: Final = "the provider knows queries and documents only"
_UNKNOWN: Final = "the provider's API has no such setting"


class _Item(msgspec.Struct):
    embedding: Any
    index: int


class VoyageEmbeddingsCodec(Codec[EmbeddingRequest, EmbeddingReply]):
    """The codec of ``/embeddings``."""

    @override
    def read_request(self, document: Document, place: Place) -> EmbeddingRequest:
        rest = members_of(document)
        plain: Document = {}
        model = require_model(rest)
        inputs = rest.pop("input", None)
        # Floats are what other providers give; a caller who wants another kind may lose it.
        if rest.get("output_dtype") == "float":
            plain["output_dtype"] = rest.pop("output_dtype")
        encoded = rest.get("encoding_format") == "base64"
        if encoded:
            del rest["encoding_format"]
        return SpelledEmbedding(
            wire=WIRE,
            model=model,
            inputs=read_texts(inputs),
            single=isinstance(inputs, str),
            dimensions=take_count(rest, "output_dimension"),
            purpose=take_text(rest, "input_type"),
            encoding="base64" if encoded else "float",
            truncate=take_flag(rest, "truncation"),
            plain=plain,
            extra=rest,
        )

    @override
    def write_request(
        self, request: EmbeddingRequest, destination: Destination, losses: Losses
    ) -> Document:
        own = request.wire == WIRE
        texts = texts_of(request)
        single = request.single and len(texts) == 1
        document: Document = {"model": destination.model, "input": texts[0] if single else texts}
        if request.dimensions is not None:
            document["output_dimension"] = request.dimensions
        if request.truncate is not None:
            document["truncation"] = request.truncate
        if request.purpose is not None and (own or request.purpose in _PURPOSES):
            document["input_type"] = request.purpose
        if own:
            if request.encoding == "base64":
                document["encoding_format"] = "base64"
            plain = request.plain if isinstance(request, SpelledEmbedding) else {}
            return document | plain | request.extra
        if request.purpose is not None and request.purpose not in _PURPOSES:
            losses.lose("input_type", _OTHER_PURPOSE)
        if request.user is not None:
            losses.lose("user", _UNKNOWN)
        note_extras(request.extra, losses)
        return document

    @override
    def read_reply(self, document: Document, seed: str) -> EmbeddingReply:
        rest = dict(document)
        try:
            items = msgspec.convert(rest.pop("data", None), list[_Item])
        except (msgspec.ValidationError, RecursionError):
            raise Malformed("the answer's data is not what the wire promises") from None
        items.sort(key=lambda item: item.index)
        model = rest.pop("model", None)
        return EmbeddingReply(
            wire=WIRE,
            vectors=read_vectors([item.embedding for item in items]),
            model=model if isinstance(model, str) else None,
            extra=rest,
        )

    @override
    def write_reply(
        self, reply: EmbeddingReply, usage: Usage | None, answering: Answering
    ) -> Document:
        encoded = getattr(answering.request, "encoding", "float") == "base64"
        document: Document = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "embedding": packed(vector) if encoded else vector,
                    "index": place,
                }
                for place, vector in enumerate(reply.vectors)
            ],
            "model": reply.model or answering.model,
        }
        if usage is not None:
            document["usage"] = usage_for(usage)
        return document | reply.extra if reply.wire == WIRE else document
