"""Items of a message's content, written.

Source: the types of OpenAI's and Mistral's own SDKs.
"""

from types import MappingProxyType
from typing import Any, Final

from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Document,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Part,
    Reasoning,
    Text,
    Upload,
)
from trunkline.gateway.wire.openai_family.sources import WIRE, address_of, write_mark

_FORMATS: Final = MappingProxyType({"mpeg": "mp3", "x-wav": "wav", "wave": "wav"})


def write_item(part: Part) -> Any:
    """An item of a list of content, or None for a part that these formats cannot carry."""
    if isinstance(part, Text):
        return _with_mark({"type": "text", "text": part.text, **part.extra}, part.cache)
    if isinstance(part, Image):
        return _write_image(part)
    if isinstance(part, Audio):
        return _write_audio(part)
    if isinstance(part, File):
        return _write_file(part)
    if isinstance(part, Foreign) and part.wire == WIRE:
        return part.value
    return None


def _with_mark(item: Document, mark: CacheMark | None) -> Document:
    if mark is not None:
        item["cache_control"] = write_mark(mark)
    return item


def write_thinking(part: Reasoning) -> Document:
    """Thought as Mistral's models tell it and take it back."""
    item: Document = {"type": "thinking", "thinking": [{"type": "text", "text": part.text}]}
    if part.signature is not None and part.family == "other":
        item["signature"] = part.signature
    return item


def _write_image(part: Image) -> Document | None:
    url = address_of(part.source)
    if url is None:
        return None
    extra = dict(part.extra)
    place: Document = {"url": url, **extra.pop("image_url", {})}
    if part.detail is not None:
        place["detail"] = part.detail
    return _with_mark({"type": "image_url", "image_url": place, **extra}, part.cache)


def _write_audio(part: Audio) -> Document | None:
    extra, source = dict(part.extra), part.source
    if isinstance(source, Link):
        return {"type": "input_audio", "input_audio": source.url, **extra}
    if not isinstance(source, Inline) or not source.media_type.startswith("audio/"):
        return None
    form = source.media_type.removeprefix("audio/")
    sound = {
        "data": source.data,
        "format": _FORMATS.get(form, form),
        **extra.pop("input_audio", {}),
    }
    return _with_mark({"type": "input_audio", "input_audio": sound, **extra}, part.cache)


def _write_file(part: File) -> Document | None:
    extra = dict(part.extra)
    file: Document = {}
    if isinstance(part.source, Upload):
        file["file_id"] = part.source.id
    else:
        file["file_data"] = address_of(part.source)
    if part.name is not None:
        file["filename"] = part.name
    file |= extra.pop("file", {})
    return _with_mark({"type": "file", "file": file, **extra}, part.cache)
