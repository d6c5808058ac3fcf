"""Content blocks of Converse: read into parts, and written back as they were.

A block whose shape is known becomes a part; every other one is kept whole for its own wire.
"""

import base64
import binascii
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Citation,
    Document,
    File,
    Foreign,
    Image,
    Inline,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.wire.bedrock_converse.formats import DOCUMENTS, IMAGES, SOUNDS
from trunkline.gateway.wire.documents import decoded

WIRE: Final = "bedrock_converse"

_CITED: Final = "citationsContent"
_TTLS: Final = frozenset({None, "5m", "1h"})
_encode = msgspec.json.Encoder().encode
_MARKABLE = (Text, Image, Audio, File, ToolCall, ToolResult)


def read_blocks(blocks: list[Any]) -> tuple[Part, ...]:
    """Parts, a cache point becoming the mark of the part before it."""
    parts: list[Part] = []
    for block in blocks:
        mark = read_cache_point(block)
        last = parts[-1] if parts else None
        if mark is not None and isinstance(last, _MARKABLE) and last.cache is None:
            parts[-1] = msgspec.structs.replace(last, cache=mark)
        else:
            parts.append(_read_block(block))
    return tuple(parts)


def write_blocks(parts: tuple[Part, ...]) -> list[Any]:
    """The blocks that these parts were read from."""
    blocks: list[Any] = []
    for part in parts:
        blocks.append(_write_part(part))
        if isinstance(part, _MARKABLE) and part.cache is not None:
            blocks.append(write_cache_point(part.cache))
    return blocks


def read_cache_point(block: Any) -> CacheMark | None:
    """The mark of a block that is a cache point and nothing else."""
    if not isinstance(block, dict) or len(block) != 1:
        return None
    point = block.get("cachePoint")
    if not isinstance(point, dict) or point.get("type") != "default":
        return None
    ttl = point.get("ttl")
    known = (ttl is None or isinstance(ttl, str)) and ttl in _TTLS
    if not known or not point.keys() <= {"type", "ttl"}:
        return None
    return CacheMark(ttl)


def write_cache_point(mark: CacheMark) -> Document:
    """The block that stands after what is marked."""
    point = {"type": "default"} if mark.ttl is None else {"type": "default", "ttl": mark.ttl}
    return {"cachePoint": point}


def _read_block(block: Any) -> Part:
    if isinstance(block, dict) and len(block) == 1:
        name, value = next(iter(block.items()))
        read = _READERS.get(name)
        part = read(value) if read is not None else None
        if part is not None:
            return part
    return Foreign(WIRE, block)


def _read_text(value: Any) -> Part | None:
    return Text(value) if isinstance(value, str) else None


def _read_image(value: Any) -> Part | None:
    found = _inline(value, IMAGES)
    return None if found is None else Image(found[0], extra=found[1])


def _read_sound(value: Any) -> Part | None:
    found = _inline(value, SOUNDS)
    return None if found is None else Audio(found[0], extra=found[1])


def _read_document(value: Any) -> Part | None:
    found = _inline(value, DOCUMENTS)
    if found is None:
        return None
    inline, rest = found
    name = rest.pop("name", None)
    return File(inline, name, extra=rest) if name is None or isinstance(name, str) else None


def _inline(value: Any, formats: MappingProxyType[str, str]) -> tuple[Inline, Document] | None:
    """The bytes of an image, sound or document, and its other members."""
    if not isinstance(value, dict):
        return None
    rest = {name: member for name, member in value.items() if member is not None}
    form, source = rest.pop("format", None), rest.pop("source", None)
    if not isinstance(form, str) or form not in formats or not isinstance(source, dict):
        return None
    data = source.get("bytes")
    if not isinstance(data, str) or len(source) != 1:
        return None
    return Inline(formats[form], data), rest


def _read_tool_use(value: Any) -> Part | None:
    # A call with a type ran at the provider; only Bedrock understands it.
    if not isinstance(value, dict) or value.get("type") == "server_tool_use":
        return None
    rest = dict(value)
    call_id, name = rest.pop("toolUseId", None), rest.pop("name", None)
    if not isinstance(call_id, str) or not isinstance(name, str) or "input" not in rest:
        return None
    arguments = _encode(rest.pop("input")).decode()
    # Nested almost too deeply, it could not be written again.
    if decoded(arguments) is None and arguments != "null":
        return None
    return ToolCall(call_id, name, arguments, extra=rest)


