"""Sources of a text: OpenAI's ``annotations``."""

from collections.abc import Sequence
from typing import Any

from trunkline.gateway.exchange.parts import Citation, Document
from trunkline.gateway.wire.openai_family.sources import WIRE


def read_annotation(item: Any) -> Citation:
    """One annotation, whose own object is kept."""
    told = item.get("url_citation", item) if isinstance(item, dict) else None
    if not isinstance(told, dict):
        return Citation(wire=WIRE, native=item)
    url, title = told.get("url"), told.get("title")
    start, end = told.get("start_index"), told.get("end_index")
    return Citation(
        url=url if isinstance(url, str) else None,
        title=title if isinstance(title, str) else None,
        start=start if isinstance(start, int) else None,
        end=end if isinstance(end, int) else None,
        wire=WIRE,
        native=item,
    )


def write_annotations(
    citations: Sequence[Citation], offset: int = 0, length: int = 0
) -> list[Document]:
    """Annotations of a text that begins at this place of the message's content.

    A source that does not say which words it stands for stands for the whole text. One without an
    address, such as a file of the caller's, has its title and its words.
    """
    return [_write(citation, offset, length) for citation in citations]


def _write(citation: Citation, offset: int, length: int) -> Document:
    if citation.wire == WIRE and isinstance(citation.native, dict):
        return citation.native
    start = 0 if citation.start is None else citation.start
    end = length if citation.end is None else citation.end
    told: Document = {
        "start_index": offset + start,
        "end_index": offset + end,
        "title": citation.title or "",
        "url": citation.url or "",
    }
    if citation.url is None and citation.cited is not None:
        told["cited_text"] = citation.cited
    return {"type": "url_citation", "url_citation": told}
