"""Thought beside the content of a message, in the members that various servers use for it.

DeepSeek and LiteLLM say ``reasoning_content``; Groq, Ollama and vLLM ``reasoning``; OpenRouter adds
``reasoning_details`` with signatures, and LiteLLM ``thinking_blocks`` in Anthropic's form. Where a
message has several of them they say the same, and the ones with signatures are taken.
Source: the recorded transcripts, and OpenRouter's guide to preserving reasoning.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.parts import Document, Family, Reasoning

PLAIN: Final = ("reasoning_content", "reasoning")

_FAMILIES: Final = MappingProxyType[str, Family](
    {
        "anthropic-claude-v1": "anthropic",
        "openai-responses-v1": "openai",
        "google-gemini-v1": "google",
    }
)
_FORMATS: Final = MappingProxyType[Family, str](
    {**{family: name for name, family in _FAMILIES.items()}, "other": "unknown", "": "unknown"}
)


def take_reasoning(rest: Document) -> list[Reasoning]:
    """Take thought out of a message's members; what cannot be understood stays there."""
    plain = _take_plain(rest)
    parts = _take_list(rest, "reasoning_details", read_details)
    blocks = _take_list(rest, "thinking_blocks", _read_blocks)
    parts = parts or blocks
    if not parts:
        return [Reasoning(plain)] if plain else []
    if plain and not any(part.text for part in parts):
        if parts[0].redacted:
            return [Reasoning(plain), *parts]
        parts[0] = msgspec.structs.replace(parts[0], text=plain)
    return parts


def _take_plain(rest: Document) -> str:
    plain = ""
    for name in PLAIN:
        text = rest.get(name)
        if isinstance(text, str):
            del rest[name]
            plain = plain or text
    return plain


def _take_list(rest: Document, name: str, read: Any) -> list[Reasoning]:
    items = rest.get(name)
    if not isinstance(items, list):
        return []
    parts: list[Reasoning] | None = read(items)
    if parts is None:
        return []
    del rest[name]
    return parts


def read_details(items: list[Any]) -> list[Reasoning] | None:
    """OpenRouter's list, or None where it has another shape."""
    parts: list[Reasoning] = []
    for item in items:
        part = read_detail(item)
        if part is None:
            return None
        if parts and _completes(parts[-1], part):
            before = parts.pop()
            part = msgspec.structs.replace(part, text=before.text, summary=before.summary)
        parts.append(part)
    return parts


def _completes(before: Reasoning, part: Reasoning) -> bool:
    """Whether two items are one of OpenAI's: its summary, then its encrypted content."""
    sealed = part.signature is not None and not part.text
    return part.family == "openai" == before.family and before.signature is None and sealed


def read_detail(item: Any) -> Reasoning | None:
    """One item of OpenRouter's list, or a piece of one in a stream."""
    if not isinstance(item, dict):
        return None
    kind, form = item.get("type"), item.get("format")
    family = _FAMILIES.get(form, "other") if isinstance(form, str) else "other"
    known = _text_of(item, "id") or None
    if kind == "reasoning.encrypted":
        data = _text_of(item, "data")
        return Reasoning("", data, family, known, redacted=family == "anthropic")
    if kind == "reasoning.summary":
        return Reasoning(_text_of(item, "summary"), None, family, known, summary=True)
    if kind == "reasoning.text":
        signature = _text_of(item, "signature") or None
        return Reasoning(_text_of(item, "text"), signature, family, known)
    return None


def _read_blocks(items: list[Any]) -> list[Reasoning] | None:
    parts = []
    for item in items:
        part = read_block(item)
        if part is None:
            return None
        parts.append(part)
    return parts


def read_block(item: Any) -> Reasoning | None:
    """One of LiteLLM's blocks."""
    kind = item.get("type") if isinstance(item, dict) else None
    if kind == "thinking":
        signature = _text_of(item, "signature") or None
        return Reasoning(_text_of(item, "thinking"), signature, "anthropic")
    if kind == "redacted_thinking":
        return Reasoning("", _text_of(item, "data"), "anthropic", redacted=True)
    return None


def _text_of(item: Document, name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def joined(parts: Iterable[Reasoning]) -> str:
    """All the words of a thought."""
    return "".join([part.text for part in parts])


def write_details(parts: Iterable[Reasoning]) -> list[Document]:
    """OpenRouter's list."""
    details: list[Document] = []
    for index, part in enumerate(parts):
        details += write_detail(part, index)
    return details


def write_detail(part: Reasoning, index: int) -> list[Document]:
    """One thought in OpenRouter's list: one item, or two where a summary is sealed."""
    common: Document = {"format": _FORMATS[part.family], "index": index}
    if part.id is not None:
        common["id"] = part.id
    if part.text and not part.summary:
        item: Document = {"type": "reasoning.text", "text": part.text, **common}
        if part.signature is not None:
            item["signature"] = part.signature
        return [item]
    items: list[Document] = []
    if part.text:
        items.append({"type": "reasoning.summary", "summary": part.text, **common})
    if part.signature is not None:
        # Thought that is not shown has a signature in its text's place, or is encrypted whole.
        sealed = part.family != "anthropic" or part.redacted
        items.append(
            {"type": "reasoning.encrypted", "data": part.signature, **common}
            if sealed
            else {"type": "reasoning.text", "text": "", "signature": part.signature, **common}
        )
    return items


def write_blocks(parts: Iterable[Reasoning]) -> list[Document]:
    """LiteLLM's list, for Anthropic's thought alone."""
    return [_write_block(part) for part in parts if part.signature and part.family == "anthropic"]


def _write_block(part: Reasoning) -> Document:
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}
