"""The older shape of Ollama's embeddings: one prompt, one vector."""

from typing import Final

from typing_extensions import override

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, Place
from trunkline.gateway.wire.documents import members_of, missing, require_model, take_text
from trunkline.gateway.wire.ollama_embed.codec import lose_purpose
from trunkline.gateway.wire.vectors import read_vectors, texts_of

NAME: Final = "ollama_embeddings"
_WHOLE: Final = "the provider's older API gives vectors of the model's own length"
_CUTS: Final = "the provider's older API always cuts what is too long"


class OlderEmbedCodec(Codec[EmbeddingRequest, EmbeddingReply]):
    """The codec of ``/api/embeddings``."""

    @override
    def read_request(self, document: Document, place: Place) -> EmbeddingRequest:
        rest = members_of(document)
        model = require_model(rest)
        prompt = take_text(rest, "prompt")
        if not prompt:
            raise missing("prompt", "There is nothing to embed.", "Send a text.")
        return EmbeddingRequest(wire=NAME, model=model, inputs=(prompt,), single=True, extra=rest)

    @override
    def write_request(
        self, request: EmbeddingRequest, destination: Destination, losses: Losses
    ) -> Document:
        texts = texts_of(request)
        if len(texts) != 1:
            raise InvalidRequest(
                "This model's provider embeds one text at a time.",
                code="too_many_inputs",
                param="input",
                hint="Send one request for each text.",
            )
        document: Document = {"model": destination.model, "prompt": texts[0]}
        if request.wire == NAME:
            return document | request.extra
        if request.dimensions is not None:
            losses.lose("dimensions", _WHOLE)
        if request.truncate is False:
            losses.lose("truncate", _CUTS)
        lose_purpose(request, losses)
        return document

    @override
    def read_reply(self, document: Document, seed: str) -> EmbeddingReply:
        rest = dict(document)
        vectors = read_vectors([rest.pop("embedding", None)])
        return EmbeddingReply(wire=NAME, vectors=vectors, extra=rest)

    @override
    def write_reply(
        self, reply: EmbeddingReply, usage: Usage | None, answering: Answering
    ) -> Document:
        document: Document = {"embedding": reply.vectors[0] if reply.vectors else ()}
        return document | reply.extra if reply.wire == NAME else document
