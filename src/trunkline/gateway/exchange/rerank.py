"""Documents in the order of their relevance to a query, whichever wire asks for it."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Document


class RerankRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A query and the documents to be ordered.

    Attributes:
        documents: texts, or objects of the caller's wire such as ``{"text": ...}``.
        top: how many results, the best first; None for all.
        return_documents: whether results carry their documents.
    """

    wire: str
    model: str
    query: str
    documents: tuple[Any, ...]
    top: int | None = None
    return_documents: bool | None = None
    extra: Document = {}


class Ranked(msgspec.Struct, frozen=True):
    """One result; ``index`` is the document's place in the request."""

    index: int
    score: float
    document: Any = None


class RerankReply(msgspec.Struct, frozen=True, kw_only=True):
    """Results, the best first."""

    wire: str
    results: tuple[Ranked, ...]
    id: str | None = None
    model: str | None = None
    extra: Document = {}
