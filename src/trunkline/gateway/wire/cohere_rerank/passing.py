"""Cohere's ranking, as a caller asks for it and as a provider gives it."""

from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.wire.cohere_family.usage import Reported, usage_of
from trunkline.gateway.wire.cohere_family.wire import CohereWholeWire
from trunkline.gateway.wire.cohere_rerank.codec import WIRE, CohereRerankCodec
from trunkline.gateway.wire.contract import NOWHERE, RERANK, Inbound, Malformed, Place, Reply
from trunkline.gateway.wire.ranking import read_inbound

_ABSENT: Final = msgspec.Raw()


class _Reply(msgspec.Struct):
    results: msgspec.Raw = _ABSENT
    meta: Reported | None = None


_decode_reply = msgspec.json.Decoder(_Reply).decode


class CohereRerank(CohereWholeWire):
    """``/v2/rerank``."""

    name = WIRE
    operations = frozenset({RERANK})
    codec = CohereRerankCodec()

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        return read_inbound(body)

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/v2/rerank"

    @override
    def read_reply(self, body: bytes, operation: str) -> Reply:
        try:
            reply = _decode_reply(body)
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("the answer is not what the wire promises") from None
        if reply.results is _ABSENT:
            raise Malformed("the answer has no results")
        return Reply(usage_of(reply.meta, generates=False))
