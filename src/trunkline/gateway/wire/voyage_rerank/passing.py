"""Voyage's ranking, as a caller asks for it and as a provider gives it."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.wire.contract import (
    NOWHERE,
    RERANK,
    Inbound,
    Malformed,
    Place,
    Reply,
)
from trunkline.gateway.wire.detail_wire import DetailWire
from trunkline.gateway.wire.ranking import read_inbound
from trunkline.gateway.wire.totals import Totals, usage_of
from trunkline.gateway.wire.voyage_rerank.codec import WIRE, VoyageRerankCodec

_ABSENT: Final = msgspec.Raw()


class _Reply(msgspec.Struct):
    data: msgspec.Raw = _ABSENT
    usage: Totals | None = None
    model: str | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class VoyageRerank(DetailWire):
    """``/rerank``."""

    name = WIRE
    operations = frozenset({RERANK})
    codec = VoyageRerankCodec()

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        return read_inbound(body)

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/rerank"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.data is _ABSENT:
            raise Malformed("the answer has no data")
        return Reply(usage_of(reply.usage), reply.model)
