"""What a dead process left open is closed as lost, once, between its input and its hold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.examples import START_MS, attempt, outcome

from trunkline.gateway.metering.event import Outcome, Progress
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.clock import FakeClock
from trunkline.ledger.frames import frame
from trunkline.ledger.records import Advanced, Carried, Close, Open, Record, encode
from trunkline.ledger.recovery import Unfinished, adopt_all, outcome_of_lost
from trunkline.ledger.segments import Segment, read_all, segments_of
from trunkline.ledger.slots import Slot

CLOCK = FakeClock(START_MS / 1000 + 5)
NOW_MS = START_MS + 5000


def leave(root: Path, *segments: list[Record], slot: str = "0") -> Path:
    """Segments of an owner that has died."""
    path = root / slot
    path.mkdir(parents=True)
    for records in segments:
        Segment.create(path, b"".join(frame(encode(record)) for record in records)).close()
    return path


def test_an_attempt_without_an_end_is_closed_with_an_estimate(tmp_path: Path) -> None:
    lost, done = attempt(), attempt()
    slot = leave(
        tmp_path,
        [
            Carried(0),
            Open(lost),
            Open(done),
            Advanced((Progress(lost.id, 400), Progress(done.id, 8))),
            Close(done, outcome()),
            Advanced((Progress(lost.id, 1001), Progress("unknown", 5))),
        ],
    )
    assert adopt_all(tmp_path, CLOCK) == 1
    assert read_all(segments_of(slot)[-1]) == [
        Close(
            lost,
            Outcome(
                closed_ms=NOW_MS,
                ending="lost",
                cost_state="estimated",
                # 1001 bytes are 251 tokens at 10,000,000 nano-dollars per million, and the input.
                cost_nano=1_000 + 2_510,
                usage=Usage(input=20, output=251),
                price_ref="openai/gpt-4o@1",
                error_code="process_lost",
                output_bytes=1001,
            ),
        ),
        Carried(0),
    ]


def test_adopting_again_changes_nothing(tmp_path: Path) -> None:
    slot = leave(tmp_path, [Carried(0), Open(attempt())])
    assert adopt_all(tmp_path, CLOCK) == 1
    before = segments_of(slot)
    assert adopt_all(tmp_path, CLOCK) == 0
    assert segments_of(slot) == before


def test_an_adopter_that_died_in_the_middle_is_repeated_whole(tmp_path: Path) -> None:
    lost = attempt()
    slot = leave(tmp_path, [Carried(0), Open(lost)])
    (slot / "next.tmp").write_bytes(b"what it had written until then")
    assert adopt_all(tmp_path, CLOCK) == 1
    closes = [r for s in segments_of(slot) for r in read_all(s) if isinstance(r, Close)]
    assert [close.attempt for close in closes] == [lost]
    assert not (slot / "next.tmp").exists()


def test_a_slot_whose_owner_lives_is_left_alone(tmp_path: Path) -> None:
    slot = leave(tmp_path, [Carried(0), Open(attempt())])
    owner = Slot.claim(slot)
    assert owner is not None
    with owner:
        assert repr(owner) == "Slot(0)"
        assert adopt_all(tmp_path, CLOCK) == 0
    assert adopt_all(tmp_path, CLOCK) == 1


def test_all_slots_without_an_owner_are_adopted(tmp_path: Path) -> None:
    for name in ("0", "1", "10"):
        leave(tmp_path, [Carried(0), Open(attempt())], slot=name)
    (tmp_path / "notes").mkdir()
    assert adopt_all(tmp_path, CLOCK) == 3


def test_no_journal_means_nothing_to_adopt(tmp_path: Path) -> None:
    assert adopt_all(tmp_path / "journal", CLOCK) == 0


def test_only_segments_since_the_last_carrying_over_count(tmp_path: Path) -> None:
    live, done = attempt(), attempt()
    slot = leave(
        tmp_path,
        # The close of the second attempt failed, waited in memory, and began the next segment.
        [Carried(0), Open(live), Open(done)],
        [Open(live), Close(done, outcome()), Carried(1)],
    )
    assert adopt_all(tmp_path, CLOCK) == 1
    first, *_ = read_all(segments_of(slot)[-1])
    assert isinstance(first, Close)
    assert first.attempt == live


def test_an_opening_lost_to_a_power_failure_makes_the_segment_before_it_count(
    tmp_path: Path,
) -> None:
    one, two = attempt(), attempt()
    slot = leave(tmp_path, [Carried(0), Open(one), Open(two)], [Open(one)])
    newest = segments_of(slot)[-1]
    newest.write_bytes(newest.read_bytes()[:-1])
    assert adopt_all(tmp_path, CLOCK) == 2


@given(
    output_bytes=st.integers(0, 10**9),
    floor=st.integers(0, 10**6),
    over=st.integers(0, 10**6),
    rate=st.none() | st.integers(0, 10**9),
    bound=st.integers(0, 10**5),
)
def test_an_estimate_lies_between_the_input_alone_and_the_hold(
    output_bytes: int, floor: int, over: int, rate: int | None, bound: int
) -> None:
    lost = attempt(
        floor_nano=floor, hold_nano=floor + over, output_rate_nano=rate, output_bound=bound
    )
    ended = outcome_of_lost(Unfinished(lost, output_bytes), NOW_MS)
    assert ended.cost_nano is not None
    assert floor <= ended.cost_nano <= floor + over
    assert ended.usage.output <= bound
    assert ended.cost_state == "estimated"


@pytest.mark.parametrize("unknown", [{"floor_nano": None}, {"hold_nano": None}])
def test_without_a_price_the_cost_stays_unknown(unknown: dict[str, None]) -> None:
    ended = outcome_of_lost(Unfinished(attempt(**unknown), 40), NOW_MS)
    assert (ended.cost_state, ended.cost_nano) == ("unpriced", None)
    assert ended.usage == Usage(input=20, output=10)
