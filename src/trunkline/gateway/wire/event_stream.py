"""Framing of Amazon's event streams (``application/vnd.amazon.eventstream``).

A frame is its own length and that of its headers, the CRC32 of both, the headers, the payload, and
the CRC32 of all before. Source: AWS's documentation of event stream encoding in Amazon Transcribe
and Smithy; botocore is the oracle of the tests.
"""

import struct
import zlib
from typing import Final, NamedTuple

from trunkline.gateway.wire.contract import Malformed
from trunkline.gateway.wire.sse import FrameTooLarge

EVENT_STREAM: Final = b"application/vnd.amazon.eventstream"

_PRELUDE: Final = struct.Struct(">II")
_CHECKSUM: Final = struct.Struct(">I")
_HEAD_SIZE: Final = 12
_LEAST_SIZE: Final = 16
_TEXT_TYPE: Final = 7
# Bytes of a header's value by its type; a flag has none, bytes and texts say their length.
_FIXED_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_COUNTED_TYPES: Final = frozenset({6, 7})
_MOST_HEADS: Final = 64


class Head(NamedTuple):
    """What a frame's headers say of it.

    Attributes:
        kind: ``event``, ``exception`` or ``error``.
        name: of the event, of the exception, or the code of the error.
        message: of an error, whose frame has no payload.
    """

    kind: str
    name: str
    message: str


class EventStreamSplitter:
    """Collects chunks and gives back whole frames whose checksums hold.

    The state is the bytes after the last frame; one splitter serves one stream.
    """

    __slots__ = ("_limit", "_tail")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tail = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that this chunk completes, in order.

        Raises:
            FrameTooLarge: a frame says that it is longer than the limit.
            Malformed: a checksum or a length is wrong.
        """
        data = self._tail + chunk if self._tail else chunk
        frames = []
        start, end = 0, len(data)
        while end - start >= _HEAD_SIZE:
            size, headers = _PRELUDE.unpack_from(data, start)
            head = data[start : start + _HEAD_SIZE - _CHECKSUM.size]
            if zlib.crc32(head) != _CHECKSUM.unpack_from(data, start + len(head))[0]:
                raise Malformed("the checksum of a frame's lengths does not hold")
            if size < _LEAST_SIZE + headers:
                raise Malformed("a frame is shorter than its headers")
            if size > self._limit:
                raise FrameTooLarge
            if end - start < size:
                break
            frame = data[start : start + size]
            if zlib.crc32(frame[: -_CHECKSUM.size]) != _CHECKSUM.unpack_from(frame, size - 4)[0]:
                raise Malformed("the checksum of a frame does not hold")
            frames.append(frame)
            start += size
        self._tail = data[start:]
        return frames

    def rest(self) -> bytes:
        """The bytes that wait for the end of their frame."""
        return self._tail


class FrameReader:
    """Reads the frames of one stream.

    The headers of a stream's frames are the same few over and over, so the state is those met
    before, by their bytes.
    """

    __slots__ = ("_heads",)

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}

    def read(self, frame: bytes) -> tuple[Head, bytes]:
        """The head and the payload of a whole frame.

        Raises:
            Malformed: its headers are not what the framing promises.
        """
        end = _HEAD_SIZE + int.from_bytes(frame[4:8], "big")
        block = frame[_HEAD_SIZE:end]
        head = self._heads.get(block)
        if head is None:
            head = _head(block)
            if len(self._heads) < _MOST_HEADS:
                self._heads[block] = head
        return head, frame[end : -_CHECKSUM.size]


def _head(block: bytes) -> Head:
    headers = _headers(block)
    kind = headers.get(":message-type", "")
    if kind == "event":
        return Head(kind, headers.get(":event-type", ""), "")
    if kind == "exception":
        return Head(kind, headers.get(":exception-type", ""), "")
    if kind == "error":
        return Head(kind, headers.get(":error-code", ""), headers.get(":error-message", ""))
    raise Malformed("a frame does not say what it is")


def _headers(block: bytes) -> dict[str, str]:
    """The headers that are texts; the others are passed over."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(block):
            named = at + 1 + block[at]
            name, kind = block[at + 1 : named].decode(), block[named]
            at = named + 1
            if kind in _COUNTED_TYPES:
                size = int.from_bytes(block[at : at + 2], "big")
                at += 2
            else:
                size = _FIXED_SIZES[kind]
            if at + size > len(block):
                raise Malformed("a header of a frame is cut")
            if kind == _TEXT_TYPE:
                found[name] = block[at : at + size].decode()
            at += size
    except (IndexError, KeyError, UnicodeDecodeError):
        raise Malformed("a header of a frame cannot be read") from None
    return found


def encode_frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame whose headers are texts."""
    block = b"".join(_encoded(name, value) for name, value in headers.items())
    prelude = _PRELUDE.pack(_LEAST_SIZE + len(block) + len(payload), len(block))
    frame = b"".join((prelude, _CHECKSUM.pack(zlib.crc32(prelude)), block, payload))
    return frame + _CHECKSUM.pack(zlib.crc32(frame))


def _encoded(name: str, value: str) -> bytes:
    told, text = name.encode(), value.encode()
    return b"%c%b%c%b%b" % (len(told), told, _TEXT_TYPE, len(text).to_bytes(2, "big"), text)
