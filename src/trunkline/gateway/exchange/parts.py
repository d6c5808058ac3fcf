"""What a message consists of, whichever wire it came by.

``extra`` holds the members of a wire that have no place here, as decoded JSON. Only a writer of the
wire that they came from puts them back; any other leaves them out and says so.
"""

from typing import Any, Literal

import msgspec

Document = dict[str, Any]
"""A JSON object as it is decoded: readers take one, writers give one."""

Family = Literal["", "anthropic", "google", "openai", "other"]
"""Who can read a signature: signatures mean nothing to another maker's models."""


class CacheMark(msgspec.Struct, frozen=True):
    """The prompt up to here may be cached; ``ttl`` is None for the provider's own lifetime."""

    ttl: Literal["5m", "1h"] | None = None


class Inline(msgspec.Struct, frozen=True):
    """Bytes in the request itself, in base64."""

    media_type: str
    data: str


class Link(msgspec.Struct, frozen=True):
    """An address that the provider, or we in its place, must fetch."""

    url: str
    media_type: str | None = None


class Upload(msgspec.Struct, frozen=True):
    """A file that was uploaded to the provider beforehand; its id means nothing elsewhere."""

    id: str
    media_type: str | None = None


Source = Inline | Link | Upload


class Citation(msgspec.Struct, frozen=True):
    """Where a stretch of text comes from.

    Attributes:
        cited: the words of the source.
        start: position of the first character of the stretch in its text part, where known.
        native: the wire's own object, given back to callers of that wire.
    """

    url: str | None = None
    title: str | None = None
    cited: str | None = None
    start: int | None = None
    end: int | None = None
    wire: str = ""
    native: Any = None


class Text(msgspec.Struct, frozen=True):
    """Visible text."""

    text: str
    cache: CacheMark | None = None
    citations: tuple[Citation, ...] = ()
    extra: Document = {}


class Image(msgspec.Struct, frozen=True):
    """A picture; ``detail`` is OpenAI's low, high or auto."""

    source: Source
    detail: str | None = None
    cache: CacheMark | None = None
    extra: Document = {}


class Audio(msgspec.Struct, frozen=True):
    """Sound, with a media type such as ``audio/wav``."""

    source: Source
    cache: CacheMark | None = None
    extra: Document = {}


class File(msgspec.Struct, frozen=True):
    """A document such as a PDF; ``name`` is what the caller calls it."""

    source: Source
    name: str | None = None
    cache: CacheMark | None = None
    extra: Document = {}


class Reasoning(msgspec.Struct, frozen=True):
    """What the model thought, shown or hidden.

    Attributes:
        text: the words; empty where only the signature was given.
        signature: proof or encrypted content that its maker wants back on the next turn.
        family: who can read the signature.
        id: the item's own id, where the wire has one.
        redacted: the signature is encrypted thought without any words (Anthropic).
        summary: the words are a summary and not the thought itself (OpenAI Responses).
    """

    text: str = ""
    signature: str | None = None
    family: Family = ""
    id: str | None = None
    redacted: bool = False
    summary: bool = False
    extra: Document = {}


class ToolCall(msgspec.Struct, frozen=True):
    """A call that the model asks for.

    Attributes:
        id: unique in the conversation.
        arguments: JSON text of an object for a function; any text for a custom tool.
        signature: what Gemini wants back with the call.
    """

    id: str
    name: str
    arguments: str = "{}"
    kind: Literal["function", "custom"] = "function"
    signature: str | None = None
    family: Family = ""
    cache: CacheMark | None = None
    extra: Document = {}


class Refusal(msgspec.Struct, frozen=True):
    """The model's own words for why it does not answer."""

    text: str


class Foreign(msgspec.Struct, frozen=True):
    """A part that only its own wire understands, such as a server tool's use and result."""

    wire: str
    value: Any


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool answered. It stands in a user message, whatever role its wire gives it.

    Attributes:
        bare: whether the wire gave the content as a string and not as a list.
        name: the function's name, where the wire says it.
    """

    call_id: str
    parts: tuple["Text | Image | Audio | File | Foreign", ...] = ()
    is_error: bool = False
    name: str | None = None
    bare: bool = False
    cache: CacheMark | None = None
    extra: Document = {}


Part = Text | Image | Audio | File | Reasoning | ToolCall | ToolResult | Refusal | Foreign
