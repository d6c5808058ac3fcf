"""The nearest stored question inside one frame: exact cosine behind a coarse first look.

A thousand vectors of 1,536 numbers are a million and a half products, 40 ms in plain Python, and
the event loop may be held for 2. So each vector also has one bit for the sign of each number, and
two vectors are first compared by how many bits differ, which takes a tenth of a microsecond. The
few nearest by bits are then compared by their numbers, so that no match is ever claimed by bits
alone; what bits overlook is a missed hit. Vector stores know this as binary quantisation with
rescoring. It needs no numerical library, which would cost the front 20 MB and more.
"""

import math
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from operator import mul
from typing import Final

import msgspec

from trunkline.gateway.recall.near_marks import Marks, difference
from trunkline.gateway.recall.nearness import Near
from trunkline.kit.clock import Clock

MOST_IN_A_PLACE: Final = 1_000
"""Entries of one place; the oldest leaves for a newer one."""

MOST_BYTES: Final = 33_554_432
"""Of all entries together: about 4,000 vectors of 1,536 numbers."""

_LOOKED_AT: Final = 128
_COMPARED: Final = 16
_BYTES_OF_AN_ENTRY: Final = 900
_BYTES_OF_A_WORD: Final = 60


class Vector(msgspec.Struct, frozen=True):
    """The embedding of a text.

    Attributes:
        model: whose it is; vectors of two models have nothing to do with each other.
        numbers: float32, of length 1 together.
        bits: one for each number that is above zero.
    """

    model: str
    numbers: "array[float]"
    bits: int


def vector_of(model: str, numbers: Sequence[float]) -> Vector | None:
    """A vector brought to length 1; None where it has no direction."""
    length = math.sqrt(sum(map(mul, numbers, numbers)))
    if not 0 < length < math.inf:
        return None
    ones = array("f", [number / length for number in numbers])
    bits = int("".join(["1" if number > 0 else "0" for number in ones]), 2)
    return Vector(model, ones, bits)


def cosine(one: Vector, other: Vector) -> float:
    """How alike two vectors of one model and size are: 1 for the same direction."""
    products: float = sum(map(mul, one.numbers, other.numbers))
    return min(1.0, products)


class _Entry(msgspec.Struct, frozen=True):
    """A stored question; ``size`` is an estimate in bytes."""

    place: bytes
    vector: Vector
    marks: Marks
    expires: float
    size: int


class NearIndex:
    """Stored questions by place: a frame in a space, for vectors of one model and size.

    Its state is the entries, how many bytes they take, and where each key is. The places that were
    not asked for longest lose their oldest entries first.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        most_in_a_place: int = MOST_IN_A_PLACE,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._clock = clock
        self._most_in_a_place = most_in_a_place
        self._most_bytes = most_bytes
        self._places: OrderedDict[bytes, dict[str, _Entry]] = OrderedDict()
        self._entries: dict[str, _Entry] = {}
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes of all entries, estimated."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)

    def nearest(self, place: bytes, vector: Vector, marks: Marks, threshold: float) -> Near | None:
        """The nearest question of a place with the same marks, from this cosine on."""
        entries = self._places.get(place)
        if not entries:
            return None
        self._places.move_to_end(place)
        best: Near | None = None
        compared = 0
        for _, key in self._ranked(entries, vector.bits, marks)[:_LOOKED_AT]:
            entry = entries[key]
            if difference(entry.marks, marks) is not None:
                continue
            likeness = cosine(entry.vector, vector)
            if likeness >= threshold and (best is None or likeness > best.similarity):
                best = Near(key, likeness)
            compared += 1
            if compared == _COMPARED:
                break
        return best

    def add(self, place: bytes, key: str, vector: Vector, marks: Marks, ttl: float) -> None:
        """Enter the question of a stored answer for as long as the answer lives, in seconds."""
        self.remove(key)
        expires = self._clock.monotonic() + ttl
        entry = _Entry(place, vector, marks, expires, _size_of(vector, marks))
        entries = self._places.setdefault(place, {})
        self._places.move_to_end(place)
        entries[key] = self._entries[key] = entry
        self._bytes += entry.size
        if len(entries) > self._most_in_a_place:
            self.remove(next(iter(entries)))
        while self._bytes > self._most_bytes:
            coldest = next(iter(self._places.values()))
            self.remove(next(iter(coldest)))

    def remove(self, key: str) -> None:
        """Forget a question whose answer is gone; one that is not there is no error."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._bytes -= entry.size
        entries = self._places[entry.place]
        del entries[key]
        if not entries:
            del self._places[entry.place]

    def _ranked(self, entries: dict[str, _Entry], bits: int, marks: Marks) -> list[tuple[int, str]]:
        """The entries that still live, the nearest by bits first."""
        now, numbers = self._clock.monotonic(), marks.numbers
        return sorted(
            ((entry.vector.bits ^ bits).bit_count(), key)
            for key, entry in entries.items()
            # Templates that differ by their numbers would otherwise take all the nearest places.
            if entry.marks.numbers == numbers and entry.expires > now
        )


def _size_of(vector: Vector, marks: Marks) -> int:
    # A word is an object of its own; a number of the vector is four bytes and a bit.
    words = sum(map(len, marks.words)) + _BYTES_OF_A_WORD * len(marks.words)
    return _BYTES_OF_AN_ENTRY + words + 4 * len(vector.numbers) + len(vector.numbers) // 8
