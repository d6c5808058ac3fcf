"""Where bytes lie, and which of them may be cached: what items of content have in common."""

from typing import Final

from trunkline.gateway.exchange.parts import CacheMark, Document, Inline, Link, Source

WIRE: Final = "openai_chat"
"""The wire that items of content belong to, whichever of OpenAI's formats they come in."""

_TTLS: Final = (None, "5m", "1h")


def source_of(url: str) -> Source:
    """What an address points at, which may be the bytes themselves."""
    if url.startswith("data:"):
        head, mark, data = url.partition(";base64,")
        if mark and "/" in head:
            return Inline(head[5:], data)
    return Link(url)


def address_of(source: Source) -> str | None:
    """The address of a source, or None for a file at another provider."""
    if isinstance(source, Inline):
        return f"data:{source.media_type};base64,{source.data}"
    return source.url if isinstance(source, Link) else None


def take_mark(rest: Document) -> CacheMark | None:
    """Take a cache mark in Anthropic's form, which many of these APIs know, out of an object."""
    mark = rest.get("cache_control")
    if not isinstance(mark, dict) or mark.get("type") != "ephemeral":
        return None
    ttl = mark.get("ttl")
    if ttl not in _TTLS or mark.keys() - {"type", "ttl"}:
        return None
    del rest["cache_control"]
    return CacheMark(ttl)


def write_mark(mark: CacheMark) -> Document:
    """A cache mark in Anthropic's form."""
    if mark.ttl is None:
        return {"type": "ephemeral"}
    return {"type": "ephemeral", "ttl": mark.ttl}
