import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.wire.sse import FrameSplitter, FrameTooLarge, data_of, size_of

LINES = st.sampled_from(
    [b'data: {"a":1}', b"event: ping", b": comment", b"data:x", b"id: 7", b'data: "\xc3\xa9"']
)
FRAMES = st.lists(st.lists(LINES, min_size=1, max_size=3), min_size=1, max_size=6)


def test_frames_are_given_back_whole_with_their_terminators() -> None:
    splitter = FrameSplitter(1000)
    assert splitter.feed(b"data: 1\n\ndata: 2\n\ndata: 3") == [b"data: 1\n\n", b"data: 2\n\n"]
    assert splitter.unfinished
    assert splitter.feed(b"\n\n") == [b"data: 3\n\n"]
    assert not splitter.unfinished


def test_crlf_frames_are_split_as_well() -> None:
    splitter = FrameSplitter(1000)
    assert splitter.feed(b"data: 1\r\n\r\ndata: 2\r\n\r") == [b"data: 1\r\n\r\n"]
    assert splitter.feed(b"\n") == [b"data: 2\r\n\r\n"]


@given(FRAMES, st.sampled_from([b"\n", b"\r\n"]), st.data())
def test_any_split_of_a_stream_gives_the_same_frames(
    frames: list[list[bytes]], newline: bytes, data: st.DataObject
) -> None:
    whole = [newline.join(lines) + newline + newline for lines in frames]
    stream = b"".join(whole)
    splitter = FrameSplitter(10_000)
    seen: list[bytes] = []
    position = 0
    while position < len(stream):
        size = data.draw(st.integers(1, max(1, len(stream) // 2)))
        seen += splitter.feed(stream[position : position + size])
        position += size
    assert seen == whole
    assert not splitter.unfinished


@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\n\n"]), max_size=9))
def test_bytes_of_any_kind_are_split_at_once_as_they_are_one_by_one(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)
    at_once, one_by_one = FrameSplitter(100), FrameSplitter(100)
    singly = [frame for byte in stream for frame in one_by_one.feed(bytes([byte]))]
    assert at_once.feed(stream) == singly
    assert at_once.rest() == one_by_one.rest()


def test_a_frame_beyond_the_limit_is_refused_even_byte_by_byte() -> None:
    splitter = FrameSplitter(10)
    for _ in range(10):
        splitter.feed(b"x")
    with pytest.raises(FrameTooLarge):
        splitter.feed(b"x")
    with pytest.raises(FrameTooLarge):
        FrameSplitter(10).feed(b"x" * 11)


def test_a_large_chunk_of_small_frames_is_no_large_frame() -> None:
    assert len(FrameSplitter(20).feed(b"data: 1\n\n" * 100)) == 100


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        (b"data: {}\n\n", b"{}"),
        (b"data:{}\r\n\r\n", b"{}"),
        (b'event: x\ndata: {"a":1}   \n\n', b'{"a":1}'),
        (b"data: a\ndata: b\n\n", b"a\nb"),
        (b"event: x\r\ndata: a\r\ndata: b\r\n\r\n", b"a\nb"),
        (b": comment\n\n", None),
        (b"event: ping\n\n", None),
    ],
)
def test_data_of_a_frame(frame: bytes, data: bytes | None) -> None:
    assert data_of(frame) == data


def test_size_is_counted_in_bytes() -> None:
    assert [size_of("abc"), size_of("ü"), size_of("日本")] == [3, 2, 6]
