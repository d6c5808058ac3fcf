"""Frames of one stream on their way to the caller, and the items that they tell of."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


class Frames:
    """Collects frames and gives each its number.

    Attributes:
        output: the items of the output in their order; None for one that is not done.
    """

    __slots__ = ("_frames", "_number", "output")

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._number = 0
        self.output: list[Any] = []

    def reserve(self) -> int:
        """The place of a new item in the output."""
        self.output.append(None)
        return len(self.output) - 1

    def add(self, kind: str, **members: Any) -> None:
        """A frame of this type."""
        data = _encode({"type": kind, "sequence_number": self._number, **members})
        self._number += 1
        self._frames.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))

    def piece(self, head: bytes, text: str) -> None:
        """A frame that is one more piece of a text; ``head`` is what ``head_of`` gave."""
        self._frames.append(b'%b%b,"sequence_number":%d}\n\n' % (head, _encode(text), self._number))
        self._number += 1

    def taken(self) -> bytes:
        """The frames since the last time."""
        frames = self._frames
        if not frames:
            return b""
        self._frames = []
        return frames[0] if len(frames) == 1 else b"".join(frames)


def head_of(kind: str, **members: Any) -> bytes:
    """What precedes the text in every piece of one element."""
    data = _encode({"type": kind, **members})
    return b'event: %b\ndata: %b,"delta":' % (kind.encode(), data[:-1])
