"""Framing of server-sent events: bytes are split on frame boundaries and not decoded.

Source: the WHATWG HTML standard, section 9.2. Lines end with LF or CRLF; a frame ends with an empty
line. A lone CR is not taken as the end of a line, since no provider sends one.
"""

import re
from typing import Final

EVENT_STREAM: Final = b"text/event-stream"

_BOUNDARY = re.compile(rb"\n\r?\n")
_MOST_OVERLAP = 2


class FrameTooLarge(Exception):
    """One frame grew beyond the bound; the stream cannot be followed any more."""


class FrameSplitter:
    """Collects chunks and gives back whole frames, terminators included.

    The state is the bytes after the last boundary; one splitter serves one stream.
    """

    __slots__ = ("_limit", "_tail")

    def __init__(self, limit: int) -> None:
        self._tail = bytearray()
        self._limit = limit

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that this chunk completes, in order.

        Raises:
            FrameTooLarge: when an unfinished frame exceeds the limit.
        """
        tail = self._tail
        if not tail:
            # Nearly always one chunk is one frame, and then nothing is copied.
            if _is_frame(chunk):
                return [chunk]
            return self._split(chunk, 0)
        searched = max(0, len(tail) - _MOST_OVERLAP)
        tail += chunk
        if not _BOUNDARY.search(tail, searched):
            if len(tail) > self._limit:
                raise FrameTooLarge
            return []
        return self._split(bytes(tail), searched)

    def _split(self, data: bytes, searched: int) -> list[bytes]:
        frames = []
        start = 0
        for match in _BOUNDARY.finditer(data, searched):
            end = match.end()
            frames.append(data[start:end])
            start = end
        if len(data) - start > self._limit:
            raise FrameTooLarge
        self._tail = bytearray(data[start:])
        return frames

    def rest(self) -> bytes:
        """The bytes that wait for the end of their frame."""
        return bytes(self._tail)

    @property
    def unfinished(self) -> bool:
        """Whether bytes are waiting for the end of their frame."""
        return bool(self._tail.strip())


def _is_frame(chunk: bytes) -> bool:
    """Whether it is surely one whole frame of one line or two, as nearly all chunks are.

    Single characters are looked for, which are found many times faster than two in a row.
    """
    end = len(chunk) - 2
    line = chunk.find(b"\n")
    if 0 <= line < end:
        # Anthropic puts a name before the data. Ends of lines that are nearer are a boundary.
        second = chunk.find(b"\n", line + 1)
        if second < line + 3:
            return False
        line = second
    return line == end and chunk.endswith(b"\n\n")


def data_of(frame: bytes) -> bytes | None:
    """The data of a frame, its lines joined by LF; None when it has none, such as a comment."""
    if frame.startswith(b"data:"):
        # All end their lines with LF but for Google, who ends them with CRLF.
        if frame.find(b"\n", 0, -2) == -1 or (
            frame.endswith(b"\r\n\r\n") and frame.find(b"\n", 0, -4) == -1
        ):
            return frame[5:].strip()
    elif frame.startswith(b"event:"):
        # An event's name in the first line and its data in the second: Anthropic's usual frame.
        start = frame.find(b"\n") + 1
        if frame.startswith(b"data:", start) and frame.find(b"\n", start, -2) == -1:
            return frame[start + 5 :].strip()
    lines = [
        line[5:].removeprefix(b" ").rstrip(b"\r")
        for line in frame.split(b"\n")
        if line.startswith(b"data:")
    ]
    if not lines:
        return None
    return b"\n".join(lines)


def size_of(text: str) -> int:
    """UTF-8 bytes of a text, without making them where it is plain ASCII."""
    return len(text) if text.isascii() else len(text.encode())
