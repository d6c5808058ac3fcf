"""Framing of newline-delimited JSON: each line that is not blank is one document.

A frame is a line with its end, LF or CRLF, and with the blank lines before it, so that the frames
of a stream are its bytes.
"""

from typing import Final

from typing_extensions import override

from trunkline.gateway.wire.contract import Splitter
from trunkline.gateway.wire.sse import FrameTooLarge

NDJSON: Final = b"application/x-ndjson"


class LineSplitter(Splitter):
    """Collects chunks and gives back whole lines. Its state is the bytes after the last line."""

    __slots__ = ("_limit", "_tail")

    def __init__(self, limit: int) -> None:
        self._tail = bytearray()
        self._limit = limit

    @override
    def feed(self, chunk: bytes) -> list[bytes]:
        tail = self._tail
        if not tail and 0 <= chunk.find(b"\n") == len(chunk) - 1 and not chunk.isspace():
            # Nearly always one chunk is one line, and then nothing is copied.
            return [chunk]
        searched = len(tail)
        tail += chunk
        if tail.find(b"\n", searched) == -1:
            if len(tail) > self._limit:
                raise FrameTooLarge
            return []
        return self._split(bytes(tail))

    def _split(self, data: bytes) -> list[bytes]:
        frames = []
        start = seen = 0
        while (end := data.find(b"\n", seen) + 1) > 0:
            if data[seen:end].strip():
                frames.append(data[start:end])
                start = end
            seen = end
        if len(data) - start > self._limit:
            raise FrameTooLarge
        self._tail = bytearray(data[start:])
        return frames

    @override
    def rest(self) -> bytes:
        return bytes(self._tail)
