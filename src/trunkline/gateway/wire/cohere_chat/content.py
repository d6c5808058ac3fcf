"""The content of messages: blocks of text, thought and pictures."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import (
    Document,
    Foreign,
    Image,
    Inline,
    Link,
    Part,
    Reasoning,
    Source,
    Text,
)

WIRE: Final = "cohere_chat"


def read_block(value: Any) -> Part:
    """One block; what is not understood is kept as it is."""
    match value:
        case {"type": "text", "text": str(text)}:
            return Text(text, extra=_others(value, "text"))
        case {"type": "thinking", "thinking": str(text)}:
            return Reasoning(text, extra=_others(value, "thinking"))
        case {"type": "image_url", "image_url": {"url": str(url)} as image}:
            if image.keys() <= {"url", "detail"} and _is_detail(image.get("detail")):
                extra = _others(value, "image_url")
                return Image(source_of(url), detail=image.get("detail"), extra=extra)
    return Foreign(WIRE, value)


def _is_detail(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _others(block: Document, content: str) -> Document:
    return {
        name: value
        for name, value in block.items()
        if name not in {"type", content} and value is not None
    }


def block_back(part: Part) -> Any:
    """A block as it came."""
    if isinstance(part, Foreign):
        return part.value
    if isinstance(part, Text):
        return {"type": "text", "text": part.text, **part.extra}
    if isinstance(part, Reasoning):
        return {"type": "thinking", "thinking": part.text, **part.extra}
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": image_for(part), **part.extra}
    raise AssertionError(f"{type(part).__name__} does not stand in the content of this wire")


def source_of(url: str) -> Source:
    """A picture's bytes where its address has them, else the address."""
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        return Inline(head[5:], data)
    return Link(url)


def image_for(part: Image) -> Document:
    """The picture of a block; an upload of another provider's has no address."""
    source = part.source
    if isinstance(source, Inline):
        url = f"data:{source.media_type};base64,{source.data}"
    else:
        url = source.url if isinstance(source, Link) else ""
    return {"url": url} if part.detail is None else {"url": url, "detail": part.detail}
