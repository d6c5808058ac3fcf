"""Frames: length (u32), CRC32C (u32), payload; both numbers little-endian.

The pure half of the journal's file format. A frame of length 0 does not exist, because a file
system may leave zeros at the end of a file after a power loss and CRC32C of nothing is 0.
"""

from collections.abc import Iterator
from struct import Struct

import msgspec
from google_crc32c import value as crc32c

from trunkline.ledger.records import KINDS, LARGEST_PAYLOAD, Record, decode

# The first eight bytes of each segment: a name and the version of the format.
MAGIC = b"TRKLJRN1"

_header = Struct("<II")
HEADER_BYTES = _header.size
LARGEST_FRAME = HEADER_BYTES + LARGEST_PAYLOAD


def frame(*parts: bytes) -> bytes:
    """A payload, given in parts, as it stands in a segment."""
    payload = b"".join(parts)
    return _header.pack(len(payload), crc32c(payload)) + payload


class Scan(msgspec.Struct, frozen=True):
    """What a run of bytes contained.

    Attributes:
        records: (end, record) pairs; ``end`` is the position behind the record's frame.
        position: where reading goes on: behind the last frame, or at what is not whole yet.
        damaged: bytes that were passed over because they belong to no valid frame.
        unreadable: valid frames whose record is none that we know.
    """

    records: list[tuple[int, Record]]
    position: int
    damaged: int
    unreadable: int


def scan(data: bytes, *, last: bool) -> Scan:
    """Read frames until the bytes end.

    A frame that is not valid is a torn tail when no valid frame follows it in the file, and
    damage when one does. Damage is passed over, since records do not depend on each other and a
    valid checksum in front of a known kind does not come about by chance.

    Args:
        data: bytes of a segment, from a position where a frame begins or damage was found.
        last: whether the file ends with them.
    """
    records: list[tuple[int, Record]] = []
    position = damaged = unreadable = 0
    while position < len(data):
        payload = _payload(data, position)
        if payload is not None:
            position += HEADER_BYTES + len(payload)
            try:
                records.append((position, decode(payload)))
            except msgspec.MsgspecError:
                unreadable += 1
            continue
        if not last and len(data) - position < LARGEST_FRAME:
            break  # It may only be cut off here; the next read begins with it.
        found = _next_frame(data, position + 1)
        if found is None:
            if last:
                break
            # Nothing before this place can begin a frame that the next read would complete.
            found = len(data) - LARGEST_FRAME + 1
        damaged += found - position
        position = found
    return Scan(records, position, damaged, unreadable)


def _payload(data: bytes, position: int) -> bytes | None:
    """The payload of the valid frame that begins here, or None when there is none."""
    start = position + HEADER_BYTES
    if start > len(data):
        return None
    length, checksum = _header.unpack_from(data, position)
    if not 0 < length <= LARGEST_PAYLOAD or start + length > len(data):
        return None
    payload = data[start : start + length]
    return payload if crc32c(payload) == checksum else None


def _next_frame(data: bytes, start: int) -> int | None:
    """Where the next valid frame begins at or after ``start``."""
    return next(
        (place for place in _candidates(data, start) if _payload(data, place) is not None),
        None,
    )


def _candidates(data: bytes, start: int) -> Iterator[int]:
    """Places where a frame may begin: those whose payload would start with a known kind."""
    before = HEADER_BYTES + 1
    following = {kind: data.find(kind, start + before) for kind in KINDS}
    while True:
        found = [(place, kind) for kind, place in following.items() if place >= 0]
        if not found:
            return
        place, kind = min(found)
        yield place - before
        following[kind] = data.find(kind, place + 1)
