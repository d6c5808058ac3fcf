"""Sources of an answer: Google's grounding metadata and its list of recitations.

Google counts in bytes of UTF-8, everybody else in characters.
"""

from typing import Any

import msgspec

from trunkline.gateway.exchange.parts import Citation, Document
from trunkline.gateway.wire.gemini.own import WIRE


class _Web(msgspec.Struct):
    uri: str | None = None
    title: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    web: _Web | None = None
    retrieved_context: _Web | None = None
    maps: _Web | None = None


class _Segment(msgspec.Struct, rename="camel"):
    start_index: int = 0
    end_index: int | None = None
    part_index: int = 0


class _Support(msgspec.Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] = []


class _Grounding(msgspec.Struct, rename="camel"):
    grounding_chunks: list[_Chunk] = []
    grounding_supports: list[_Support] = []


class _Recited(msgspec.Struct, rename="camel"):
    uri: str | None = None
    title: str | None = None
    start_index: int = 0
    end_index: int | None = None


class _Recitations(msgspec.Struct, rename="camel"):
    citations: list[_Recited] = []
    citation_sources: list[_Recited] = []


Found = dict[int, list[Citation]]
"""The citations of each part, by its place in the content."""


def read_citations(grounding: Any, recitations: Any, texts: dict[int, str]) -> Found:
    """What an answer cites. ``texts`` are its texts by their places; the last one bears the rest.

    What is not of the shape that we know cites nothing: the answer is worth more than its sources.
    """
    found: Found = {}
    if not texts:
        return found
    if grounding is not None:
        _read_grounding(_converted(grounding, _Grounding), texts, found)
    if recitations is not None:
        told = _converted(recitations, _Recitations)
        for one in (*told.citations, *told.citation_sources):
            place = max(texts)
            found.setdefault(place, []).append(
                _citation(texts[place], one.uri, one.title, one.start_index, one.end_index)
            )
    return found


def _converted(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        return kind()


def _read_grounding(told: _Grounding, texts: dict[int, str], found: Found) -> None:
    sources = [
        chunk.web or chunk.retrieved_context or chunk.maps for chunk in told.grounding_chunks
    ]
    for support in told.grounding_supports:
        segment = support.segment or _Segment()
        place = segment.part_index if segment.part_index in texts else max(texts)
        for index in support.grounding_chunk_indices:
            source = sources[index] if 0 <= index < len(sources) else None
            if source is not None:
                found.setdefault(place, []).append(
                    _citation(
                        texts[place],
                        source.uri,
                        source.title,
                        segment.start_index,
                        segment.end_index,
                    )
                )
    if not told.grounding_supports:
        for source in sources:
            if source is not None:
                cited = Citation(source.uri, source.title, wire=WIRE)
                found.setdefault(max(texts), []).append(cited)


def _citation(
    text: str, uri: str | None, title: str | None, start: int, end: int | None
) -> Citation:
    if end is None:
        return Citation(uri, title, wire=WIRE)
    return Citation(uri, title, None, _letters(text, start), _letters(text, end), WIRE)


def _letters(text: str, size: int) -> int:
    """How many characters the first bytes of a text hold."""
    size = max(0, size)
    if text.isascii():
        return min(size, len(text))
    return len(text.encode()[:size].decode(errors="ignore"))


def write_grounding(texts: dict[int, str], citations: Found) -> Document | None:
    """Grounding metadata of the citations of another wire, or None without any address."""
    chunks: list[Document] = []
    supports: list[Document] = []
    places: dict[tuple[str, str | None], int] = {}
    for part, cited in citations.items():
        for one in cited:
            if one.url is None:
                continue
            key = (one.url, one.title)
            if key not in places:
                places[key] = len(chunks)
                chunks.append({"web": {"uri": one.url, "title": one.title or one.url}})
            support = _support(texts.get(part, ""), part, one)
            if support is not None:
                supports.append({**support, "groundingChunkIndices": [places[key]]})
    if not chunks:
        return None
    return (
        {"groundingChunks": chunks, "groundingSupports": supports}
        if supports
        else {"groundingChunks": chunks}
    )


def _support(text: str, part: int, cited: Citation) -> Document | None:
    start, end = cited.start, cited.end
    if start is None or end is None:
        return None
    segment: Document = {
        "startIndex": len(text[:start].encode()),
        "endIndex": len(text[:end].encode()),
        "text": text[start:end],
    }
    if part:
        segment["partIndex"] = part
    return {"segment": segment}
