"""The store of what providers want back."""

from trunkline.gateway.continuity import MemoryContinuity
from trunkline.gateway.exchange.continuity import Kept
from trunkline.gateway.exchange.parts import Reasoning
from trunkline.kit.clock import FakeClock

ACME, OTHER = "org-acme", "org-other"


def thought(size: int = 10) -> Kept:
    return Kept((Reasoning("x" * size, "sig", "anthropic"),))


def test_what_is_kept_is_found_by_its_call() -> None:
    store = MemoryContinuity(FakeClock())
    store.keep(ACME, {"call_1": thought(), "call_2": Kept(signature="own", family="google")})
    find = store.finder(ACME)
    assert find("call_1") == thought()
    assert find("call_2") == Kept(signature="own", family="google")
    assert find("call_3") is None


def test_calls_of_another_organisation_are_never_found() -> None:
    store = MemoryContinuity(FakeClock())
    store.keep(ACME, {"call_1": thought()})
    assert store.finder(OTHER)("call_1") is None
    store.keep(OTHER, {"call_1": thought(20)})
    assert store.finder(ACME)("call_1") == thought()


def test_nothing_is_found_after_an_hour() -> None:
    clock = FakeClock()
    store = MemoryContinuity(clock)
    store.keep(ACME, {"call_1": thought()})
    clock.advance(3_599)
    assert store.finder(ACME)("call_1") == thought()
    clock.advance(1)
    assert store.finder(ACME)("call_1") is None


def test_what_is_over_gives_its_memory_back() -> None:
    clock = FakeClock()
    store = MemoryContinuity(clock)
    store.keep(ACME, {"call_1": thought()})
    one = store.bytes_held
    clock.advance(3_600)
    store.keep(ACME, {"call_2": thought()})
    assert store.bytes_held == one


def test_a_call_that_is_kept_again_is_held_once_and_for_another_hour() -> None:
    clock = FakeClock()
    store = MemoryContinuity(clock)
    store.keep(ACME, {"call_1": thought()})
    one = store.bytes_held
    clock.advance(3_000)
    store.keep(ACME, {"call_1": thought()})
    clock.advance(3_000)
    assert store.finder(ACME)("call_1") == thought()
    assert store.bytes_held == one


def test_the_oldest_goes_where_there_is_no_room() -> None:
    store = MemoryContinuity(FakeClock(), most_bytes=20_000)
    for number in range(30):
        store.keep(ACME, {f"call_{number}": thought(400)})
    assert store.bytes_held <= 20_000
    find = store.finder(ACME)
    found = [number for number in range(30) if find(f"call_{number}")]
    assert found == list(range(30 - len(found), 30))
    assert 10 < len(found) < 30


def test_what_would_fill_the_store_alone_is_not_kept() -> None:
    store = MemoryContinuity(FakeClock(), most_bytes=20_000)
    store.keep(ACME, {"call_1": thought(), "call_2": thought(5_000)})
    find = store.finder(ACME)
    assert (find("call_1"), find("call_2")) == (thought(), None)


def test_keeping_nothing_changes_nothing() -> None:
    store = MemoryContinuity(FakeClock())
    store.keep(ACME, {})
    assert store.bytes_held == 0