def _read_tool_result(value: Any) -> Part | None:
    if not isinstance(value, dict):
        return None
    rest = dict(value)
    call_id, content = rest.pop("toolUseId", None), rest.pop("content", None)
    if not isinstance(call_id, str) or not isinstance(content, list):
        return None
    parts = tuple(
        part if isinstance(part, (Text, Image, Audio, File)) else Foreign(WIRE, block)
        for block in content
        for part in (_read_block(block),)
    )
    if any(isinstance(part, Text) and part.extra for part in parts):
        return None
    is_error = rest.get("status") == "error"
    if is_error:
        del rest["status"]
    return ToolResult(call_id, parts, is_error=is_error, extra=rest)


def _read_reasoning(value: Any) -> Part | None:
    """Thought with a signature is Claude's: no other maker's models on Bedrock sign theirs."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    said, redacted = value.get("reasoningText"), value.get("redactedContent")
    if isinstance(redacted, str):
        text = unwrapped(redacted)
        if text is None:
            return None
        return Reasoning(signature=text, family="anthropic", redacted=True)
    if not isinstance(said, dict):
        return None
    rest = {name: member for name, member in said.items() if member is not None}
    text, signature = rest.pop("text", None), rest.pop("signature", None)
    if not isinstance(text, str) or not isinstance(signature, (str, type(None))):
        return None
    return Reasoning(text, signature, "anthropic" if signature else "", extra=rest)


def unwrapped(blob: str) -> str | None:
    """The text in a blob: Bedrock wraps in base64 what Anthropic gives as a text."""
    try:
        text = base64.b64decode(blob, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text if wrapped(text) == blob else None


def wrapped(text: str) -> str:
    """A text as a blob."""
    return base64.b64encode(text.encode()).decode()


def _read_citations(value: Any) -> Part | None:
    """Cited text. The block itself is kept, for it may hold several texts and sources."""
    if not isinstance(value, dict):
        return None
    texts = [
        item["text"] for item in _objects(value.get("content")) if isinstance(item.get("text"), str)
    ]
    citations = tuple(read_citation(item) for item in _objects(value.get("citations")))
    return Text("".join(texts), citations=citations, extra={_CITED: value})


def read_citation(value: Document) -> Citation:
    """A source as Bedrock tells it, with or without an address."""
    location = value.get("location")
    web = location.get("web") if isinstance(location, dict) else None
    url = web.get("url") if isinstance(web, dict) else None
    title = value.get("title")
    cited = [
        item["text"]
        for item in _objects(value.get("sourceContent"))
        if isinstance(item.get("text"), str)
    ]
    return Citation(
        url=url if isinstance(url, str) else None,
        title=title if isinstance(title, str) else None,
        cited="".join(cited) or None,
        wire=WIRE,
        native=value,
    )


def _objects(value: Any) -> list[Document]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


_READERS: Final[MappingProxyType[str, Callable[[Any], Part | None]]] = MappingProxyType(
    {
        "text": _read_text,
        "image": _read_image,
        "audio": _read_sound,
        "document": _read_document,
        "toolUse": _read_tool_use,
        "toolResult": _read_tool_result,
        "reasoningContent": _read_reasoning,
        _CITED: _read_citations,
    }
)


def _write_part(part: Part) -> Any:
    match part:
        case Text():
            return {_CITED: part.extra[_CITED]} if _CITED in part.extra else {"text": part.text}
        case ToolCall():
            used = {"toolUseId": part.id, "name": part.name, "input": decoded(part.arguments)}
            return {"toolUse": {**used, **part.extra}}
        case ToolResult():
            result = {"toolUseId": part.call_id, "content": [_write_part(p) for p in part.parts]}
            failed = {"status": "error"} if part.is_error else {}
            return {"toolResult": {**result, **failed, **part.extra}}
        case Reasoning():
            return _write_reasoning(part)
        case Image() | Audio() | File():
            return _write_media(part)
        case Foreign():
            return part.value
        case _:
            return {"text": part.text}


def _write_reasoning(part: Reasoning) -> Document:
    if part.redacted:
        return {"reasoningContent": {"redactedContent": wrapped(part.signature or "")}}
    signed = {} if part.signature is None else {"signature": part.signature}
    return {"reasoningContent": {"reasoningText": {"text": part.text, **signed, **part.extra}}}


def _write_media(part: Image | Audio | File) -> Document:
    source = part.source
    if not isinstance(source, Inline):
        raise AssertionError("the reader makes parts of bytes only")  # noqa: TRY004 - a defect of ours
    told: Document = {"source": {"bytes": source.data}, **part.extra}
    if isinstance(part, File) and part.name is not None:
        told["name"] = part.name
    name, formats = _PLACES[type(part)]
    told["format"] = next(form for form, media in formats.items() if media == source.media_type)
    return {name: told}


_PLACES: Final[MappingProxyType[type, tuple[str, MappingProxyType[str, str]]]] = MappingProxyType(
    {Image: ("image", IMAGES), Audio: ("audio", SOUNDS), File: ("document", DOCUMENTS)}
)
