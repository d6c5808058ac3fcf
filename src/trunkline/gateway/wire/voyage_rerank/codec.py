"""Voyage's ranking to the internal form and back."""

from typing import Final

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.rerank import Ranked, RerankReply, RerankRequest
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Codec, Place
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.ranking import (
    document_of,
    ranking_back,
    read_ranking,
    read_results,
    texts_in,
    told,
)
from trunkline.gateway.wire.totals import usage_for

WIRE: Final = "voyage_rerank"
_TOP: Final = "top_k"


class VoyageRerankCodec(Codec[RerankRequest, RerankReply]):
    """The codec of ``/rerank``."""

    @override
    def read_request(self, document: Document, place: Place) -> RerankRequest:
        return read_ranking(document, WIRE, _TOP)

    @override
    def write_request(
        self, request: RerankRequest, destination: Destination, losses: Losses
    ) -> Document:
        if request.wire == WIRE:
            return ranking_back(request, destination.model, _TOP)
        document: Document = {
            "model": destination.model,
            "query": request.query,
            "documents": texts_in(request),
        }
        if request.top is not None:
            document[_TOP] = request.top
        # Documents need not come back: the caller's own are put beside the results.
        note_extras(request.extra, losses)
        return document

    @override
    def read_reply(self, document: Document, seed: str) -> RerankReply:
        rest = dict(document)
        results = read_results(rest.pop("data", None))
        model = rest.pop("model", None)
        return RerankReply(
            wire=WIRE,
            results=results,
            model=model if isinstance(model, str) else None,
            extra=rest,
        )

    @override
    def write_reply(
        self, reply: RerankReply, usage: Usage | None, answering: Answering
    ) -> Document:
        document: Document = {
            "object": "list",
            "data": [_result(item, answering) for item in told(reply, answering)],
            "model": reply.model or answering.model,
        }
        if usage is not None:
            document["usage"] = usage_for(usage)
        return document | reply.extra if reply.wire == WIRE else document


def _result(item: Ranked, answering: Answering) -> Document:
    """A result, with its document only where the caller wants it."""
    result: Document = {"relevance_score": item.score, "index": item.index}
    if getattr(answering.request, "return_documents", None):
        result["document"] = document_of(item, answering)
    return result
