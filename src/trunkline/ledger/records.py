"""The records of the journal: what a segment's frames contain.

Each is a MessagePack array that begins with its kind, so that a segment can be read with any
MessagePack tool, and fields are only ever added at the end.
"""

from typing import Any, TypeAlias

import msgspec

from trunkline.gateway.metering.event import Attempt, Outcome, Progress

LARGEST_PAYLOAD = 1 << 20
LARGEST_COUNT = 1 << 53
LONGEST_TEXT = 256
MOST_TAGS = 64
# An attempt and an outcome stand in one payload.
LARGEST_PART = LARGEST_PAYLOAD // 2 - 64
# Stays far below the largest payload: one entry is an identifier and a number, 48 bytes.
MOST_PROGRESS = 4096

# What each payload begins with after the one byte that says how long the array is. The reader
# looks for these when it has to find its way back into a damaged segment.
KINDS = (b"\xa4open", b"\xa8progress", b"\xa5close", b"\xa7carried")

# Before an encoded attempt: the payload of its open. Before that and an encoded outcome: of its
# close. So the writer encodes an attempt once, although it stands in both.
OPEN = b"\x92\xa4open"
CLOSE = b"\x93\xa5close"


class Open(msgspec.Struct, frozen=True, array_like=True, tag="open"):
    """An attempt whose bytes are about to leave."""

    attempt: Attempt


class Advanced(msgspec.Struct, frozen=True, array_like=True, tag="progress"):
    """How far live attempts have come since the last such record."""

    live: tuple[Progress, ...]


class Close(msgspec.Struct, frozen=True, array_like=True, tag="close"):
    """The end of an attempt; carries all of it, so that no other record is needed."""

    attempt: Attempt
    outcome: Outcome


class Carried(msgspec.Struct, frozen=True, array_like=True, tag="carried"):
    """Ends the opening of a segment: everything before it was carried over from the one before.

    A segment that contains this record needs no older one to tell which attempts are unfinished.

    Attributes:
        live: how many unfinished attempts were carried over.
    """

    live: int


Record: TypeAlias = Open | Advanced | Close | Carried

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def encode(part: Record | Attempt | Outcome) -> bytes:
    """The payload of a record, or an attempt or an outcome as it stands in one.

    What no payload can hold (numbers above 64 bits, text that is not Unicode, megabytes of it) is
    cut down by ``recordable`` first: a strange answer of a provider must not lose its cost.
    """
    try:
        encoded = _encoder.encode(part)
    except (OverflowError, UnicodeEncodeError):
        return _encoder.encode(recordable(part))
    if len(encoded) > LARGEST_PART:
        return _encoder.encode(recordable(part))
    return encoded


def decode(payload: bytes | memoryview) -> Record:
    """The record of a payload.

    Raises:
        msgspec.MsgspecError: it is none that we know.
    """
    return _decoder.decode(payload)


def recordable(value: Any) -> Any:
    """The same value with every text, number and list in it within bounds, recursively."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode().replace("\0", "")[:LONGEST_TEXT]
        case bool():
            return value
        case int():
            return max(-LARGEST_COUNT, min(value, LARGEST_COUNT))
        case tuple():
            return tuple(recordable(item) for item in value[:MOST_TAGS])
        case msgspec.Struct():
            fields = value.__struct_fields__
            return type(value)(**{name: recordable(getattr(value, name)) for name in fields})
        case _:
            return value
