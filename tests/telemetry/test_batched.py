"""Finished requests are told in batches, in order and none twice, and nothing ticks when idle."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from tests.telemetry.events import finished
from typing_extensions import override

from trunkline.gateway.metering.event import Finished
from trunkline.observability.metrics import Metrics
from trunkline.telemetry.batched import WAIT, BatchedObserver, Teller


class Told(Teller):
    """Keeps the batches; one with a request that is called odd is refused."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.came = asyncio.Event()

    @override
    def tell(self, events: Sequence[Finished]) -> None:
        names = [event.client_request_id for event in events]
        self.batches.append(names)
        self.came.set()
        if "odd" in names:
            raise ValueError("odd")

    async def next(self) -> None:
        async with asyncio.timeout(20):
            await self.came.wait()
        self.came.clear()


def observed(told: Told) -> tuple[BatchedObserver, Metrics]:
    metrics = Metrics()
    return BatchedObserver(metrics, told), metrics


def finish(observer: BatchedObserver, *names: str) -> None:
    for name in names:
        observer.began()
        observer.finished(finished(client_request_id=name))


async def test_events_are_told_together_after_a_while() -> None:
    told = Told()
    observer, _ = observed(told)
    started = asyncio.get_running_loop().time()
    finish(observer, "a", "b", "c")
    assert told.batches == []
    await told.next()
    assert told.batches == [["a", "b", "c"]]
    assert asyncio.get_running_loop().time() - started >= WAIT * 0.9


async def test_many_events_do_not_wait_and_take_turns_with_others() -> None:
    told = Told()
    observer, _ = observed(told)
    names = [str(number) for number in range(300)]
    finish(observer, *names)
    lengths = []
    while sum(map(len, told.batches)) < 300:
        await asyncio.sleep(0)
        lengths.append(len(told.batches))
    assert told.batches == [names[:128], names[128:256], names[256:]]
    assert {1, 2, 3} <= set(lengths)


async def test_a_request_is_in_progress_until_it_has_been_told() -> None:
    observer, metrics = observed(Told())
    observer.began()
    finish(observer, "a")
    assert metrics.in_progress == 2
    observer.flush()
    assert metrics.in_progress == 1


async def test_a_reader_sees_everything_that_has_finished() -> None:
    told = Told()
    observer, _ = observed(told)
    read = observer.flush_before(lambda place: told.batches[place])
    finish(observer, "a", "b")
    assert read(0) == ["a", "b"]
    finish(observer, "c")
    assert read(place=1) == ["c"]
    observer.flush()
    assert told.batches == [["a", "b"], ["c"]]


async def test_a_batch_that_cannot_be_told_does_not_stop_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = Told()
    observer, _ = observed(told)
    finish(observer, "odd")
    await told.next()
    finish(observer, "fine")
    await told.next()
    assert told.batches == [["odd"], ["fine"]]
    assert "odd" in caplog.text


async def test_nothing_ticks_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, timers = asyncio.get_running_loop(), list[float]()
    call_later = loop.call_later

    def noting(delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        timers.append(delay)
        return call_later(delay, callback)

    told = Told()
    observer, _ = observed(told)
    monkeypatch.setattr(loop, "call_later", noting)
    finish(observer, "a", "b")
    await told.next()
    await asyncio.sleep(0)
    assert timers == [WAIT]
