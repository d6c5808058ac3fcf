"""How a caller spelled what says nothing.

Clients send ``"stream": true`` where that is the default, empty lists, the type of a function. A
writer of the same wire gives these back, so that a document comes out as it went in; to any other
wire they are no loss, and so they are kept apart from ``extra``.
"""

import msgspec

from trunkline.gateway.exchange.embedding import EmbeddingRequest
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Message, Request, Tool
from trunkline.gateway.exchange.rerank import RerankRequest


class SpelledRequest(Request, frozen=True, kw_only=True):
    """A request; ``plain`` holds members that say nothing beyond what has been read of them."""

    plain: Document = msgspec.field(default_factory=dict)


class SpelledMessage(Message, frozen=True, kw_only=True):
    """A message.

    Attributes:
        plain: as for the request.
        whole: whether its one part is the message itself, whose role nobody else knows.
        spelled: for each tool call, what it says besides the function's name and arguments.
        planned: whether the first text is the plan that the model made before its calls, where
            the wire has a place of its own for that.
    """

    plain: Document = msgspec.field(default_factory=dict)
    whole: bool = False
    spelled: tuple[Document, ...] = ()
    planned: bool = False


class SpelledEmbedding(EmbeddingRequest, frozen=True, kw_only=True):
    """A request for vectors; ``plain`` is as for a request for generated content."""

    plain: Document = msgspec.field(default_factory=dict)


class SpelledRanking(RerankRequest, frozen=True, kw_only=True):
    """A request for an order; ``plain`` is as for a request for generated content."""

    plain: Document = msgspec.field(default_factory=dict)


class SpelledTool(Tool, frozen=True, kw_only=True):
    """A function.

    Attributes:
        plain: as for the request.
        strict_with_all: whether the request says for all its functions at once that they are
            strict, and not the function itself.
    """

    plain: Document = msgspec.field(default_factory=dict)
    strict_with_all: bool = False
