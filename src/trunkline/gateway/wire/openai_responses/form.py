"""The internal form of this wire's requests: how its items lie in messages and tools."""

from typing import Any, Literal

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Message
from trunkline.gateway.wire.spelling import SpelledRequest, SpelledTool

Kind = Literal["message", "call", "result", "reasoning", "foreign"]


class Item(Message, frozen=True, kw_only=True):
    """One item of ``input``: a message, a call, a result or a thought is a message of its own.

    Attributes:
        kind: which of these it is; ``foreign`` is kept as it came.
        plain: members that say nothing beyond what has been read of them.
        spelled: the same for each element of a message's content or of a result's output.
        whole: whether it is the whole input, given as a bare string.
    """

    kind: Kind = "message"
    plain: Document = msgspec.field(default_factory=dict)
    spelled: tuple[Document, ...] = ()
    whole: bool = False


class Aside(msgspec.Struct, frozen=True):
    """An item that says something about the request and nothing in the conversation."""

    position: int
    value: Document


class ResponsesRequest(SpelledRequest, frozen=True, kw_only=True):
    """A request of this wire; its ``asides`` are written back at their positions in the input."""

    asides: tuple[Aside, ...] = ()


class InnerTool(SpelledTool, frozen=True, kw_only=True):
    """A tool that was given inside of something else: a namespace, or an item of the input.

    Its name is the one by which other wires know it.

    Attributes:
        namespace: in which it is known by ``inner``, or None.
        whole: the namespace as it came, with the first of its tools; the others are inside of it.
    """

    namespace: str | None = None
    inner: str = ""
    whole: Any = None
