"""Content blocks, read into parts.

A member that ``own_blocks`` would not write back just as it came stays among the part's ``extra``,
and what is there overrides what is written: so each block that is read here can be given back
unchanged.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import (
    Citation,
    Document,
    File,
    Foreign,
    Image,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.wire.anthropic_messages.marks import take_mark
from trunkline.gateway.wire.anthropic_messages.seals import unseal
from trunkline.gateway.wire.anthropic_messages.sources import read_source, write_source
from trunkline.gateway.wire.documents import members_of, wrong_type

WIRE: Final = "anthropic_messages"
_encode = msgspec.json.Encoder().encode


def read_blocks(blocks: list[Any], where: str) -> tuple[Part, ...]:
    """The parts of a message.

    Raises:
        InvalidRequest: a block is no object, or lacks what its type cannot do without; ``where``
            precedes the block's place in ``param``.
    """
    parts: list[Part] = []
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            raise wrong_type(f"{where}.{index}", "an object")
        kind = block.get("type")
        read = _READERS.get(kind) if isinstance(kind, str) else None
        if read is None:
            parts.append(Foreign(WIRE, block))
        else:
            rest = members_of(block)
            del rest["type"]
            parts.append(read(block, rest, f"{where}.{index}"))
    return tuple(parts)


def read_content(content: Any, where: str) -> tuple[tuple[Part, ...], bool]:
    """The parts of a content, and whether it was a bare string.

    Raises:
        InvalidRequest: it is neither a string nor a list of blocks.
    """
    if isinstance(content, str):
        return (Text(content),), True
    if isinstance(content, list):
        return read_blocks(content, where), False
    raise wrong_type(where, "a string or an array of content blocks")


def read_citations(value: Any) -> tuple[Citation, ...] | None:
    """Citations of a text; None where there is none or one of them is no object."""
    if not isinstance(value, list) or not value:
        return None
    citations = []
    for native in value:
        if not isinstance(native, dict):
            return None
        citations.append(read_citation(native))
    return tuple(citations)


def read_citation(native: Document) -> Citation:
    """One citation; its positions are those of the source and not of our text."""
    return Citation(
        url=_text(native, "url"),
        title=_text(native, "title") or _text(native, "document_title"),
        cited=_text(native, "cited_text"),
        wire=WIRE,
        native=native,
    )


def _text(document: Document, name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def _required(rest: Document, name: str, where: str) -> str:
    value = rest.pop(name, None)
    if not isinstance(value, str):
        raise wrong_type(f"{where}.{name}", "a string")
    return value


def _read_text(_block: Document, rest: Document, where: str) -> Part:
    text = _required(rest, "text", where)
    if not rest:
        return Text(text)
    citations = read_citations(rest.get("citations"))
    if citations is not None:
        del rest["citations"]
    return Text(text, take_mark(rest), citations or (), rest)


def _read_image(block: Document, rest: Document, _where: str) -> Part:
    source = read_source(rest.get("source"))
    if source is None:
        return Foreign(WIRE, block)
    if write_source(source) == rest["source"]:
        del rest["source"]
    return Image(source, cache=take_mark(rest), extra=rest)


def _read_document(block: Document, rest: Document, _where: str) -> Part:
    source = read_source(rest.get("source"))
    if source is None:
        return Foreign(WIRE, block)
    if write_source(source) == rest["source"]:
        del rest["source"]
    name = _text(rest, "title")
    if name is not None:
        del rest["title"]
    return File(source, name, take_mark(rest), rest)


def _read_thinking(block: Document, rest: Document, _where: str) -> Part:
    text, signature = rest.pop("thinking", None), rest.get("signature")
    if not isinstance(text, str) or not isinstance(signature, (str, type(None))):
        return Foreign(WIRE, block)
    found = unseal(signature) if signature else None
    if found is not None:
        # What OpenAI shows of its thought is a summary.
        summary = found.family == "openai"
        return Reasoning(text, found.signature, found.family, found.id, summary=summary, extra=rest)
    rest.pop("signature", None)
    return Reasoning(text, signature, "anthropic", extra=rest)


def _read_redacted(block: Document, rest: Document, _where: str) -> Part:
    data = rest.pop("data", None)
    if not isinstance(data, str):
        return Foreign(WIRE, block)
    return Reasoning(signature=data, family="anthropic", redacted=True, extra=rest)


def _read_call(_block: Document, rest: Document, where: str) -> Part:
    call_id, name = _required(rest, "id", where), _required(rest, "name", where)
    arguments = rest.pop("input", None)
    if not isinstance(arguments, dict):
        raise wrong_type(f"{where}.input", "an object")
    mark = take_mark(rest) if rest else None
    return ToolCall(call_id, name, json_text(arguments), cache=mark, extra=rest)


def _read_result(_block: Document, rest: Document, where: str) -> Part:
    call_id = _required(rest, "tool_use_id", where)
    content = rest.pop("content", None)
    bare = isinstance(content, str)
    parts: tuple[Any, ...] = ()
    if content is not None:
        parts, bare = read_content(content, f"{where}.content")
        if not parts:
            rest["content"] = content
    failed = take_true(rest, "is_error")
    mark = take_mark(rest) if rest else None
    return ToolResult(call_id, parts, failed, bare=bare, cache=mark, extra=rest)


def take_true(rest: Document, name: str) -> bool:
    """Whether a flag is set; it stays among the unknown members where it is no flag.

    One that says false, which is so anyway, stays as None: nobody misses it elsewhere, and it is
    given back.
    """
    value = rest.get(name)
    if value is False:
        rest[name] = None
    elif value is True:
        del rest[name]
    return value is True


def json_text(value: Any) -> str:
    """JSON of a value that came as JSON.

    Raises:
        InvalidRequest: it is nested too deeply to be written again, or holds half a character.
    """
    try:
        return _encode(value).decode()
    except (RecursionError, UnicodeEncodeError):
        raise InvalidRequest(
            "The arguments of a tool call cannot be written as JSON again.",
            code="invalid_json",
            hint="Flatten them, and send only whole characters.",
        ) from None


_Reader = Callable[[Document, Document, str], Part]

_READERS: Final[MappingProxyType[str, _Reader]] = MappingProxyType(
    {
        "text": _read_text,
        "image": _read_image,
        "document": _read_document,
        "thinking": _read_thinking,
        "redacted_thinking": _read_redacted,
        "tool_use": _read_call,
        "tool_result": _read_result,
    }
)
