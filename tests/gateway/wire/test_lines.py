from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.wire.lines import LineSplitter
from trunkline.gateway.wire.sse import FrameTooLarge

STREAM = b'\n{"a":1}\r\n\r\n \n{"b":"\xc3\xbc"}\n{"done":true}\n'
FRAMES = [b'\n{"a":1}\r\n', b'\r\n \n{"b":"\xc3\xbc"}\n', b'{"done":true}\n']


@given(st.sets(st.integers(0, len(STREAM))))
def test_lines_are_the_same_wherever_the_bytes_are_cut(cuts: set[int]) -> None:
    splitter = LineSplitter(100)
    places = [0, *sorted(cuts), len(STREAM)]
    frames = []
    for start, end in pairwise(places):
        frames += splitter.feed(STREAM[start:end])
    assert frames == FRAMES
    assert splitter.rest() == b""


def test_a_chunk_that_is_one_line_is_handed_on_as_it_is() -> None:
    chunk = b'{"done":false}\n'
    assert LineSplitter(4).feed(chunk)[0] is chunk


def test_a_line_without_an_end_waits_and_is_not_lost() -> None:
    splitter = LineSplitter(100)
    assert splitter.feed(b'{"a":1}\n{"done":') == [b'{"a":1}\n']
    assert splitter.rest() == b'{"done":'
    assert splitter.feed(b"true}\n") == [b'{"done":true}\n']


@pytest.mark.parametrize(
    ("before", "last"), [(b"", b"x" * 11), (b"x" * 6, b"x" * 6), (b"", b"{}\n" + b"x" * 11)]
)
def test_a_line_that_never_ends_is_given_up(before: bytes, last: bytes) -> None:
    splitter = LineSplitter(10)
    splitter.feed(before)
    with pytest.raises(FrameTooLarge):
        splitter.feed(last)
