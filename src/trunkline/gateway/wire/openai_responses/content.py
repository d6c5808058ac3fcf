"""Elements of a message's content and of a tool's output.

Each is read together with its spelling: what it says otherwise than we would, and says nothing by.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

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
    Refusal,
    Source,
    Text,
    Upload,
)
from trunkline.gateway.wire.documents import members_of, wrong_type
from trunkline.gateway.wire.openai_family.sources import address_of, source_of
from trunkline.gateway.wire.openai_family.spelling import respelled, spelling
from trunkline.gateway.wire.openai_responses.names import WIRE

SAID: Final = "input_text"
ANSWERED: Final = "output_text"
_MARK: Final = "prompt_cache_breakpoint"
_EXPLICIT: Final = MappingProxyType({"mode": "explicit"})
_UNKNOWN_FILE: Final = "application/octet-stream"
_PDF: Final = "application/pdf"
# The probabilities of an earlier answer's tokens say nothing to the next turn.
_SAYS_NOTHING: Final = "logprobs"


class Content(NamedTuple):
    """What a content holds: its parts and their spellings, and whether it was a bare string."""

    parts: tuple[Any, ...]
    spelled: tuple[Document, ...]
    bare: bool


def read_content(value: Any, kind: str, where: str) -> Content:
    """A content.

    Args:
        value: the content as decoded JSON.
        kind: type of the elements that are text: ``SAID`` or ``ANSWERED``.
        where: its place in the request.

    Raises:
        InvalidRequest: it is neither a string nor an array of objects.
    """
    if isinstance(value, str):
        return Content((Text(value),), (), bare=True)
    if not isinstance(value, list):
        raise wrong_type(where, "a string or an array")
    parts, spelled, other = [], [], False
    for number, element in enumerate(value):
        if not isinstance(element, dict):
            raise wrong_type(f"{where}[{number}]", "an object")
        part = read_element(element)
        says = spelling(element, write_element(part, kind))
        parts.append(part)
        spelled.append(says)
        other = other or bool(says)
    return Content(tuple(parts), tuple(spelled) if other else (), bare=False)


def content_back(
    parts: tuple[Any, ...], spelled: tuple[Document, ...], kind: str, *, bare: bool
) -> str | list[Document]:
    """A content as it came."""
    first = parts[0] if parts else None
    if bare and len(parts) == 1 and isinstance(first, Text):
        return first.text
    if not spelled:
        return [write_element(part, kind) for part in parts]
    spellings = (*spelled, *[{}] * len(parts))
    return [
        respelled(write_element(part, kind), says)
        for part, says in zip(parts, spellings, strict=False)
    ]


def read_element(element: Document) -> Part:
    """One element; what has no place in the internal form stays ``Foreign``."""
    kind = element.get("type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    part = None
    if read is not None:
        rest = members_of(element)
        del rest["type"]
        part = read(rest)
    return Foreign(WIRE, element) if part is None else part


def write_element(part: Part, kind: str) -> Document:
    """An element of a part that came by this wire."""
    if isinstance(part, Foreign):
        value: Document = part.value
        return value
    if isinstance(part, Text):
        element: Document = {"type": kind, "text": part.text}
        if part.citations:
            element["annotations"] = [citation.native for citation in part.citations]
    elif isinstance(part, Image):
        element = {"type": "input_image", **_write_source(part.source, "image_url")}
        if part.detail is not None:
            element["detail"] = part.detail
    elif isinstance(part, File):
        element = {"type": "input_file", **_write_file(part)}
    elif isinstance(part, Audio):
        element = {"type": "input_audio", "input_audio": _write_sound(part.source)}
    else:
        # Thought, calls and results are items of their own.
        return {"type": "refusal", "refusal": part.text if isinstance(part, Refusal) else ""}
    if part.cache is not None:
        element[_MARK] = {"mode": "explicit"}
    element.update(part.extra)
    return element


def read_annotation(value: Any) -> Citation:
    """One annotation, whose own object is kept."""
    if not isinstance(value, dict):
        return Citation(wire=WIRE, native=value)
    start, end = value.get("start_index"), value.get("end_index")
    return Citation(
        url=_text(value, "url"),
        title=_text(value, "title") or _text(value, "filename"),
        start=start if isinstance(start, int) else None,
        end=end if isinstance(end, int) else None,
        wire=WIRE,
        native=value,
    )


def write_annotation(citation: Citation, length: int) -> Document:
    """The annotation of a source; without a place it stands for the text up to this length."""
    if citation.wire == WIRE and isinstance(citation.native, dict):
        native: Document = citation.native
        return native
    told: Document = {
        "type": "url_citation",
        "start_index": citation.start or 0,
        "end_index": length if citation.end is None else citation.end,
        "title": citation.title or "",
        "url": citation.url or "",
    }
    if citation.url is None and citation.cited is not None:
        told["cited_text"] = citation.cited
    return told


def _text(members: Document, name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


def _take_mark(rest: Document) -> CacheMark | None:
    if rest.get(_MARK) != _EXPLICIT:
        return None
    del rest[_MARK]
    return CacheMark()


def _read_text(rest: Document) -> Part | None:
    text = rest.pop("text", None)
    annotations = rest.pop("annotations", [])
    if not isinstance(text, str) or not isinstance(annotations, list):
        return None
    rest.pop(_SAYS_NOTHING, None)
    mark = _take_mark(rest) if rest else None
    cited = tuple([read_annotation(value) for value in annotations])
    return Text(text, cache=mark, citations=cited, extra=rest)


def _read_image(rest: Document) -> Part | None:
    place, known = rest.pop("image_url", None), rest.pop("file_id", None)
    detail = rest.pop("detail", None)
    if isinstance(place, dict):
        # Some clients send the object of chat completions here.
        place = place.get("url")
    source = _source(place, known)
    if source is None or not isinstance(detail, str | None):
        return None
    return Image(source, detail, cache=_take_mark(rest), extra=rest)


def _read_file(rest: Document) -> Part | None:
    known, data = rest.pop("file_id", None), rest.pop("file_data", None)
    place, name = rest.pop("file_url", None), rest.pop("filename", None)
    if not isinstance(name, str | None) or sum(v is not None for v in (known, data, place)) != 1:
        return None
    source: Source | None
    if isinstance(data, str) and not data.startswith("data:"):
        pdf = name is not None and name.lower().endswith(".pdf")
        source = Inline(_PDF if pdf else _UNKNOWN_FILE, data)
    else:
        source = _source(place if data is None else data, known)
    if source is None:
        return None
    return File(source, name, cache=_take_mark(rest), extra=rest)


def _read_audio(rest: Document) -> Part | None:
    sound = rest.pop("input_audio", None)
    if not isinstance(sound, dict) or sound.keys() != {"data", "format"}:
        return None
    data, form = sound["data"], sound["format"]
    if not isinstance(data, str) or not isinstance(form, str):
        return None
    return Audio(Inline(f"audio/{form}", data), cache=_take_mark(rest), extra=rest)


def _read_refusal(rest: Document) -> Part | None:
    text = rest.get("refusal")
    return Refusal(text) if isinstance(text, str) and len(rest) == 1 else None


def _source(place: Any, known: Any) -> Source | None:
    if isinstance(place, str) and known is None:
        return source_of(place)
    return Upload(known) if isinstance(known, str) and place is None else None


def _write_source(source: Source, member: str) -> Document:
    if isinstance(source, Upload):
        return {"file_id": source.id}
    return {member: address_of(source)}


def _write_file(part: File) -> Document:
    member = "file_data" if isinstance(part.source, Inline) else "file_url"
    file = _write_source(part.source, member)
    if part.name is not None:
        file["filename"] = part.name
    return file


def _write_sound(source: Source) -> Document:
    data, form = "", "wav"
    if isinstance(source, Inline):
        data, form = source.data, source.media_type.removeprefix("audio/")
    return {"data": data, "format": form}


_READERS: Final[Mapping[str, Callable[[Document], Part | None]]] = MappingProxyType(
    {
        "input_text": _read_text,
        "output_text": _read_text,
        "text": _read_text,
        "input_image": _read_image,
        "input_file": _read_file,
        "input_audio": _read_audio,
        "refusal": _read_refusal,
    }
)
