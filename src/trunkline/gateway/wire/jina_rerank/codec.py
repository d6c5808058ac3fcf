"""Jina's ranking to the internal form and back."""

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
    told,
)
from trunkline.gateway.wire.totals import usage_for

WIRE: Final = "jina_rerank"
_TOP: Final = "top_n"


class JinaRerankCodec(Codec[RerankRequest, RerankReply]):
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
            "documents": list(request.documents),
            # The caller's own are put beside the results.
            "return_documents": False,
        }
        if request.top is not None:
            document[_TOP] = request.top
        note_extras(request.extra, losses)
        return document

    @override
    def read_reply(self, document: Document, seed: str) -> RerankReply:
        rest = dict(document)
        results = read_results(rest.pop("results", None))
        model, answer = rest.pop("model", None), rest.pop("id", None)
        return RerankReply(
            wire=WIRE,
            results=results,
            id=answer if isinstance(answer, str) else None,
            model=model if isinstance(model, str) else None,
            extra=rest,
        )

    @override
    def write_reply(
        self, reply: RerankReply, usage: Usage | None, answering: Answering
    ) -> Document:
        own = reply.wire == WIRE
        document: Document = {
            "model": reply.model or answering.model,
            "object": "list",
            "results": [_result(item, answering, own=own) for item in told(reply, answering)],
        }
        if usage is not None:
            document["usage"] = usage_for(usage)
        if not own:
            return document
        named = {} if reply.id is None else {"id": reply.id}
        return named | document | reply.extra


def _result(item: Ranked, answering: Answering, *, own: bool) -> Document:
    """A result, with its document unless the caller wants none: Jina's default is to give it."""
    result: Document = {"index": item.index, "relevance_score": item.score}
    if own:
        return result if item.document is None else {**result, "document": item.document}
    if getattr(answering.request, "return_documents", None) is not False:
        document = document_of(item, answering)
        result["document"] = {"text": document} if isinstance(document, str) else document
    return result
