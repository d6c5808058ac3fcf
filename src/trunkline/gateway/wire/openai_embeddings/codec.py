"""OpenAI's embeddings to the internal form and back."""

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
    are_texts,
    members_of,
    missing,
    note_extras,
    require_model,
    take_count,
    take_text,
    wrong_type,
)
from trunkline.gateway.wire.spelling import SpelledEmbedding
from trunkline.gateway.wire.vectors import packed, read_vectors

WIRE: Final = "openai_embeddings"

_FORMAT: Final = "encoding_format"
_PURPOSE: Final = "input_type"
_UNKNOWN: Final = "the provider's API has no such setting"

Inputs = tuple[str | tuple[int, ...], ...]


class _Item(msgspec.Struct):
    embedding: Any
    index: int = 0


class OpenAIEmbeddingsCodec(Codec[EmbeddingRequest, EmbeddingReply]):
    """The codec of ``/embeddings``."""

    @override
    def read_request(self, document: Document, place: Place) -> EmbeddingRequest:
        rest = members_of(document)
        plain: Document = {}
        model = require_model(rest)
        inputs, single = _read_inputs(rest.pop("input", None))
        # The base64 that OpenAI's SDK asks for by itself is but another spelling of the numbers.
        encoded = rest.get(_FORMAT)
        if isinstance(encoded, str) and encoded in {"float", "base64"}:
            plain[_FORMAT] = rest.pop(_FORMAT)
        return SpelledEmbedding(
            wire=WIRE,
            model=model,
            inputs=inputs,
            single=single,
            dimensions=take_count(rest, "dimensions"),
            # Not OpenAI's own, but many compatible servers take it.
            purpose=take_text(rest, _PURPOSE),
            encoding="base64" if encoded == "base64" else "float",
            user=take_text(rest, "user"),
            plain=plain,
            extra=rest,
        )

    @override
    def write_request(
        self, request: EmbeddingRequest, destination: Destination, losses: Losses
    ) -> Document:
        own = request.wire == WIRE
        listed = [list(one) if isinstance(one, tuple) else one for one in request.inputs]
        single = request.single and len(listed) == 1
        document: Document = {"model": destination.model, "input": listed[0] if single else listed}
        if request.dimensions is not None:
            document["dimensions"] = request.dimensions
        if request.user is not None:
            document["user"] = request.user
        if request.purpose is not None:
            if own or _PURPOSE in destination.quirks.takes:
                document[_PURPOSE] = request.purpose
            else:
                losses.lose(_PURPOSE, "the provider makes one kind of vector")
        if own:
            plain = request.plain if isinstance(request, SpelledEmbedding) else {}
            return document | plain | request.extra
        if request.truncate is not None:
            losses.lose("truncate", _UNKNOWN)
        note_extras(request.extra, losses)
        for name in destination.quirks.refuses & document.keys():
            del document[name]
            losses.lose(name, _UNKNOWN)
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
        rest.pop("usage", None)
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
        asked = answering.request
        encoded = isinstance(asked, EmbeddingRequest) and asked.encoding == "base64"
        document: Document = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": packed(vector) if encoded else vector,
                }
                for index, vector in enumerate(reply.vectors)
            ],
            "model": reply.model or answering.model,
        }
        if usage is not None:
            total = usage.input_total
            document["usage"] = {"prompt_tokens": total, "total_tokens": total}
        if reply.wire == WIRE:
            return document | reply.extra
        # OpenAI gives no id, but Mistral's SDK, which asks in this format, refuses an answer
        # without one; OpenAI's takes no notice.
        return {"id": f"embd-{answering.id}", **document}


def _read_inputs(value: Any) -> tuple[Inputs, bool]:
    """The inputs in any of their four shapes, and whether it is one that is no list."""
    if isinstance(value, str):
        return (value,), True
    if not value:
        raise missing("input", "There is nothing to embed.", "Send a text or a list of texts.")
    if isinstance(value, list):
        if are_texts(value):
            return tuple(value), False
        if _are_tokens(value):
            return (tuple(value),), True
        if all(isinstance(one, list) and _are_tokens(one) for one in value):
            return tuple(tuple(one) for one in value), False
    raise wrong_type("input", "a string, an array of strings, or tokens as numbers")


def _are_tokens(values: list[Any]) -> bool:
    return all(type(value) is int for value in values)
