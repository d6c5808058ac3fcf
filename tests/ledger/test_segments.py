"""The file format: whole frames are read, torn ones waited for, damaged ones passed over."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.examples import attempt, outcome

from trunkline.gateway.metering.event import Attempt, Outcome, Progress
from trunkline.ledger.frames import HEADER_BYTES, LARGEST_FRAME, MAGIC, frame, scan
from trunkline.ledger.records import (
    CLOSE,
    LARGEST_PAYLOAD,
    OPEN,
    Advanced,
    Carried,
    Close,
    Open,
    Record,
    decode,
    encode,
    recordable,
)
from trunkline.ledger.segments import Segment, read_all, read_batch, segments_of

words = st.text(max_size=40)
counts = st.integers(0, 2**63)
attempts = st.builds(
    attempt,
    client_request_id=words,
    end_user=st.none() | words,
    alias=words,
    hold_nano=st.none() | counts,
    tags=st.lists(st.tuples(words, words), max_size=3).map(tuple),
)
outcomes = st.builds(outcome, cost_nano=st.none() | counts, upstream_id=st.none() | words)
records = st.one_of(
    st.builds(Open, attempts),
    st.builds(Close, attempts, outcomes),
    st.builds(Carried, st.integers(0, 5000)),
    st.builds(Advanced, st.lists(st.builds(Progress, words, counts), max_size=5).map(tuple)),
)

FRAMES = [frame(encode(record)) for record in (Open(attempt()), Close(attempt(), outcome()))]


def written(record: Record) -> bytes:
    return frame(encode(record))


@given(st.lists(records, max_size=6))
def test_what_was_written_is_read(given_records: list[Record]) -> None:
    data = b"".join(map(written, given_records))
    found = scan(data, last=True)
    assert [record for _, record in found.records] == given_records
    assert (found.position, found.damaged, found.unreadable) == (len(data), 0, 0)


@given(st.lists(records, min_size=1, max_size=3), st.data())
def test_a_tail_torn_at_any_byte_is_left_for_later(
    given_records: list[Record], data: st.DataObject
) -> None:
    whole = b"".join(map(written, given_records[:-1]))
    last = written(given_records[-1])
    cut = data.draw(st.integers(0, len(last) - 1))
    found = scan(whole + last[:cut], last=True)
    assert [record for _, record in found.records] == given_records[:-1]
    assert (found.position, found.damaged) == (len(whole), 0)


def test_every_possible_tear_of_a_last_frame_is_read_when_it_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "1-a.seg"
    first, last = Open(attempt()), Close(attempt(), outcome())
    whole, torn = MAGIC + written(first), written(last)
    assert len(torn) > 400
    for cut in range(len(torn)):
        file.write_bytes(whole + torn[:cut])
        batch = read_batch(file)
        assert [record for _, record in batch.records] == [first]
        assert (batch.position, batch.torn, batch.damaged) == (len(whole), cut, 0)
        file.write_bytes(whole + torn)
        assert read_batch(file, batch.position).records == [(len(whole) + len(torn), last)]


@given(st.binary(max_size=200), st.integers(0, 40))
def test_zeros_after_a_power_loss_are_a_torn_tail(payload: bytes, zeros: int) -> None:
    data = written(Carried(1)) + bytes(zeros)
    found = scan(data, last=True)
    assert [record for _, record in found.records] == [Carried(1)]
    assert found.damaged == 0


@given(st.data())
def test_damage_in_the_middle_costs_only_the_records_that_it_hit(data: st.DataObject) -> None:
    given_records = data.draw(st.lists(records, min_size=3, max_size=6))
    frames = [written(record) for record in given_records]
    hit = data.draw(st.integers(1, len(frames) - 2))
    broken = bytearray(frames[hit])
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= data.draw(st.integers(1, 255))
    found = scan(b"".join([*frames[:hit], bytes(broken), *frames[hit + 1 :]]), last=True)
    expected = given_records[:hit] + given_records[hit + 1 :]
    assert [record for _, record in found.records] == expected
    assert found.damaged == len(broken)
    assert found.position == sum(map(len, frames))


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(noise: bytes) -> None:
    found = scan(noise, last=True)
    assert found.position + 0 <= len(noise)
    with_end = scan(noise + written(Carried(3)), last=True)
    assert with_end.records[-1][1] == Carried(3)


def test_a_record_of_a_later_version_is_counted_and_passed_over() -> None:
    later = frame(msgspec.msgpack.encode(["renamed", 1]))
    found = scan(later + written(Carried(1)), last=True)
    assert (found.unreadable, found.damaged) == (1, 0)
    assert [record for _, record in found.records] == [Carried(1)]


def test_fields_added_at_the_end_do_not_hide_a_record() -> None:
    longer = msgspec.msgpack.encode(["carried", 4, "new"])
    assert decode(longer) == Carried(4)


def test_a_segment_is_read_in_parts_that_may_cut_frames(tmp_path: Path) -> None:
    file = tmp_path / "1-a.seg"
    given_records = [Close(attempt(number=number), outcome()) for number in range(9000)]
    file.write_bytes(MAGIC + b"".join(map(written, given_records)))
    assert file.stat().st_size > 4 * LARGEST_FRAME
    assert read_all(file) == given_records


def test_large_damage_is_passed_over_in_parts(tmp_path: Path) -> None:
    file = tmp_path / "1-a.seg"
    before, after = Carried(1), Carried(2)
    noise = bytes([0xAB]) * (9 * LARGEST_FRAME)
    file.write_bytes(MAGIC + written(before) + noise + written(after))
    assert read_all(file) == [before, after]
    batch = read_batch(file)
    assert batch.damaged > 2 * LARGEST_FRAME
    assert batch.torn == 0


def test_a_missing_segment_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_batch(tmp_path / "1-a.seg")


def test_segments_are_numbered_and_appear_whole(tmp_path: Path) -> None:
    opening = written(Carried(0))
    first = Segment.create(tmp_path, opening)
    second = Segment.create(tmp_path, opening, durable=True)
    assert segments_of(tmp_path) == [first.path, second.path]
    assert [path.name[:9] for path in segments_of(tmp_path)] == ["00000001-", "00000002-"]
    second.append(written(Carried(7)))
    assert read_all(second.path) == [Carried(0), Carried(7)]
    assert second.size == second.path.stat().st_size
    first.close()
    second.close()


def test_a_segment_that_cannot_be_named_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "next.tmp").mkdir()
    with pytest.raises(IsADirectoryError):
        Segment.create(tmp_path, b"")
    assert segments_of(tmp_path) == []


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "next.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        Segment.create(tmp_path, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_payload_too_large_is_cut_down() -> None:
    tags = tuple((str(number), "v" * 400) for number in range(9000))
    payload = encode(Open(attempt(tags=tags)))
    read = decode(payload)
    assert isinstance(read, Open)
    assert read.attempt.tags == tuple((str(number), "v" * 256) for number in range(64))


@given(st.integers(), words)
def test_what_is_recordable_stays_as_it_is(number: int, word: str) -> None:
    assert recordable(number) == max(-(2**53), min(number, 2**53))
    assert recordable(word) == word.replace("\0", "")
    assert recordable(None) is None
    assert recordable(True) is True
    assert recordable((1, word)) == (1, word.replace("\0", ""))


def test_a_payload_too_large_by_its_two_parts_together_is_cut_down_as_well() -> None:
    largest = attempt(client_request_id="x" * (LARGEST_PAYLOAD // 2 + 1))
    answered = outcome(upstream_id="y" * (LARGEST_PAYLOAD // 2 - 1000))
    payload = CLOSE + encode(largest) + encode(answered)
    assert len(payload) < LARGEST_PAYLOAD
    shorter = msgspec.structs.replace(largest, client_request_id="x" * 256)
    assert decode(payload) == Close(shorter, answered)


@given(attempts, outcomes)
def test_an_attempt_that_is_encoded_once_stands_in_its_open_and_in_its_close(
    opened: Attempt, ended: Outcome
) -> None:
    encoded = encode(opened)
    assert OPEN + encoded == encode(Open(opened))
    assert CLOSE + encoded + encode(ended) == encode(Close(opened, ended))
    assert frame(CLOSE, encoded, encode(ended)) == frame(encode(Close(opened, ended)))


def test_segments_of_earlier_versions_are_read() -> None:
    written_by_them = bytes.fromhex("0c0000007e08476c92a763617272696564cd0fa0")
    assert frame(encode(Carried(4000))) == written_by_them
    assert [record for _, record in scan(written_by_them, last=True).records] == [Carried(4000)]


def test_a_frame_begins_with_its_length() -> None:
    for data in FRAMES:
        assert int.from_bytes(data[:4], "little") == len(data) - HEADER_BYTES
