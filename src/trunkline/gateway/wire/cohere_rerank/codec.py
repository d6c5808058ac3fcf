"""Cohere's ranking to the internal form and back."""

from typing import Final

from typing_extensions import override

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.rerank import Ranked, RerankReply, RerankRequest
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.cohere_family.ids import answer_id
from trunkline.gateway.wire.cohere_family.usage import meta_for
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

WIRE: Final = "cohere_rerank"
_TOP: Final = "top_n"


class CohereRerankCodec(Codec[RerankRequest, RerankReply]):
    """The codec of ``/v2/rerank``."""

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
        results = read_results(rest.pop("results", None))
        answer = rest.pop("id", None)
        return RerankReply(
            wire=WIRE,
            results=results,
            id=answer if isinstance(answer, str) else None,
            extra=rest,
        )

    @override
    def write_reply(
        self, reply: RerankReply, usage: Usage | None, answering: Answering
    ) -> Document:
        own = reply.wire == WIRE
        document: Document = {
            "id": (reply.id if own else None) or answer_id(answering.id),
            "results": [_result(item, answering) for item in told(reply, answering)],
            "meta": meta_for(usage),
        }
        return document | reply.extra if own else document


def _result(item: Ranked, answering: Answering) -> Document:
    """A result; its document only where the caller asked for it, as the first version allowed."""
    result: Document = {"index": item.index, "relevance_score": item.score}
    if getattr(answering.request, "return_documents", None):
        document = document_of(item, answering)
        result["document"] = {"text": document} if isinstance(document, str) else document
    return result
