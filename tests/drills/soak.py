"""Mixed load with faults for a long time: memory stays flat and nothing is left over."""

import asyncio
import contextlib
import random
import time
import uuid
from collections import Counter
from typing import Any

import httpx2
import msgspec
import psutil
from rich.console import Console
from tests.drills.load import Call, make_call
from tests.drills.verdict import Surroundings, Verdict
from tests.product.books import disagreements, spent
from tests.product.process import Installation, installation
from tests.product.running import CHAT, MESSAGES
from tests.simulator.raw import asked, request

from trunkline.kit.money import format_usd
from trunkline.simulator.fault_table import FAULTS
from trunkline.simulator.server import Simulator

CALLERS = 48
SAMPLE_SECONDS = 5.0
WARM_UP_MINUTES = 5.0
MOST_GROWTH = 1.0
"""MB in ten minutes, after the warm-up."""
QUIET_SECONDS = 45.0
"""Longer than the front keeps a connection without use."""

# The provider's own 500 passes to the caller, and would be counted as ours.
_FAULTS = [row.name for row in FAULTS if row.name != "status_500"]
_MODELS = {CHAT: "sim-fast", MESSAGES: "claude-sim-fast"}
_SLOW_MODELS = {CHAT: "gpt-4o-mini", MESSAGES: "claude-haiku-4-5"}
_DESCRIPTORS = "descriptors"
# Database connections have up to three files each, and open when they are first needed.
_COMING_AND_GOING = 20
_OPTIONS = {"TRUNKLINE_FIRST_BYTE_TIMEOUT": "2", "TRUNKLINE_IDLE_TIMEOUT": "2"}


class Sample(msgspec.Struct, frozen=True):
    """The front at one moment; RSS in bytes, time in seconds since the begin."""

    seconds: float
    rss: int


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """One soak of the length asked for."""
    simulator = Simulator(seed=surroundings.seed, ledger_size=10_000_000)
    await simulator.start()
    try:
        async with installation(surroundings.directory, **_OPTIONS) as made:
            await made.configure(simulator.base_url)
            await made.start()
            return [await _Soak(made, simulator, surroundings).run()]
    finally:
        await simulator.stop()


