"""Cohere's embeddings, as a caller asks for them and as a provider gives them."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.wire.cohere_embed.codec import CohereEmbedCodec
from trunkline.gateway.wire.cohere_family.usage import Reported, usage_of
from trunkline.gateway.wire.cohere_family.wire import CohereWholeWire
from trunkline.gateway.wire.contract import EMBEDDING, NOWHERE, Inbound, Malformed, Place, Reply
from trunkline.gateway.wire.members import (
    count_marks,
    read_list,
    read_members,
    required_model,
    unescaped,
)

_INPUTS: Final = ("texts", "images", "inputs")
_ATTACHMENTS: Final = (b"data:image/",)


_ABSENT: Final = msgspec.Raw()


class _Reply(msgspec.Struct):
    embeddings: msgspec.Raw = _ABSENT
    meta: Reported | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class CohereEmbed(CohereWholeWire):
    """``/v2/embed``. Pictures and vectors of other kinds than floats only pass."""

    name = "cohere_embed"
    operations = frozenset({EMBEDDING})
    codec = CohereEmbedCodec()

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "model is required")
        inputs = sum(len(read_list(fields, name, list[msgspec.Raw]())) for name in _INPUTS)
        return Inbound(
            fields=fields,
            model=model,
            size=len(body),
            attachments=count_marks(unescaped(body), _ATTACHMENTS),
            inputs=max(1, inputs),
        )

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/v2/embed"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.embeddings is _ABSENT:
            raise Malformed("the answer has no embeddings")
        return Reply(usage_of(reply.meta, generates=False))
