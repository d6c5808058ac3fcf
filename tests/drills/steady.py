"""A load at a steady rate, as it comes in life: a slow answer does not hold up the next request."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import msgspec
from tests.drills.load import Call, make_call
from tests.product.answers import Reading

from trunkline.ledger.rows import Row


class Timed(msgspec.Struct, frozen=True):
    """One request of the load.

    Attributes:
        due: seconds after the begin of the load at which it was to be sent.
        seconds: from then until the last byte of the answer.
    """

    due: float
    seconds: float
    call: Call
    reading: Reading


class SteadyLoad:
    """Requests that begin one after the other in equal steps, whatever becomes of the others.

    Its state is the answers so far. ``steady_load`` owns its tasks.
    """

    def __init__(self, base_url: str, key: str, call_of: Callable[[int], Call]) -> None:
        self._base_url = base_url
        self._key = key
        self._call_of = call_of
        self._began = time.perf_counter()
        self.began_at = time.time()
        self.timed: list[Timed] = []

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self._began

    async def run(self, rate: float, stopped: asyncio.Event) -> None:
        """Send so many requests a second until it is stopped, and wait for their answers."""
        async with asyncio.TaskGroup() as group:
            number = 0
            while not stopped.is_set():
                due = number / rate
                await asyncio.sleep(max(due - self.now, 0.0))
                group.create_task(self._make(number, due))
                number += 1

    async def _make(self, number: int, due: float) -> None:
        call = self._call_of(number)
        reading = await make_call(self._base_url, self._key, call)
        self.timed.append(Timed(due, self.now - due, call, reading))


@asynccontextmanager
async def steady_load(
    base_url: str, key: str, call_of: Callable[[int], Call], rate: float
) -> AsyncIterator[SteadyLoad]:
    """Load for the length of the block, and then until the last answer is here."""
    load, stopped = SteadyLoad(base_url, key, call_of), asyncio.Event()
    running = asyncio.create_task(load.run(rate, stopped))
    try:
        yield load
    finally:
        stopped.set()
        await running


def quantile(timed: Iterable[Timed], share: float) -> float:
    """Seconds within which this share of the requests was answered."""
    ordered = sorted(one.seconds for one in timed)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def told(timed: Sequence[Timed]) -> str:
    """How many there were, how many of them failed, and how long they took."""
    if not timed:
        return "no request"
    bad = failures(timed)
    errors = f"{sum(bad.values())} errors" + (f" {dict(bad)}" if bad else "")
    p50, p99, most = (quantile(timed, share) * 1000 for share in (0.5, 0.99, 1.0))
    return f"{len(timed)} requests, {errors}, p50 {p50:.0f} ms, p99 {p99:.0f}, max {most:.0f}"


def failures(timed: Iterable[Timed]) -> Counter[str]:
    """What clients saw instead of whole answers."""
    return Counter(
        f"{one.reading.status} {one.reading.error}" for one in timed if not one.reading.clean
    )


def reasons(rows: Iterable[Row]) -> str:
    """How many attempts there were, by why they were made."""
    counted = Counter(row["reason"] for row in rows)
    return ", ".join(f"{count} {reason}" for reason, count in counted.most_common())
