"""Voyage's embeddings, as a caller asks for them and as a provider gives them."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.wire.contract import (
    EMBEDDING,
    NOWHERE,
    Inbound,
    Malformed,
    Place,
    Reply,
)
from trunkline.gateway.wire.detail_wire import DetailWire
from trunkline.gateway.wire.members import read_members, required_model
from trunkline.gateway.wire.totals import Totals, usage_of
from trunkline.gateway.wire.vectors import inputs_in
from trunkline.gateway.wire.voyage_embeddings.codec import WIRE, VoyageEmbeddingsCodec

_ABSENT: Final = msgspec.Raw()


class _Reply(msgspec.Struct):
    data: msgspec.Raw = _ABSENT
    usage: Totals | None = None
    model: str | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class VoyageEmbeddings(DetailWire):
    """``/embeddings``."""

    name = WIRE
    operations = frozenset({EMBEDDING})
    codec = VoyageEmbeddingsCodec()

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        return Inbound(
            fields=fields,
            model=required_model(fields, "'model' is missing."),
            size=len(body),
            inputs=inputs_in(fields.get("input")),
        )

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/embeddings"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.data is _ABSENT:
            raise Malformed("the answer has no data")
        return Reply(usage_of(reply.usage), reply.model)
