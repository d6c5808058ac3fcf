"""Ollama's embeddings, as a caller asks for them and as a provider gives them."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import TrunklineError
from trunkline.gateway.exchange.embedding import EmbeddingReply, EmbeddingRequest
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import (
    EMBEDDING,
    NOWHERE,
    Codec,
    Inbound,
    Malformed,
    Place,
    ProviderFault,
    Reply,
)
from trunkline.gateway.wire.members import read_members, required_model
from trunkline.gateway.wire.ollama_embed.codec import EmbedCodec
from trunkline.gateway.wire.ollama_embed.older import OlderEmbedCodec
from trunkline.gateway.wire.ollama_family import errors as ollama_errors
from trunkline.gateway.wire.vectors import inputs_in
from trunkline.gateway.wire.whole import WholeWire

_MISSING: Final = "model is required"


_ABSENT: Final = msgspec.Raw()


class _Reply(msgspec.Struct):
    model: str | None = None
    embeddings: msgspec.Raw = _ABSENT
    embedding: msgspec.Raw = _ABSENT
    prompt_eval_count: int | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class OllamaEmbed(WholeWire):
    """``/api/embed``."""

    name = "ollama_embed"
    operations = frozenset({EMBEDDING})
    versioned = True
    codec: Codec[EmbeddingRequest, EmbeddingReply] = EmbedCodec()

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        return Inbound(
            fields=fields,
            model=required_model(fields, _MISSING),
            size=len(body),
            inputs=inputs_in(fields.get("input")),
        )

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/api/embed"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.embeddings is _ABSENT and reply.embedding is _ABSENT:
            raise Malformed("the answer has no embeddings")
        prompt = reply.prompt_eval_count
        # A count that is missing is not zero.
        return Reply(
            Usage(input=prompt) if prompt is not None and prompt >= 0 else None, reply.model
        )

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return ollama_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return ollama_errors.error_body(error)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return ollama_errors.error_body(error) + b"\n"


class OllamaEmbeddings(OllamaEmbed):
    """``/api/embeddings``, which older clients call: one prompt, one vector, no counts."""

    name = "ollama_embeddings"
    codec = OlderEmbedCodec()

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/api/embeddings"
