"""Amazon's event streams: cut at any byte, checked by both checksums, as botocore reads them."""

import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.wire.contract import Malformed
from trunkline.gateway.wire.event_stream import (
    EventStreamSplitter,
    FrameReader,
    Head,
    encode_frame,
)
from trunkline.gateway.wire.sse import FrameTooLarge

EVENT = {
    ":event-type": "messageStop",
    ":content-type": "application/json",
    ":message-type": "event",
}
FRAMES = (
    encode_frame(EVENT, b'{"stopReason":"end_turn"}'),
    encode_frame({":message-type": "exception", ":exception-type": "throttlingException"}, b"{}"),
    encode_frame({":message-type": "event", ":event-type": "metadata"}, b"x" * 5000),
)
STREAM = b"".join(FRAMES)


def framed(block: bytes, payload: bytes = b"") -> bytes:
    """A frame with these bytes as its headers, whatever they are."""
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


def test_frames_come_out_whole_wherever_the_stream_is_cut() -> None:
    for cut in range(len(STREAM) + 1):
        splitter = EventStreamSplitter(10_000)
        found = splitter.feed(STREAM[:cut]) + splitter.feed(STREAM[cut:])
        assert (tuple(found), splitter.rest()) == (FRAMES, b""), cut


def test_frames_come_out_whole_when_each_byte_comes_alone() -> None:
    splitter = EventStreamSplitter(10_000)
    found = [frame for at in range(len(STREAM)) for frame in splitter.feed(STREAM[at : at + 1])]
    assert tuple(found) == FRAMES


def test_the_bytes_of_an_unfinished_frame_wait() -> None:
    splitter = EventStreamSplitter(10_000)
    assert splitter.feed(STREAM[:20]) == []
    assert splitter.rest() == STREAM[:20]


@given(st.integers(0, len(FRAMES[0]) - 1), st.integers(1, 255))
def test_no_byte_of_a_frame_can_change_unnoticed(place: int, change: int) -> None:
    broken = bytearray(FRAMES[0])
    broken[place] ^= change
    with pytest.raises(Malformed):
        EventStreamSplitter(10_000).feed(bytes(broken))


def test_a_frame_that_is_longer_than_the_limit_is_refused_before_it_has_come() -> None:
    with pytest.raises(FrameTooLarge):
        EventStreamSplitter(1000).feed(FRAMES[2][:12])


def test_a_frame_that_is_shorter_than_its_headers_is_refused() -> None:
    prelude = struct.pack(">II", 20, 9)
    with pytest.raises(Malformed, match="shorter"):
        EventStreamSplitter(1000).feed(prelude + struct.pack(">I", zlib.crc32(prelude)))


def test_the_head_of_a_frame_says_what_it_is() -> None:
    reader = FrameReader()
    error = {":message-type": "error", ":error-code": "Busy", ":error-message": "Later."}
    assert reader.read(FRAMES[0]) == (
        Head("event", "messageStop", ""), b'{"stopReason":"end_turn"}',
    )  # fmt: skip
    assert reader.read(FRAMES[0]) == reader.read(FRAMES[0])
    assert reader.read(FRAMES[1]) == (Head("exception", "throttlingException", ""), b"{}")
    assert reader.read(encode_frame(error, b"")) == (Head("error", "Busy", "Later."), b"")


def test_headers_of_other_types_are_passed_over() -> None:
    others = b"".join(
        b"\x01a" + bytes([kind]) + value
        for kind, value in (
            (0, b""), (1, b""), (2, b"1"), (3, b"22"), (4, b"4444"), (5, b"8" * 8),
            (6, b"\x00\x03abc"), (8, b"8" * 8), (9, b"u" * 16),
        )
    )  # fmt: skip
    text = framed(b"")  # Nothing at all is no head.
    with pytest.raises(Malformed, match="what it is"):
        FrameReader().read(text)
    mine = encode_frame({":message-type": "event", ":event-type": "x"}, b"")[12:-4]
    assert FrameReader().read(framed(others + mine, b"p")) == (Head("event", "x", ""), b"p")


@given(st.binary(max_size=60))
def test_headers_of_any_bytes_are_read_or_refused(block: bytes) -> None:
    reader = FrameReader()
    try:
        head, payload = reader.read(framed(block, b"p"))
    except Malformed:
        return
    assert (head.kind in {"event", "exception", "error"}, payload) == (True, b"p")


def test_no_stream_of_strange_heads_fills_the_memory() -> None:
    reader = FrameReader()
    for number in range(1000):
        reader.read(encode_frame({":message-type": "event", ":event-type": str(number)}, b""))
    assert len(reader._heads) <= 64


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=4), st.binary())
def test_botocore_reads_the_frames_that_we_write(headers: dict[str, str], payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode_frame(headers, payload))
    (message,) = list(buffer)
    assert (dict(message.headers), message.payload) == (headers, payload)
