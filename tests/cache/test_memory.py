"""The bounds of the store in memory."""

from trunkline.cache.memory import OVERHEAD_BYTES, MemoryStore
from trunkline.gateway.recall.store import StoreStats
from trunkline.kit.clock import FakeClock

ONE = 5 + 95 + OVERHEAD_BYTES  # Bytes of the entries below.


async def test_what_was_used_least_recently_makes_room() -> None:
    store = MemoryStore(10 * ONE, FakeClock())
    for number in range(10):
        await store.set(f"o/a/{number}", b"x" * 95, 60)
    assert await store.get("o/a/0") is not None
    await store.set("o/a/a", b"x" * 95, 60)
    found = await store.get_many([f"o/a/{number}" for number in "012a"])
    assert [value is not None for value in found] == [True, False, True, True]
    assert store.stats() == StoreStats(entries=10, bytes=10 * ONE, evicted=1)


async def test_the_bytes_are_those_of_what_is_there() -> None:
    store = MemoryStore(100 * ONE, FakeClock())
    for number in range(9):
        await store.set(f"o/a/{number}", b"x" * 95, 60)
    await store.set("o/a/0", b"", 60)
    await store.delete("o/a/1")
    await store.delete("o/a/1")
    assert store.stats() == StoreStats(entries=8, bytes=8 * ONE - 95, evicted=0)
    assert (await store.holding("o/a/")).bytes == 8 * ONE - 95
    assert (await store.holding("o/a/2")).bytes == ONE
    await store.close()
    assert store.stats() == StoreStats(entries=0, bytes=0, evicted=0)


async def test_an_answer_that_would_throw_out_many_others_is_not_kept() -> None:
    store = MemoryStore(80 * ONE, FakeClock())
    await store.set("o/a/1", b"x" * 95, 60)
    await store.set("o/a/1", b"x" * 10 * ONE, 60)
    assert await store.get("o/a/1") is None


async def test_nothing_is_kept_in_no_room() -> None:
    store = MemoryStore(0, FakeClock())
    await store.set("o/a/1", b"x", 60)
    assert await store.get("o/a/1") is None


async def test_what_nobody_asks_for_again_goes_as_others_come() -> None:
    clock = FakeClock()
    store = MemoryStore(100 * ONE, clock)
    for number in range(5):
        await store.set(f"o/a/{number}", b"x" * 95, 10)
    clock.advance(10)
    for number in range(5):
        await store.set(f"o/b/{number}", b"x" * 95, 10)
    assert store.stats().entries == 5
    assert (await store.holding("o/a/")).entries == 0


async def test_keys_of_any_form_are_kept() -> None:
    store = MemoryStore(100 * ONE, FakeClock())
    await store.set("plain", b"1", 60)
    await store.set("o/plain", b"2", 60)
    assert await store.get_many(["plain", "o/plain"]) == [b"1", b"2"]
    assert await store.delete_prefix("") == 2
