"""The JSON of kept responses, as bytes of which only what is needed is decoded."""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from trunkline.responses.repository import Status

_OVER: Final[frozenset[str]] = frozenset({"completed", "incomplete", "failed", "cancelled"})

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class _Told(msgspec.Struct):
    id: str
    status: str = "completed"


class _Item(msgspec.Struct):
    id: str | None = None


class _Output(msgspec.Struct):
    output: list[msgspec.Raw] = []


_decode_told = msgspec.json.Decoder(_Told).decode
_decode_item = msgspec.json.Decoder(_Item).decode
_decode_output = msgspec.json.Decoder(_Output).decode


def id_of(response: bytes) -> str:
    """The id in a response object.

    Raises:
        msgspec.DecodeError: it is no such object.
    """
    return _decode_told(response).id


def status_of(response: bytes) -> Status:
    """How a response ended; a word that we do not know is a good end."""
    word = _decode_told(response).status
    return cast("Status", word) if word in _OVER else "completed"


def changed(response: bytes, **members: Any) -> bytes:
    """A response object with other members."""
    return _encode({**_decode_members(response), **members})


def output_of(response: bytes) -> list[msgspec.Raw]:
    """The items of a response's output."""
    return _decode_output(response).output


def items_by_id(response: bytes) -> dict[str, msgspec.Raw]:
    """The items of a response's output that have an id."""
    found: dict[str, msgspec.Raw] = {}
    for item in output_of(response):
        known = id_of_item(item)
        if known is not None:
            found[known] = item
    return found


def id_of_item(item: msgspec.Raw) -> str | None:
    """The id of an item, or None where it has none."""
    try:
        return _decode_item(item).id
    except msgspec.ValidationError:
        return None


def input_of(fields: Mapping[str, msgspec.Raw]) -> bytes:
    """The items of a request's input, as an array; a bare string is a message of the user."""
    raw = bytes(fields.get("input", b"[]")).strip()
    if raw.startswith(b'"'):
        return b'[{"type":"message","role":"user","content":' + raw + b"}]"
    return raw if raw.startswith(b"[") else b"[]"


def items_of(array: bytes) -> list[msgspec.Raw]:
    """The items of an array."""
    return _decode_items(array)
