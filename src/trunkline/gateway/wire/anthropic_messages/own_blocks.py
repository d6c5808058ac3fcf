"""Parts that came by this wire, written back as the blocks that they were; see ``blocks``."""

import msgspec

from trunkline.gateway.exchange.parts import (
    Document,
    File,
    Foreign,
    Image,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.wire.anthropic_messages.marks import write_mark
from trunkline.gateway.wire.anthropic_messages.sources import write_source

_decode = msgspec.json.Decoder().decode


def write_back(part: Part) -> Document:
    """The block of a part that came by this wire."""
    if isinstance(part, Foreign):
        value: Document = part.value
        return value
    block = _written(part)
    mark = getattr(part, "cache", None)
    if mark is not None:
        block["cache_control"] = write_mark(mark)
    extra: Document = getattr(part, "extra", {})
    if extra:
        give_back(extra, block)
    return block


def _written(part: Part) -> Document:
    match part:
        case Text():
            block: Document = {"type": "text", "text": part.text}
            if part.citations:
                block["citations"] = [citation.native for citation in part.citations]
        case ToolCall():
            block = {"type": "tool_use", "id": part.id, "name": part.name}
            block["input"] = _decode(part.arguments)
        case ToolResult():
            block = {"type": "tool_result", "tool_use_id": part.call_id}
            if part.parts:
                block["content"] = content_of(part.parts, bare=part.bare)
            if part.is_error:
                block["is_error"] = True
        case Reasoning(redacted=True):
            block = {"type": "redacted_thinking", "data": part.signature}
        case Reasoning():
            block = {"type": "thinking", "thinking": part.text}
            if part.signature is not None:
                block["signature"] = part.signature
        case Image() | File():
            block = _written_media(part)
        case _:
            raise AssertionError(f"this wire has no {type(part).__name__}")
    return block


def _written_media(part: Image | File) -> Document:
    if isinstance(part, Image):
        return {"type": "image", "source": write_source(part.source)}
    block: Document = {"type": "document", "source": write_source(part.source)}
    if part.name is not None:
        block["title"] = part.name
    return block


def content_of(parts: tuple[Part, ...], *, bare: bool) -> str | list[Document]:
    """A message's or a result's content as it came."""
    first = parts[0] if parts else None
    if bare and isinstance(first, Text):
        return first.text
    return [write_back(part) for part in parts]


def give_back(extra: Document, document: Document) -> None:
    """Put members where they came from, over what is written there."""
    for name, value in extra.items():
        document[name] = False if value is None else value
