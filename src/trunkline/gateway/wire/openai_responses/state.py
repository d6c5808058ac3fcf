"""What a request goes on from, and the response object that later requests go on from.

The provider keeps nothing for us, so a request that names an earlier response is sent with the
items of that response before its own; see docs/decisions/0014.
"""

from typing import Any, Final

import msgspec

from trunkline.gateway.wire.contract import Inbound
from trunkline.gateway.wire.members import encode_members
from trunkline.gateway.wire.openai_responses.names import ENCRYPTED
from trunkline.gateway.wire.openai_responses.seals import MARK

_TERMINAL: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_SEALED: Final = f'"{MARK}'.encode()

_decode = msgspec.json.Decoder().decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


_ABSENT: Final = msgspec.Raw()


class _Object(msgspec.Struct):
    object: str | None = None


class _Terminal(msgspec.Struct):
    type: str | None = None
    response: msgspec.Raw = _ABSENT


class _Thought(msgspec.Struct):
    type: str | None = None
    encrypted_content: str | None = None


_decode_object = msgspec.json.Decoder(_Object).decode
_decode_terminal = msgspec.json.Decoder(_Terminal).decode
_decode_thought = msgspec.json.Decoder(_Thought).decode


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
    whole = encode_members([*items, *items_of(request.fields.get("input"))])
    request.size += len(whole) - len(bytes(request.fields.get("input", b"")))
    request.fields["input"] = msgspec.Raw(whole)


def include_encrypted(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The members with the wish that thought comes with what its maker wants back."""
    given = fields.get("include")
    named: Any = [] if given is None else _decode(given) or []
    if not isinstance(named, list) or ENCRYPTED in named:
        return fields
    return {**fields, "include": msgspec.Raw(_encode([*named, ENCRYPTED]))}


def without_seals(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The members without thought of other makers' models, which this wire's providers refuse."""
    given = fields.get("input")
    if given is None or _SEALED not in bytes(given):
        return fields
    kept = [item for item in items_of(given) if not _is_sealed(item)]
    return {**fields, "input": msgspec.Raw(encode_members(kept))}


def _is_sealed(item: msgspec.Raw) -> bool:
    if _SEALED not in bytes(item):
        return False
    try:
        thought = _decode_thought(item)
    except msgspec.ValidationError:
        return False
    return thought.type == "reasoning" and (thought.encrypted_content or "").startswith(MARK)


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