class _Soak:
    """One soak; its state is what was answered and measured so far."""

    def __init__(
        self, made: Installation, simulator: Simulator, surroundings: Surroundings
    ) -> None:
        self._made = made
        self._simulator = simulator
        self._seconds = surroundings.soak_minutes * 60
        self._seed = surroundings.seed
        self._console: Console = surroundings.console
        self._answers: Counter[str] = Counter()
        self._samples: list[Sample] = []
        self._began = time.monotonic()

    async def run(self) -> Verdict:
        front = psutil.Process(self._made.pid)
        idle = await self._resources(front)
        callers = [
            asyncio.create_task(self._call_on(random.Random(f"{self._seed} {number}")))
            for number in range(CALLERS)
        ]
        await self._measure(front)
        await asyncio.gather(*callers)
        await asyncio.sleep(QUIET_SECONDS)
        problems = self._left_over(idle, await self._resources(front))
        growth = slope_of(self._samples, WARM_UP_MINUTES * 60)
        if growth is not None and growth >= MOST_GROWTH:
            problems.append(f"memory grew by {growth:.2f} MB in ten minutes")
        if self._answers["500"]:
            problems.append(f"{self._answers['500']} answers were 500")
        if code := await self._made.stop():
            problems.append(f"the front ended with {code}")
        rows = await self._made.rows()
        problems += disagreements(rows, self._simulator.ledger)[:20]
        shown = "too short to tell" if growth is None else f"{growth:+.2f} MB in ten minutes"
        figures = (
            f"{sum(self._answers.values())} calls, {len(rows)} rows, ${format_usd(spent(rows))}; "
            f"RSS {self._samples[-1].rss / 1e6:.1f} MB, {shown}; {dict(self._answers)}"
        )
        return Verdict(f"soak of {self._seconds / 60:g} minutes", figures, tuple(problems))

    async def _measure(self, front: psutil.Process) -> None:
        told = 0
        while (now := self._elapsed()) < self._seconds:
            self._samples.append(Sample(now, front.memory_info().rss))
            if now // 60 >= told:
                told += 1
                await self._tell(front)
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _tell(self, front: psutil.Process) -> None:
        metrics = await self._made.metrics()
        self._console.print(
            f"minute {self._elapsed() / 60:4.1f}: RSS {self._samples[-1].rss / 1e6:6.1f} MB, "
            f"{front.num_fds()} descriptors, {metrics['trunkline_tasks']:g} tasks, "
            f"{sum(self._answers.values())} calls, {self._answers['500']} of them 500"
        )

    async def _resources(self, front: psutil.Process) -> dict[str, float]:
        metrics = await self._made.metrics()
        names = (
            "trunkline_leases", "trunkline_pool_connections", "trunkline_pool_waiting",
            "trunkline_journal_live_attempts", "trunkline_journal_pending_closes",
            "trunkline_tasks",
        )  # fmt: skip
        found = {name: metrics.get(name, 0.0) for name in names}
        return found | {_DESCRIPTORS: float(front.num_fds())}

    def _left_over(self, before: dict[str, float], after: dict[str, float]) -> list[str]:
        return [
            f"{name} was {before[name]:g} and is {after[name]:g} after the load"
            for name in before
            if after[name] > before[name] + (_COMING_AND_GOING if name == _DESCRIPTORS else 0)
        ]

    async def _call_on(self, rng: random.Random) -> None:
        while self._elapsed() < self._seconds:
            kind = rng.choices((self._ask, self._leave, self._mumble, self._repeat), (85, 5, 5, 5))
            with contextlib.suppress(OSError, TimeoutError):
                self._answers[await kind[0](rng)] += 1
            # The warm-up is as fast as can be, so that what fills once is full when it ends.
            pause = rng.uniform(0.02, 0.2)
            await asyncio.sleep(0 if self._elapsed() < WARM_UP_MINUTES * 60 else pause)

    async def _ask(self, rng: random.Random) -> str:
        """An ordinary call, every third with a fault."""
        path = rng.choice((CHAT, MESSAGES))
        call = Call(
            path,
            (_SLOW_MODELS if rng.random() < 0.1 else _MODELS)[path],
            stream=rng.random() < 0.6,
            max_tokens=rng.randint(20, 200),
            fault=rng.choice(_FAULTS) if rng.random() < 0.33 else None,
        )
        reading = await make_call(self._made.base_url, self._made.key, call)
        if reading.status == 200 and not reading.clean:
            return "200 with an error event" if reading.error else "200 broken off"
        return str(reading.status)

    async def _leave(self, rng: random.Random) -> str:
        """A caller that goes away in the middle of a stream, or before it."""
        body = asked(CHAT, stream=True, model="sim-chat", max_tokens=200)
        sent = request(CHAT, body, {"authorization": f"Bearer {self._made.key}"})
        reader, writer = await asyncio.open_connection("127.0.0.1", self._made.port)
        writer.write(sent)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rng.uniform(0.0, 0.6)):
                await reader.read(2**20)
        writer.transport.abort()
        return "left"

    async def _mumble(self, rng: random.Random) -> str:
        """Something that nobody understands."""
        path = rng.choice((CHAT, MESSAGES, "/v1/nothing"))
        content = rng.choice((b"", b"{", b"[]", b'{"model": 3}', rng.randbytes(200)))
        return await self._post(path, content)

    async def _repeat(self, rng: random.Random) -> str:
        """The same call twice under one Idempotency-Key."""
        path = rng.choice((CHAT, MESSAGES))
        key = {"idempotency-key": str(uuid.UUID(int=rng.getrandbits(128)))}
        document = asked(path, model=_MODELS[path], max_tokens=50)
        await self._post(path, msgspec.json.encode(document), **key)
        return await self._post(path, msgspec.json.encode(document), **key)

    async def _post(self, path: str, content: bytes, **headers: Any) -> str:
        sent = {"authorization": f"Bearer {self._made.key}", "content-type": "application/json"}
        async with httpx2.AsyncClient(base_url=self._made.base_url, timeout=30) as client:
            answer = await client.post(path, content=content, headers=sent | headers)
        return str(answer.status_code)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began


def slope_of(samples: list[Sample], after_seconds: float) -> float | None:
    """Growth in MB in ten minutes by least squares; None with too little to tell from."""
    late = [sample for sample in samples if sample.seconds >= after_seconds]
    if len(late) < 12:
        return None
    middle = sum(sample.seconds for sample in late) / len(late)
    mean = sum(sample.rss for sample in late) / len(late)
    above = sum((sample.seconds - middle) * (sample.rss - mean) for sample in late)
    below = sum((sample.seconds - middle) ** 2 for sample in late)
    return above / below * 600 / 1e6
