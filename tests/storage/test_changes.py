"""The log of changes reaches every process, in order."""

import asyncio

import pytest

from trunkline.kit.clock import FakeClock
from trunkline.storage.changes import (
    Change,
    ChangePoller,
    append_change,
    changes_after,
    forget_changes,
)
from trunkline.storage.engine import Database


class Received:
    """Collects what a poller hands on."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.arrived = asyncio.Condition()

    async def take(self, changes: list[Change]) -> None:
        async with self.arrived:
            self.changes += changes
            self.arrived.notify_all()

    async def until(self, count: int) -> list[tuple[str | None, str, str]]:
        async with asyncio.timeout(10), self.arrived:
            await self.arrived.wait_for(lambda: len(self.changes) >= count)
        return [(change.org_id, change.kind, change.id) for change in self.changes]


async def test_changes_of_this_and_of_another_process_arrive_in_order(database: Database) -> None:
    received = Received()
    poller = ChangePoller(database, interval=0.02, on_changes=received.take)
    async with database.write(None) as conn:
        await append_change(conn, None, "before", "0")
    await poller.start()
    try:
        async with database.write("org") as conn:
            await append_change(conn, "org", "api_key", "1")
            await append_change(conn, "org", "api_key", "2")
        assert await received.until(2) == [("org", "api_key", "1"), ("org", "api_key", "2")]
        async with database.write(None) as conn:
            await append_change(conn, None, "tier", "3")
        assert (await received.until(3))[2] == (None, "tier", "3")
        assert [change.seq for change in received.changes] == [2, 3, 4]
        assert poller.seq in {3, 4}
    finally:
        await poller.stop()


async def append_and_fail(database: Database) -> None:
    async with database.write("org") as conn:
        await append_change(conn, "org", "api_key", "1")
        raise ZeroDivisionError


async def test_a_change_that_is_rolled_back_is_never_told(database: Database) -> None:
    received = Received()
    poller = ChangePoller(database, interval=0.02, on_changes=received.take)
    await poller.start()
    try:
        with pytest.raises(ZeroDivisionError):
            await append_and_fail(database)
        async with database.write("org") as conn:
            await append_change(conn, "org", "api_key", "2")
        assert await received.until(1) == [("org", "api_key", "2")]
    finally:
        await poller.stop()


async def test_changes_written_at_the_same_time_are_all_told_in_commit_order(
    database: Database,
) -> None:
    received = Received()
    poller = ChangePoller(database, interval=0.005, on_changes=received.take)
    await poller.start()

    async def write(number: int) -> None:
        async with database.write("org") as conn:
            await append_change(conn, "org", "api_key", str(number))

    try:
        await asyncio.gather(*(write(number) for number in range(40)))
        told = await received.until(40)
        assert sorted(int(change[2]) for change in told) == list(range(40))
        seqs = [change.seq for change in received.changes]
        assert seqs == sorted(set(seqs))
    finally:
        await poller.stop()


async def test_what_the_listener_could_not_take_is_handed_on_again(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    received = Received()
    failures = [ValueError("first"), ValueError("second")]

    async def take(changes: list[Change]) -> None:
        if failures:
            raise failures.pop()
        await received.take(changes)

    poller = ChangePoller(database, interval=0.005, on_changes=take)
    await poller.start()
    try:
        async with database.write("org") as conn:
            await append_change(conn, "org", "api_key", "1")
        assert await received.until(1) == [("org", "api_key", "1")]
    finally:
        await poller.stop()
    assert [record.message for record in caplog.records] == ["A change could not be taken in"]


async def test_a_log_that_cannot_be_read_makes_us_stale_until_it_can(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    received = Received()
    poller = ChangePoller(sqlite_database, interval=0.005, on_changes=received.take, clock=clock)
    await poller.start()
    try:
        async with sqlite_database.write(None) as conn:
            await append_change(conn, "org", "api_key", "1")
            await conn.exec_driver_sql("ALTER TABLE change RENAME TO elsewhere")
        async with asyncio.timeout(10):
            while not caplog.records:  # noqa: ASYNC110 - the log has no event to wait for.
                await asyncio.sleep(0.005)
        clock.advance(5)
        assert poller.lag == 5
        async with sqlite_database.write(None) as conn:
            await conn.exec_driver_sql("ALTER TABLE elsewhere RENAME TO change")
        assert await received.until(1) == [("org", "api_key", "1")]
        assert poller.lag == 0
    finally:
        await poller.stop()
    assert [record.message for record in caplog.records] == [
        "The log of changes cannot be read: OperationalError: no such table: change"
    ]


async def test_the_lag_grows_while_nothing_is_polled_and_falls_with_the_next_poll(
    sqlite_database: Database,
) -> None:
    clock = FakeClock()
    received = Received()
    poller = ChangePoller(sqlite_database, interval=3600, on_changes=received.take, clock=clock)
    await poller.start()
    try:
        clock.advance(61)
        assert poller.lag == 61
        async with sqlite_database.write("org") as conn:
            await append_change(conn, "org", "api_key", "1")
        poller.poll_now()
        await received.until(1)
        assert poller.lag == 0
    finally:
        await poller.stop()
        await poller.stop()


async def test_more_changes_than_one_page_arrive_completely(sqlite_database: Database) -> None:
    received = Received()
    poller = ChangePoller(sqlite_database, interval=0.01, on_changes=received.take)
    await poller.start()
    try:
        async with sqlite_database.write("org") as conn:
            for number in range(1001):
                await append_change(conn, "org", "api_key", str(number))
        assert len(await received.until(1001)) == 1001
    finally:
        await poller.stop()


async def test_only_the_newest_changes_are_kept(database: Database) -> None:
    async with database.write(None) as conn:
        for number in range(5):
            await append_change(conn, None, "kind", str(number))
    async with database.write(None) as conn:
        removed = await forget_changes(conn, keep=2)
        left = [change.id for change in await changes_after(conn, 0)]
    assert removed >= 3
    assert left == ["3", "4"]
