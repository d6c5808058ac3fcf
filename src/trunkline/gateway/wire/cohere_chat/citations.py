"""Citations: Cohere has them beside the text, by the positions of its letters."""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Citation, Document, Part, Text
from trunkline.gateway.wire.cohere_chat.content import WIRE


def read_citation(value: Any) -> Citation:
    """One citation; where its first source is a document, what that document says of itself."""
    found = value if isinstance(value, dict) else {}
    sources = found.get("sources")
    first = sources[0] if isinstance(sources, list) and sources else None
    document = first.get("document") if isinstance(first, dict) else None
    said = document if isinstance(document, dict) else {}
    return Citation(
        url=_text(said.get("url")),
        title=_text(said.get("title")),
        cited=_text(said.get("snippet")) or _text(said.get("text")),
        start=_position(found.get("start")),
        end=_position(found.get("end")),
        wire=WIRE,
        native=value,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _position(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_citations(values: Any, parts: list[Part]) -> list[Part]:
    """The parts, each text with the citations that are about it."""
    if not isinstance(values, list) or not values:
        return parts
    texts = [place for place, part in enumerate(parts) if isinstance(part, Text)]
    by_part: dict[int, list[Citation]] = {}
    for value in values:
        place = value.get("content_index") if isinstance(value, dict) else None
        if place not in texts and texts:
            place = texts[0]
        if isinstance(place, int):
            by_part.setdefault(place, []).append(read_citation(value))
    return [
        msgspec.structs.replace(part, citations=tuple(by_part[place]))
        if isinstance(part, Text) and place in by_part
        else part
        for place, part in enumerate(parts)
    ]


def write_citation(citation: Citation, text: str, content_index: int) -> Document:
    """One citation for a caller."""
    if citation.wire == WIRE and isinstance(citation.native, dict):
        return citation.native
    known = {"url": citation.url, "title": citation.title, "snippet": citation.cited}
    told = {name: value for name, value in known.items() if value is not None}
    source = {"type": "document", "id": citation.url or "", "document": told}
    document: Document = {"sources": [source], "content_index": content_index}
    if citation.start is not None and citation.end is not None:
        document |= {"start": citation.start, "end": citation.end}
        document["text"] = text[citation.start : citation.end]
    document["type"] = "TEXT_CONTENT"
    return document


def write_citations(content: list[Part]) -> list[Document]:
    """All citations of an answer's content."""
    return [
        write_citation(citation, part.text, place)
        for place, part in enumerate(content)
        if isinstance(part, Text)
        for citation in part.citations
    ]
