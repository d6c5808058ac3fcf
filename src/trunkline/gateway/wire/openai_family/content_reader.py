"""Items of a message's content, read: text, images, sound, files, and thought as Mistral tells it.

Source: the types of OpenAI's and Mistral's own SDKs. What is of another shape stays ``Foreign``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from trunkline.gateway.exchange.parts import (
    Audio,
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
from trunkline.gateway.wire.openai_family.sources import WIRE, source_of, take_mark


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
