"""Several readers of the log take a change into use in one step."""

from collections.abc import Awaitable, Callable

from trunkline.storage.changes import Change, append_change, changes_after
from trunkline.storage.engine import Database
from trunkline.storage.together import MOST_READINGS, Together

Swap = Callable[[], None]


async def put(database: Database, kind: str) -> None:
    async with database.write(None) as conn:
        await append_change(conn, None, kind, "id")


async def newest(database: Database) -> list[Change]:
    async with database.read(None) as conn:
        return await changes_after(conn, 0)


def reader(
    name: str, told: list[str], while_reading: Callable[[], Awaitable[None]] | None = None
) -> Callable[[list[Change]], Awaitable[Swap]]:
    async def prepare(changes: list[Change]) -> Swap:
        told.append(f"{name} reads {len(changes)}")
        if while_reading is not None:
            await while_reading()
        return lambda: told.append(f"{name} swaps {len(changes)}")

    return prepare


async def test_all_have_read_before_the_first_swaps(database: Database) -> None:
    await put(database, "alias")
    told: list[str] = []
    await Together(database, [reader("a", told), reader("b", told)]).apply(await newest(database))
    assert told == ["a reads 1", "b reads 1", "a swaps 1", "b swaps 1"]


async def test_what_is_committed_while_they_read_is_read_by_all(database: Database) -> None:
    await put(database, "alias")
    told: list[str] = []
    once = iter([True])

    async def commit() -> None:
        if next(once, False):
            await put(database, "api_key")

    readers = [reader("a", told), reader("b", told, commit)]
    await Together(database, readers).apply(await newest(database))
    assert told == [
        "a reads 1", "b reads 1", "a reads 2", "b reads 2", "a swaps 2", "b swaps 2",
    ]  # fmt: skip


async def test_a_log_that_never_rests_is_followed_nevertheless(database: Database) -> None:
    await put(database, "alias")
    told: list[str] = []

    async def commit() -> None:
        await put(database, "alias")

    await Together(database, [reader("a", told, commit)]).apply(await newest(database))
    assert [line for line in told if "swaps" in line] == [f"a swaps {MOST_READINGS}"]


async def test_a_reader_that_nothing_touches_swaps_nothing(database: Database) -> None:
    async def nothing(_: list[Change]) -> None:
        return None

    await Together(database, [nothing]).apply([])
