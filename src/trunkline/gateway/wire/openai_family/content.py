"""Items of a message's content: text, images, sound, files, and thought in Mistral's manner.

Source: the types of OpenAI's and Mistral's own SDKs. What is of another shape stays ``Foreign``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from trunkline.gateway.exchange.parts import (
    Audio,
    CacheMark,
    Document,
    Family,
    File,
    Foreign,
    Image,
    Inline,
    Link,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    Upload,
)

WIRE: Final = "openai_chat"
"""The wire that these items belong to, whichever of OpenAI's formats they come in."""

_TTLS: Final = (None, "5m", "1h")
_FORMATS: Final = MappingProxyType({"mpeg": "mp3", "x-wav": "wav", "wave": "wav"})


def read_item(item: Any) -> Part:
    """One item of a list of content."""
    if isinstance(item, str):
        return Text(item)
    kind = item.get("type") if isinstance(item, dict) else None
    read = _READERS.get(kind) if isinstance(kind, str) else None
    part = None if read is None else read(item)
    return Foreign(WIRE, item) if part is None else part


def read_content(content: str | list[Any], *, by_model: bool = True) -> tuple[Part, ...]:
    """All parts of a content, which is one text where it is a string.

    Thought and refusals in the words of anybody but the model are understood by no one else.
    """
    if isinstance(content, str):
        return (Text(content),)
    parts = tuple([read_item(item) for item in content])
    if by_model or not any(isinstance(part, Reasoning | Refusal) for part in parts):
        return parts
    return tuple(
        [
            Foreign(WIRE, item) if isinstance(part, Reasoning | Refusal) else part
            for part, item in zip(parts, content, strict=True)
        ]
    )


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
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Reasoning):
        return write_thinking(part)
    if isinstance(part, Foreign) and part.wire == WIRE:
        return part.value
    return None


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


def _with_mark(item: Document, mark: CacheMark | None) -> Document:
    if mark is not None:
        item["cache_control"] = write_mark(mark)
    return item


def _read_text(item: Document) -> Part | None:
    text = item.get("text")
    if not isinstance(text, str):
        return None
    if len(item) == 2:
        return Text(text)
    rest = _rest_of(item, "text")
    return Text(text, cache=take_mark(rest), extra=rest)


def _read_image(item: Document) -> Part | None:
    place = item.get("image_url")
    if isinstance(place, str):
        # Mistral takes the address alone.
        place = {"url": place}
    if not isinstance(place, dict):
        return None
    inner = dict(place)
    url, detail = inner.pop("url", None), inner.pop("detail", None)
    if not isinstance(url, str) or not isinstance(detail, (str, type(None))):
        return None
    rest = _rest_of(item, "image_url")
    if inner:
        rest["image_url"] = inner
    return Image(source_of(url), detail, cache=take_mark(rest), extra=rest)


def _read_audio(item: Document) -> Part | None:
    sound = item.get("input_audio")
    if isinstance(sound, str) and sound.startswith(("https://", "http://")):
        # Mistral takes an address.
        return Audio(Link(sound), extra=_rest_of(item, "input_audio"))
    if not isinstance(sound, dict):
        return None
    inner = dict(sound)
    data, form = inner.pop("data", None), inner.pop("format", None)
    if not isinstance(data, str) or not isinstance(form, str):
        return None
    rest = _rest_of(item, "input_audio")
    if inner:
        rest["input_audio"] = inner
    return Audio(Inline(f"audio/{form}", data), cache=take_mark(rest), extra=rest)


def _read_file(item: Document) -> Part | None:
    file = item.get("file")
    if not isinstance(file, dict):
        return None
    inner = dict(file)
    data, name, known = (inner.pop(key, None) for key in ("file_data", "filename", "file_id"))
    if not isinstance(name, (str, type(None))):
        return None
    source: Source
    if isinstance(data, str) and known is None:
        source = source_of(data)
        if isinstance(source, Link) and not data.startswith(("https://", "http://")):
            return None
    elif isinstance(known, str) and data is None:
        source = Upload(known)
    else:
        return None
    rest = _rest_of(item, "file")
    if inner:
        rest["file"] = inner
    return File(source, name, cache=take_mark(rest), extra=rest)


def _read_document_url(item: Document) -> Part | None:
    url, name = item.get("document_url"), item.get("document_name")
    if not isinstance(url, str) or not isinstance(name, (str, type(None))):
        return None
    rest = _rest_of(item, "document_url")
    rest.pop("document_name", None)
    return File(source_of(url), name, extra=rest)


def _read_refusal(item: Document) -> Part | None:
    text = item.get("refusal")
    return Refusal(text) if isinstance(text, str) and len(item) == 2 else None


def read_thinking(item: Document) -> Reasoning | None:
    """Thought in Mistral's form or Anthropic's, or None where it has another one."""
    thought = item.get("thinking")
    pieces = thought if isinstance(thought, list) else [thought]
    texts: list[Any] = [piece.get("text") if isinstance(piece, dict) else piece for piece in pieces]
    if not all(isinstance(text, str) for text in texts):
        return None
    signature = item.get("signature")
    if not isinstance(signature, str):
        return Reasoning("".join(texts))
    family: Family = "other" if isinstance(thought, list) else "anthropic"
    return Reasoning("".join(texts), signature, family)


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
    kind, slash, form = getattr(source, "media_type", "").partition("/")
    if not isinstance(source, Inline) or kind != "audio" or not slash:
        return None
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


def _rest_of(item: Document, known: str) -> Document:
    return {
        name: value
        for name, value in item.items()
        if name not in {"type", known} and value is not None
    }


_READERS: Final[Mapping[str, Callable[[Document], Part | None]]] = MappingProxyType(
    {
        "text": _read_text,
        "input_text": _read_text,
        "output_text": _read_text,
        "image_url": _read_image,
        "input_audio": _read_audio,
        "file": _read_file,
        "document_url": _read_document_url,
        "refusal": _read_refusal,
        "thinking": read_thinking,
    }
)
