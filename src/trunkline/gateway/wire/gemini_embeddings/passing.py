"""Gemini's embeddings, as a caller asks for them and as a provider gives them.

The action stands in the path, so each of the two is an instance of the same wire.
"""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.errors import TrunklineError
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import (
    EMBEDDING,
    NOWHERE,
    Inbound,
    Malformed,
    Place,
    ProviderFault,
    Reply,
)
from trunkline.gateway.wire.documents import missing
from trunkline.gateway.wire.gemini_embeddings.codec import GeminiEmbeddingsCodec
from trunkline.gateway.wire.gemini_embeddings.requests import WIRE
from trunkline.gateway.wire.gemini_family import errors as gemini_errors
from trunkline.gateway.wire.gemini_family.models import model_of, model_path, renamed
from trunkline.gateway.wire.members import (
    count_marks,
    encode_members,
    member,
    read_members,
    unescaped,
)
from trunkline.gateway.wire.whole import WholeWire

_ABSENT: Final = msgspec.Raw()
_INLINE: Final = (b'"inlineData"', b'"inline_data"')
_FILES: Final = (b'"fileData"', b'"file_data"')


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Reply(msgspec.Struct, rename="camel"):
    embedding: msgspec.Raw = _ABSENT
    embeddings: msgspec.Raw = _ABSENT
    usage_metadata: _Usage | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode
_encode_all = msgspec.json.Encoder().encode
_read_requests = member(list[dict[str, msgspec.Raw]] | None, "an array of objects")


class GeminiEmbeddings(WholeWire):
    """``models/{model}:embedContent`` and ``:batchEmbedContents``."""

    name = WIRE
    operations = frozenset({EMBEDDING})
    versioned = False

    def __init__(self, *, batch: bool = True) -> None:
        self._batch = batch
        self.codec = GeminiEmbeddingsCodec(batch=batch)

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        requests = self._requests(fields)
        if not requests:
            raise missing("requests", "requests is not specified.", "Send at least one request.")
        if "content" not in requests[0]:
            raise missing("content", "content is not specified.", "Send a content with a text.")
        plain = unescaped(body)
        return Inbound(
            fields=fields,
            model=model_of(requests[0], place),
            size=len(body),
            attachments=count_marks(plain, _INLINE),
            files=count_marks(plain, _FILES),
            inputs=len(requests),
            place=place,
        )

    def _requests(self, fields: dict[str, msgspec.Raw]) -> list[dict[str, msgspec.Raw]]:
        nothing: list[dict[str, msgspec.Raw]] = []
        return _read_requests(fields, "requests", nothing) if self._batch else [fields]

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        fields = request.fields
        if model != request.model:
            if self._batch:
                named = [renamed(one, model) for one in self._requests(fields)]
                fields = {**fields, "requests": msgspec.Raw(_encode_all(named))}
            else:
                fields = renamed(fields, model)
        return encode_members(fields)

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return model_path(model) + (b":batchEmbedContents" if self._batch else b":embedContent")

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.embedding is _ABSENT and reply.embeddings is _ABSENT:
            raise Malformed("the answer has no embeddings")
        # Only the newest models say what they counted.
        told = reply.usage_metadata.prompt_token_count if reply.usage_metadata else None
        return Reply(Usage(input=told) if told is not None and told >= 0 else None)

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return gemini_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return gemini_errors.error_body(error, request_id)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return b"data: " + gemini_errors.error_body(error, request_id) + b"\r\n\r\n"
