"""Where the bytes of images and documents come from, read and written."""

import base64
from typing import Any, Final

from trunkline.gateway.exchange.parts import Document, Inline, Link, Source, Upload

PLAIN: Final = "text/plain"


def read_source(value: Any) -> Source | None:
    """A source in the internal form, or None for one that has no place there."""
    if not isinstance(value, dict):
        return None
    match value:
        case {"type": "base64", "media_type": str(media_type), "data": str(data)}:
            return Inline(media_type, data)
        case {"type": "url", "url": str(url)}:
            return Link(url)
        case {"type": "file", "file_id": str(file_id)}:
            return Upload(file_id)
        case {"type": "text", "data": str(text)}:
            return _inline_text(text)
        case {"type": "content", "content": str(text)}:
            return _inline_text(text)
        case {"type": "content", "content": list(blocks)}:
            return _joined(blocks)
    return None


def write_source(source: Source) -> Document:
    """The source as a block holds it."""
    if isinstance(source, Link):
        return {"type": "url", "url": source.url}
    if isinstance(source, Upload):
        return {"type": "file", "file_id": source.id}
    return {"type": "base64", "media_type": source.media_type, "data": source.data}


def plain_text(source: Inline) -> str | None:
    """The text of a file that is one, or None where its bytes are no text."""
    try:
        return base64.b64decode(source.data, validate=True).decode()
    except ValueError:
        return None


def _inline_text(text: str) -> Inline | None:
    try:
        return Inline(PLAIN, base64.b64encode(text.encode()).decode())
    except UnicodeEncodeError:
        return None


def _joined(blocks: list[Any]) -> Inline | None:
    """Blocks of text as one file; None where there is anything else among them."""
    texts: list[str] = []
    for block in blocks:
        if not isinstance(block, dict) or block.get("type") != "text":
            return None
        text = block.get("text")
        if not isinstance(text, str):
            return None
        texts.append(text)
    return _inline_text("\n".join(texts))
