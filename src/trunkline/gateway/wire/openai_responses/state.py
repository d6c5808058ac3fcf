"""What a request goes on from, and the response object that later requests go on from.

The provider keeps nothing for us, so a request that names an earlier response is sent with the
items of that response before its own; see docs/decisions/0014.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from trunkline.errors import NotFound
from trunkline.gateway.wire.contract import Inbound
from trunkline.gateway.wire.members import encode_members
from trunkline.gateway.wire.openai_responses.names import ENCRYPTED
from trunkline.gateway.wire.openai_responses.seals import MARK

_TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
# What a response says again of its request, and what it says where that said nothing.
_ECHOED: Final[tuple[tuple[str, Any], ...]] = (
    ("instructions", None),
    ("max_output_tokens", None),
    ("metadata", {}),
    ("parallel_tool_calls", True),
    ("reasoning", {"effort": None, "summary": None}),
    ("temperature", 1.0),
    ("text", {"format": {"type": "text"}}),
    ("tool_choice", "auto"),
    ("tools", []),
    ("top_p", 1.0),
    ("truncation", "disabled"),
)
_SEALED: Final = f'"{MARK}'.encode()
# The ids that a translated answer gives to its thought; see ``output.item_id``.
_OF_OURS: Final = re.compile(rb'"rs_[0-9a-f]{32}_[0-9]+"')

_decode = msgspec.json.Decoder().decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


_ABSENT: Final = msgspec.Raw()
_NOTHING: Final = frozenset({b"", b"null", b"[]"})


class _Object(msgspec.Struct):
    object: str | None = None


class _Terminal(msgspec.Struct):
    type: str | None = None
    response: msgspec.Raw = _ABSENT


class _Item(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    encrypted_content: str | None = None
    content: msgspec.Raw = _ABSENT

    @property
    def refers(self) -> bool:
        """Whether it stands for a kept item, as thought does without its content."""
        if self.type == "reasoning":
            return not self.encrypted_content and bytes(self.content) in _NOTHING
        return self.type == "item_reference"


_decode_object = msgspec.json.Decoder(_Object).decode
_decode_terminal = msgspec.json.Decoder(_Terminal).decode
_decode_item = msgspec.json.Decoder(_Item).decode


def items_of(given: msgspec.Raw | None) -> list[msgspec.Raw]:
    """The items of a member ``input``; a bare string is a message of the user."""
    if given is None:
        return []
    raw = bytes(given).strip()
    if raw.startswith(b'"'):
        return [msgspec.Raw(b'{"type":"message","role":"user","content":' + raw + b"}")]
    return _decode_items(raw) if raw.startswith(b"[") else []


def prepend(request: Inbound, items: list[msgspec.Raw]) -> None:
    """Put items before those of the request, which no longer names what it goes on from."""
    request.fields.pop("previous_response_id", None)
    before = _whole(items)
    _set_input(request, [*before, *items_of(request.fields.get("input"))])


def references(given: msgspec.Raw) -> tuple[str, ...]:
    """The ids of kept items that an input refers to, once each."""
    found = [read.id for item in items_of(given) if (read := _read(item)).refers and read.id]
    return tuple(dict.fromkeys(found))


def insert(request: Inbound, found: Mapping[str, msgspec.Raw]) -> None:
    """Put kept items where the request refers to them.

    Thought whose content nobody has is left out, since the provider would look for it in vain; an
    id would make it look as well, so that the others are sent without theirs.

    Raises:
        NotFound: an item is not kept.
    """
    items: list[msgspec.Raw] = []
    torn = False
    for item in items_of(request.fields.get("input")):
        read = _read(item)
        kept = found.get(read.id or "") if read.refers else item
        if kept is None and read.type == "item_reference":
            raise NotFound(
                f"Item with id '{(read.id or '')[:100]}' not found.",
                code="item_not_found",
                param="input",
                hint="Send the item itself; items are kept with responses that are stored.",
            )
        if kept is None or _read(kept).refers:
            torn = True
        else:
            items.append(kept)
    _set_input(request, [_without_id(item) for item in items] if torn else items)


def _whole(items: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """The items of an earlier response without thought whose content it did not tell."""
    whole = [item for item in items if not _read(item).refers]
    return items if len(whole) == len(items) else [_without_id(item) for item in whole]


def _without_id(item: msgspec.Raw) -> msgspec.Raw:
    if _read(item).type == "reasoning":
        return item
    members = _decode_members(item)
    members.pop("id", None)
    return msgspec.Raw(encode_members(members))


def _read(item: msgspec.Raw) -> _Item:
    """What is asked of an item; nothing of one that we do not understand."""
    try:
        return _decode_item(item)
    except (msgspec.ValidationError, RecursionError):
        return _Item()


def _set_input(request: Inbound, items: list[msgspec.Raw]) -> None:
    whole = encode_members(items)
    request.size += len(whole) - len(bytes(request.fields.get("input", b"")))
    request.fields["input"] = msgspec.Raw(whole)


def begun_object(request: Inbound, response_id: str, created: int) -> bytes:
    """The response object of a request whose answer is still to come.

    Args:
        request: with its whole input.
        response_id: under which it will be kept.
        created: Unix seconds.
    """
    document: dict[str, Any] = {
        "id": response_id,
        "object": "response",
        "created_at": created,
        "status": "queued",
        "background": True,
        "error": None,
        "incomplete_details": None,
        "model": request.model,
        "output": [],
        "usage": None,
        "store": True,
        "previous_response_id": request.continues,
    }
    for name, usual in _ECHOED:
        document[name] = request.fields.get(name, usual)
    return _encode(document)


def include_encrypted(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The members with the wish that thought comes with what its maker wants back."""
    given = fields.get("include")
    named: Any = [] if given is None else _decode(given) or []
    if not isinstance(named, list) or ENCRYPTED in named:
        return fields
    return {**fields, "include": msgspec.Raw(_encode([*named, ENCRYPTED]))}


def without_seals(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The members without thought of other makers' models, which this wire's providers refuse.

    It bears our mark, or has no encrypted content and an id that only we know.
    """
    given = fields.get("input")
    if given is None or not _may_be_foreign(bytes(given)):
        return fields
    kept = [item for item in items_of(given) if not _is_foreign(item)]
    return {**fields, "input": msgspec.Raw(encode_members(kept))}


def _may_be_foreign(text: bytes) -> bool:
    return _SEALED in text or _OF_OURS.search(text) is not None


def _is_foreign(item: msgspec.Raw) -> bool:
    if not _may_be_foreign(bytes(item)):
        return False
    read = _read(item)
    if read.type != "reasoning":
        return False
    if read.encrypted_content:
        return read.encrypted_content.startswith(MARK)
    return _OF_OURS.fullmatch(f'"{read.id}"'.encode()) is not None


def final_object(last: bytes) -> bytes | None:
    """The response object in what the caller is about to get, or None where there is none.

    Args:
        last: a whole answer, or the last frames of a stream.
    """
    if last.lstrip()[:1] == b"{":
        return last if _is_response(last) else None
    for line in reversed(last.split(b"\n")):
        if line.startswith(b"data:"):
            found = _response_in(line[5:])
            if found is not None:
                return found
    return None


def _is_response(body: bytes) -> bool:
    try:
        return _decode_object(body).object == "response"
    except (msgspec.DecodeError, RecursionError):
        return False


def _response_in(data: bytes) -> bytes | None:
    try:
        event = _decode_terminal(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    response = bytes(event.response)
    if event.type not in _TERMINAL:
        return None
    return response if response.startswith(b"{") else None
