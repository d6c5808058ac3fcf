"""The internal form with what only this wire needs to give a document back as it came.

``own`` has members that are written just so instead of what the rest says; None leaves the member
out. Other wires do not see it, since it says nothing that the rest does not say.
"""

from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import Document, Inline, Reasoning, ToolCall, ToolResult
from trunkline.gateway.exchange.request import (
    Message,
    OutputFormat,
    ReasoningAsk,
    Request,
    Tool,
    ToolChoice,
)
from trunkline.gateway.wire.gemini.shapes import Renamed

WIRE: Final = "gemini"

_encode = msgspec.json.Encoder().encode


class OwnRequest(Request, frozen=True, kw_only=True):
    """A request; ``renamed`` is what it spelled with underscores."""

    own: Document = msgspec.field(default_factory=dict)
    renamed: tuple[Renamed, ...] = ()


class OwnMessage(Message, frozen=True):
    """A content."""

    own: Document = msgspec.field(default_factory=dict)


class OwnCall(ToolCall, frozen=True):
    """A function call."""

    own: Document = msgspec.field(default_factory=dict)


class OwnResult(ToolResult, frozen=True):
    """A function response.

    Attributes:
        told: whether the first part is the member ``response``.
        key: the only member of that object, whose value the text is; empty for the whole object.
        raw: whether the text is JSON.
    """

    own: Document = msgspec.field(default_factory=dict)
    told: bool = True
    key: str = ""
    raw: bool = False


class OwnTool(Tool, frozen=True):
    """A function or a server tool; ``group`` is its place in the list of tools."""

    own: Document = msgspec.field(default_factory=dict)
    group: int = 0


class OwnChoice(ToolChoice, frozen=True):
    """A function calling configuration."""

    own: Document = msgspec.field(default_factory=dict)


class OwnFormat(OutputFormat, frozen=True):
    """A response format."""

    own: Document = msgspec.field(default_factory=dict)


class OwnAsk(ReasoningAsk, frozen=True):
    """A thinking configuration."""

    own: Document = msgspec.field(default_factory=dict)


class Attached(Reasoning, frozen=True):
    """The signature of the part before it, which is no thought."""


class Respelled(Inline, frozen=True):
    """Bytes that the caller wrote in the alphabet for addresses, as google-genai does.

    Attributes:
        spelled: as they came.
    """

    spelled: str


class Unsealed(Reasoning, frozen=True):
    """Thought of another maker that travelled in the signature of the part behind it.

    Attributes:
        sealed: that signature, for the first of the thoughts in it.
    """

    sealed: str = ""


def overridden(document: Document, own: Document) -> Document:
    """The document with the members that are written just so."""
    for name, value in own.items():
        if value is None:
            document.pop(name, None)
        else:
            document[name] = value
    return document


def json_text(value: Any) -> str:
    """JSON of a value that came as JSON.

    Raises:
        InvalidRequest: it is nested too deeply to be written again, or holds half a character.
    """
    try:
        return _encode(value).decode()
    except (RecursionError, UnicodeEncodeError):
        raise InvalidRequest(
            "The arguments or the response of a function cannot be written as JSON again.",
            code="invalid_json",
            hint="Flatten them, and send only whole characters.",
        ) from None
