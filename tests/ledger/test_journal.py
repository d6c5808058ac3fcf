"""What the journal records, and what it does when its disk or its process fails."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.ledger.examples import START_MS, attempt, outcome

from trunkline.errors import Unavailable
from trunkline.gateway.metering.event import Progress
from trunkline.gateway.metering.usage import Usage
from trunkline.kit.clock import FakeClock
from trunkline.ledger.journal import Journal, JournalStats
from trunkline.ledger.records import Advanced, Carried, Close, Open
from trunkline.ledger.segments import read_all, segments_of
from trunkline.ledger.slots import slots_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
async def journal(root: Path) -> AsyncIterator[Journal]:
    opened = Journal(root, FakeClock(START_MS / 1000))
    await opened.start()
    yield opened
    await opened.close()


async def test_an_attempt_leaves_an_open_its_progress_and_a_close(
    journal: Journal, root: Path
) -> None:
    first, second = attempt(), attempt()
    progress = journal.opened(first)
    journal.opened(second)
    progress.output_bytes = 120
    journal.tick()
    journal.tick()
    journal.closed(first, outcome())
    assert read_all(segments_of(root / "0")[0]) == [
        Carried(0),
        Open(first),
        Open(second),
        Advanced((Progress(first.id, 120),)),
        Close(first, outcome()),
    ]


async def test_a_new_segment_carries_over_what_is_unfinished(root: Path) -> None:
    journal = Journal(root, FakeClock(), segment_bytes=700)
    await journal.start()
    first, second = attempt(), attempt()
    journal.opened(first).output_bytes = 9
    journal.opened(second)
    journal.closed(second, outcome())
    third = attempt()
    journal.opened(third)
    assert [read_all(segment) for segment in segments_of(root / "0")] == [
        [Carried(0), Open(first), Open(second)],
        [
            Open(first),
            Open(second),
            Advanced((Progress(first.id, 9),)),
            Carried(2),
            Close(second, outcome()),
        ],
        [Open(first), Advanced((Progress(first.id, 9),)), Carried(1), Open(third)],
    ]
    await journal.close()


async def test_the_newest_requests_can_be_looked_up_and_older_ones_are_forgotten(
    root: Path,
) -> None:
    journal = Journal(root, FakeClock(), recent_requests=2)
    await journal.start()
    first, second, third, fourth, fifth = made = [attempt() for _ in range(5)]
    retries = [attempt(request_id=one.request_id, number=2) for one in (third, fourth)]
    for one in (first, second, third, fourth, retries[0], fifth, retries[1]):
        journal.opened(one)
        journal.closed(one, outcome())
    assert [journal.recent(one.request_id) for one in made] == [
        (),
        (),
        ((third, outcome()), (retries[0], outcome())),
        ((fourth, outcome()), (retries[1], outcome())),
        ((fifth, outcome()),),
    ]
    await journal.close()


async def test_a_close_tells_what_it_was_given_although_another_attempt_was_opened(
    journal: Journal, root: Path
) -> None:
    opened = attempt()
    changed = msgspec.structs.replace(opened, model="gpt-4o-mini")
    journal.opened(opened)
    journal.closed(changed, outcome())
    journal.closed(changed, outcome(cost_nano=1))
    assert read_all(segments_of(root / "0")[0]) == [
        Carried(0),
        Open(opened),
        Close(changed, outcome()),
        Close(changed, outcome(cost_nano=1)),
    ]
    assert journal.under_way() == []


async def test_an_attempt_is_under_way_until_it_is_closed(root: Path) -> None:
    journal = Journal(root, FakeClock())
    await journal.start()
    first, second = attempt(), attempt()
    journal.opened(first)
    journal.opened(second)
    assert journal.under_way() == [first, second]
    journal.closed(first, outcome())
    assert journal.under_way() == [second]
    await journal.close()


async def test_figures_tell_what_is_written_and_not_yet_on_the_disk(root: Path) -> None:
    clock = FakeClock()
    journal = Journal(root, clock)
    await journal.start()
    journal.opened(attempt())
    clock.advance(0.1)
    written = journal.stats().appended_bytes
    assert written == segments_of(root / "0")[0].stat().st_size
    stats = journal.stats()
    assert stats == JournalStats(
        ready=True,
        appended_bytes=written,
        unsynced_bytes=written,
        lag_seconds=stats.lag_seconds,
        live=1,
        pending=0,
        adopted=0,
        last_error=None,
    )
    assert stats.lag_seconds == pytest.approx(0.1)
    async with asyncio.timeout(20):
        while journal.stats().unsynced_bytes:  # noqa: ASYNC110 -- The sync tells nobody.
            await asyncio.sleep(0.01)
    assert journal.stats().lag_seconds == 0
    await journal.close()


async def test_progress_is_written_without_being_asked_for(root: Path) -> None:
    clock = FakeClock()
    journal = Journal(root, clock)
    await journal.start()
    one = attempt()
    journal.opened(one).output_bytes = 77
    clock.advance(2.0)
    expected = Advanced((Progress(one.id, 77),))
    async with asyncio.timeout(20):
        while expected not in read_all(segments_of(root / "0")[0]):  # noqa: ASYNC110 -- As above.
            await asyncio.sleep(0.02)
    await journal.close()


async def test_nothing_is_opened_before_the_start_or_after_the_close(root: Path) -> None:
    journal = Journal(root, FakeClock())
    with pytest.raises(Unavailable) as before:
        journal.opened(attempt())
    assert before.value.code == "journal_unavailable"
    await journal.start()
    await journal.close()
    with pytest.raises(Unavailable):
        journal.opened(attempt())
    await journal.close()


async def test_a_journal_that_never_started_can_be_closed(root: Path) -> None:
    await Journal(root, FakeClock()).close()
    assert slots_of(root) == []


async def test_each_process_takes_the_lowest_free_slot(root: Path) -> None:
    first, second, third = (Journal(root, FakeClock()) for _ in range(3))
    await first.start()
    await second.start()
    await first.close()
    await third.start()
    assert {slot.name: len(segments_of(slot)) for slot in slots_of(root)} == {"0": 2, "1": 1}
    await second.close()
    await third.close()


async def test_a_directory_that_cannot_be_used_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    journal = Journal(tmp_path / "journal", FakeClock())
    with pytest.raises(Unavailable) as refused:
        await journal.start()
    assert refused.value.code == "journal_unavailable"
    assert str(tmp_path) in refused.value.message
    await journal.close()


async def test_what_a_provider_exaggerates_is_recorded_within_bounds(
    journal: Journal, root: Path
) -> None:
    one = attempt(end_user="\ud800" + "x" * 2_000_000)
    journal.opened(one)
    journal.closed(one, outcome(usage=Usage(input=2**70), cost_nano=2**90))
    [_, opened, closed] = read_all(segments_of(root / "0")[0])
    assert isinstance(opened, Open)
    assert isinstance(closed, Close)
    assert opened.attempt.end_user == "?" + "x" * 255
    assert closed.outcome.usage == Usage(input=2**53)
    assert closed.outcome.cost_nano == 2**53
