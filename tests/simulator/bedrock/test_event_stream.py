"""Frames: those that were recorded come out again byte for byte, and botocore reads ours."""

from pathlib import Path

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st
from tests.simulator.conftest import TRANSCRIPTS

from trunkline.simulator.bedrock.event_stream import encode_frame, payload_of, with_payload

RECORDED = sorted(TRANSCRIPTS.glob("bedrock/*.eventstream.bin"))

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def parsed(frames: bytes) -> list[tuple[dict[str, str], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(frames)
    return [(event.headers, event.payload) for event in buffer]


@pytest.mark.skipif(not RECORDED, reason="the recorded transcripts are not on this machine")
@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.name)
def test_recorded_frames_are_encoded_the_same(file: Path) -> None:
    recorded = file.read_bytes()
    assert b"".join(encode_frame(*frame) for frame in parsed(recorded)) == recorded


@given(st.dictionaries(texts.filter(bool), texts, max_size=4), st.binary(), st.binary())
def test_what_is_encoded_is_read_again(
    headers: dict[str, str], payload: bytes, other: bytes
) -> None:
    frame = encode_frame(headers, payload)
    assert parsed(frame) == [(headers, payload)]
    assert payload_of(frame) == payload
    assert with_payload(frame, other) == encode_frame(headers, other)
