"""Bytes in a part and files at an address, read and written."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import (
    Audio,
    Document,
    File,
    Image,
    Inline,
    Link,
    Part,
    Source,
    Upload,
)
from trunkline.gateway.wire.gemini.own import Respelled

GOOGLES: Final = ("https://generativelanguage.googleapis.com/", "gs://")
"""Where files lie that were uploaded to Google, which nobody else can read."""
_INLINE: Final = frozenset({"mimeType", "data"})
_FILE: Final = frozenset({"mimeType", "fileUri"})
# Base64 writes three bytes as four letters.
_LETTERS: Final = 4
_USUAL: Final = str.maketrans("-_", "+/")


def read_inline(blob: Any, rest: Document) -> Part | None:
    """A part of ``inlineData``, or None for one that has no place in the internal form."""
    match blob:
        case {"mimeType": str(media_type), "data": str(data)}:
            source = _inline(media_type, data)
            return _media(source, media_type, blob, _INLINE, "inlineData", rest)
    return None


def _inline(media_type: str, data: str) -> Inline:
    """The bytes as all others want them: Google takes both alphabets, and padding or none."""
    missing = -len(data) % _LETTERS
    if not missing and "-" not in data and "_" not in data:
        return Inline(media_type, data)
    return Respelled(media_type, data.translate(_USUAL) + "=" * missing, spelled=data)


def read_file(blob: Any, rest: Document) -> Part | None:
    """A part of ``fileData``, otherwise like ``read_inline``."""
    match blob:
        case {"fileUri": str(uri)}:
            media_type = blob.get("mimeType")
            if not isinstance(media_type, str | None):
                return None
            kind = Upload if uri.startswith(GOOGLES) else Link
            return _media(kind(uri, media_type), media_type or "", blob, _FILE, "fileData", rest)
    return None


def _media(
    source: Source,
    media_type: str,
    blob: Document,
    known: frozenset[str],
    member: str,
    rest: Document,
) -> Part:
    left = {name: one for name, one in blob.items() if name not in known and one is not None}
    kind = media_type.partition("/")[0].lower()
    if kind in {"image", "audio"}:
        extra = {**rest, member: left} if left else rest
        return Image(source, extra=extra) if kind == "image" else Audio(source, extra=extra)
    name = left.pop("displayName") if isinstance(left.get("displayName"), str) else None
    return File(source, name, extra={**rest, member: left} if left else rest)


def write_media(part: Image | Audio | File) -> Document:
    """The member of a part that holds it."""
    source = part.source
    if isinstance(source, Inline):
        data = source.spelled if isinstance(source, Respelled) else source.data
        member: Document = {"mimeType": source.media_type, "data": data}
        name = "inlineData"
    else:
        name = "fileData"
        member = {"fileUri": source.id if isinstance(source, Upload) else source.url}
        if source.media_type is not None:
            member = {"mimeType": source.media_type, **member}
    if isinstance(part, File) and part.name is not None:
        member["displayName"] = part.name
    return {name: member}
