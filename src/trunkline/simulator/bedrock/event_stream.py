"""Frames of Amazon's event streams.

A frame is the length of all of it and of its headers, the CRC32 of these two, the headers, the
payload, and the CRC32 of everything before. A header is a name with its length in one byte, the
type 7 for a text, and the text with its length in two.
"""

import struct
import zlib
from collections.abc import Mapping

_PRELUDE = 12
_CHECKSUM = 4
_TEXT = 7


def encode_frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame with headers that are texts."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    length = _PRELUDE + len(block) + len(payload) + _CHECKSUM
    prelude = struct.pack(">II", length, len(block))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


def with_payload(frame: bytes, payload: bytes) -> bytes:
    """The same frame with another payload, and with checksums that hold."""
    (size,) = struct.unpack_from(">I", frame, 4)
    block = frame[_PRELUDE : _PRELUDE + size]
    prelude = struct.pack(">II", _PRELUDE + size + len(payload) + _CHECKSUM, size)
    framed = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return framed + struct.pack(">I", zlib.crc32(framed))


def payload_of(frame: bytes) -> bytes:
    """What a frame carries."""
    (size,) = struct.unpack_from(">I", frame, 4)
    return frame[_PRELUDE + size : -_CHECKSUM]


def _header(name: str, value: str) -> bytes:
    told, text = name.encode(), value.encode()
    return struct.pack(">B", len(told)) + told + struct.pack(">BH", _TEXT, len(text)) + text
