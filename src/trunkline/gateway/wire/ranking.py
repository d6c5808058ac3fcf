"""Rankings: what the formats of Cohere, Jina and Voyage have in common."""

from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.rerank import Ranked, RerankReply, RerankRequest
from trunkline.gateway.wire.contract import Answering, Inbound, Malformed
from trunkline.gateway.wire.documents import (
    members_of,
    missing,
    require_model,
    take_count,
    take_flag,
    take_list,
    take_text,
)
from trunkline.gateway.wire.members import read_list, read_members, read_text, required_model
from trunkline.gateway.wire.spelling import SpelledRanking

_encode = msgspec.json.Encoder().encode

_TOPS: Final = ("top_n", "top_k")


class _Result(msgspec.Struct):
    index: int
    relevance_score: float
    document: Any = None


def read_inbound(body: bytes) -> Inbound:
    """What the path needs of a request for a ranking.

    Raises:
        InvalidRequest: with the field in ``param``.
    """
    fields = read_members(body)
    model = required_model(fields, "'model' is missing.")
    documents = read_list(fields, "documents", list[msgspec.Raw]())
    query: str = read_text(fields, "query", "")
    # The query is read, and by some billed, once more with each further document.
    again = len(query.encode()) * max(0, len(documents) - 1)
    return Inbound(
        fields=fields, model=model, size=len(body), inputs=max(1, len(documents)), repeated=again
    )


def read_ranking(document: Document, wire: str, top: str) -> SpelledRanking:
    """A caller's request for a ranking.

    Args:
        document: the body.
        wire: the wire that it came by.
        top: the wire's own name for how many results are wanted; the others' is taken as well.

    Raises:
        InvalidRequest: with the field in ``param``.
    """
    rest = members_of(document)
    plain: Document = {}
    model = require_model(rest)
    query, documents = take_text(rest, "query"), take_list(rest, "documents")
    if query is None:
        raise missing("query", "'query' is missing.", "Send what the documents are compared with.")
    if not documents:
        raise missing("documents", "There is no document to rank.", "Send at least one.")
    wanted = take_count(rest, top)
    if wanted is None:
        other = next(name for name in _TOPS if name != top)
        wanted = take_count(rest, other)
        if wanted is not None:
            plain[other] = wanted
    if wanted is not None and wanted < 1:
        raise InvalidRequest(
            f"'{top}' must be at least 1.",
            code="invalid_value",
            param=top,
            hint="Leave it out for all results.",
        )
    return SpelledRanking(
        wire=wire,
        model=model,
        query=query,
        documents=tuple(documents),
        top=wanted,
        return_documents=take_flag(rest, "return_documents"),
        plain=plain,
        extra=rest,
    )


def ranking_back(request: RerankRequest, model: str, top: str) -> Document:
    """The document of a request that came by this wire."""
    document: Document = {
        "model": model,
        "query": request.query,
        "documents": list(request.documents),
    }
    plain = request.plain if isinstance(request, SpelledRanking) else {}
    if request.top is not None and not plain:
        document[top] = request.top
    if request.return_documents is not None:
        document["return_documents"] = request.return_documents
    return document | plain | request.extra


def texts_in(request: RerankRequest) -> list[str]:
    """The documents as texts, for providers that take nothing else.

    An object is ranked by its text, or as JSON where it has several members of its own.

    Raises:
        InvalidRequest: a document is a picture or nothing that can be read.
    """
    return [_text_of(value, number) for number, value in enumerate(request.documents)]


def _text_of(value: Any, number: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        text: str = value["text"]
        return text
    if isinstance(value, dict) and value and "image" not in value:
        return _encode(value).decode()
    raise InvalidRequest(
        f"'documents[{number}]' is not text, which is all that this model's provider ranks.",
        code="unsupported_input",
        param=f"documents[{number}]",
        hint="Send texts.",
    )


def read_results(listed: Any) -> tuple[Ranked, ...]:
    """Results, the best first.

    Raises:
        Malformed: they are not what these wires promise.
    """
    try:
        results = msgspec.convert(listed, list[_Result])
    except (msgspec.ValidationError, RecursionError):
        raise Malformed("the answer's results are not what the wire promises") from None
    ranked = [Ranked(item.index, item.relevance_score, item.document) for item in results]
    return tuple(sorted(ranked, key=lambda item: -item.score))


def told(reply: RerankReply, answering: Answering) -> tuple[Ranked, ...]:
    """The results that the caller asked for: the best first, and no more than wanted."""
    request = answering.request
    top = request.top if isinstance(request, RerankRequest) else None
    ranked = tuple(sorted(reply.results, key=lambda item: -item.score))
    return ranked if top is None else ranked[:top]


def document_of(item: Ranked, answering: Answering) -> Any:
    """The document of a result, from the request itself where the provider gave none back."""
    request = answering.request
    if isinstance(request, RerankRequest) and 0 <= item.index < len(request.documents):
        return request.documents[item.index]
    return item.document
