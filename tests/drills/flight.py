"""One answer for a thousand who ask the same, some of whom leave, stall or lead in vain."""

import asyncio
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from tests.drills.crowd import Client, Crowd, all_over
from tests.drills.verdict import Surroundings, Verdict
from tests.product.books import disagreements
from tests.product.offer import ACME, configuration
from tests.product.process import Installation, installation

from trunkline.simulator.rules import RuleRequest
from trunkline.simulator.server import Simulator

CALLERS = 1000
FOLLOWERS = 50
SOME = 10
MEGABYTE = 1_000_000
_DROPPED = "trunkline_cache_followers_dropped_total"
QUESTION = "What is lighthouse {} good for?"
# So many tokens of six letters make frames of about three and a half megabytes, which is more than
# a caller may be behind, and less than what is kept.
LONG_TEXT = "say {} " + "stream" * 13_000
# Makes that text last three seconds.
QUICK = 20.0
# What is each request's own although its answer is shared.
_IDS = {"x-request-id", "request-id", "x-trunkline-generation-id"}
_OWN = {
    "age", "date", "x-trunkline-attempts", "x-trunkline-cache", "x-trunkline-cost",
    "x-trunkline-overhead-ms", "x-trunkline-saved",
}  # fmt: skip


class Stage:
    """An installation with single flight, and the simulator behind it. ``staged`` owns both."""

    def __init__(self, made: Installation, simulator: Simulator) -> None:
        self.made = made
        self.simulator = simulator
        self.crowd = Crowd(made.port, made.key)
        self._asked = 0
        self._before = len(simulator.ledger)

    def request(self, model: str, *, stream: bool, text: str = QUESTION, **more: Any) -> bytes:
        """A request that nobody has made before."""
        self._asked += 1
        self._before = len(self.simulator.ledger)
        content = text.format(self._asked)
        messages = [{"role": "user", "content": content}]
        return self.crowd.request(model=model, stream=stream, messages=messages, **more)

    @property
    def calls(self) -> int:
        """Upstream calls since the newest ``request``."""
        return len(self.simulator.ledger) - self._before

    async def called(self, times: int = 1) -> None:
        """Wait until the provider has been called so often."""
        async with asyncio.timeout(20):
            while self.calls < times:  # noqa: ASYNC110 - the ledger tells nobody
                await asyncio.sleep(0.005)

    async def followed(self, followers: int) -> None:
        """Wait until so many requests wait for the answer of another one."""
        async with asyncio.timeout(20):
            while (  # noqa: ASYNC110 - another process counts them
                await self.made.metrics()
            )["trunkline_cache_followers"] < followers:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def staged(directory: Path, seed: int, *, speed: float = 1.0) -> AsyncIterator[Stage]:
    """An installation whose models share answers, one target each and no repeats."""
    simulator = Simulator(seed=seed, speed=speed)
    await simulator.start()
    try:
        async with installation(directory, LLM_CACHE_ENABLED="true") as made:
            once = {"retry": {"attempts": 1}}
            models = [
                {
                    "name": f"shared-{name}",
                    "targets": [{"connection": "sim-openai", "model": f"sim-{name}"}],
                    "route": once,
                }
                for name in ("slow", "long")
            ]
            await made.apply(configuration(simulator.base_url, made.chain, [ACME], models))
            await made.start()
            yield Stage(made, simulator)
            await made.stop()
    finally:
        await simulator.stop()


Part = Callable[[Stage], Coroutine[Any, Any, Verdict]]


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """A thousand callers, and then each kind of caller and leader that misbehaves."""
    slow, quick = surroundings.directory / "slow", surroundings.directory / "quick"
    slow.mkdir()
    quick.mkdir()
    async with staged(slow, surroundings.seed) as stage:
        verdicts = [await crowded(stage, CALLERS, stream=stream) for stream in (True, False)]
        verdicts += [await part(stage) for part in MISBEHAVIOUR]
        verdicts.append(await nothing_left(stage))
    async with staged(quick, surroundings.seed, speed=QUICK) as stage:
        verdicts += [await part(stage) for part in STALLING]
    for verdict in verdicts:
        surroundings.console.print(f"{verdict.name}: {verdict.figures}")
    return verdicts


async def crowded(stage: Stage, callers: int, *, stream: bool) -> Verdict:
    """So many callers at once cost one upstream call, and all get the same."""
    front = psutil.Process(stage.made.pid)
    before = front.memory_info().rss
    sent = stage.request("shared-slow", stream=stream, max_tokens=60)
    watching = asyncio.create_task(_highest(front))
    clients = await stage.crowd.many(sent, callers)
    await all_over(clients)
    watching.cancel()
    highest = await watching
    problems = _not_one(stage, 1) + _unlike(clients, stream=stream)
    first = min(client.first or 0.0 for client in clients)
    uses = Counter(client.raw.headers.get("x-trunkline-cache", "none") for client in clients)
    if uses["miss"] != 1 or uses["none"]:
        problems.append(f"the cache was used as {dict(uses)}")
    figures = (
        f"{stage.calls} upstream call, {dict(uses)}; until the first byte "
        f"{first * 1000:.0f} ms at the least, {_spread(clients)}; "
        f"memory {before / MEGABYTE:.0f} MB before, {highest / MEGABYTE:.0f} at most, "
        f"{front.memory_info().rss / MEGABYTE:.0f} after"
    )
    kind = "streams" if stream else "bodies"
    return Verdict(f"{callers} identical {kind}", figures, tuple(problems))


async def followers_leave(stage: Stage) -> Verdict:
    """Those who leave before or after the first content are not missed."""
    leader, followers = await _led(stage, max_tokens=30)
    early, late, staying = followers[:SOME], followers[SOME : 2 * SOME], followers[2 * SOME :]
    for client in early:
        client.leave()
    await leader.until_content()
    for client in late:
        client.leave()
    await all_over([leader, *staying])
    problems = _not_one(stage, 1) + _unlike([leader, *staying], stream=True)
    figures = f"{len(early) + len(late)} left, {len(staying) + 1} got all of it"
    return Verdict("followers that leave", figures, tuple(problems))


async def follower_stalls(stage: Stage) -> Verdict:
    """One that does not read is cut off, and nobody waits for it."""
    return await _stalling(stage, "a follower that stalls", leads=False)


async def leader_stalls(stage: Stage) -> Verdict:
    """Likewise the one whose request is answered by the provider."""
    return await _stalling(stage, "a leader's caller that stalls", leads=True)


async def _stalling(stage: Stage, name: str, *, leads: bool) -> Verdict:
    before = await stage.made.metrics()
    sent = stage.request("shared-long", stream=True, text=LONG_TEXT, max_tokens=20_000)
    stalled = await stage.crowd.one(sent, stalls=True) if leads else None
    clients = await stage.crowd.many(sent, SOME)
    stalled = stalled or await stage.crowd.one(sent, stalls=True)
    clients += await stage.crowd.many(sent, SOME)
    await all_over(clients)
    stalled.go_on()
    await all_over([stalled])
    reading = stalled.read(stream=True)
    problems = _not_one(stage, 1) + _unlike(clients, stream=True)
    if reading.clean or reading.error != "caller_too_slow":
        problems.append(f"the one that stalled saw {reading.summary} {reading.error}")
    dropped = (await stage.made.metrics())[_DROPPED] - before[_DROPPED]
    figures = (
        f"{len(clients)} got {len(clients[0].data) / MEGABYTE:.1f} MB, the one that stalled "
        f"{len(stalled.data) / MEGABYTE:.2f} MB and {reading.error}; {dropped:g} cut off"
    )
    return Verdict(name, figures, tuple(problems))


async def leader_is_cut(stage: Stage) -> Verdict:
    """Its attempt is cut before content: it gets the error, and the next one leads."""
    # The first event of a chat's stream has no content.
    stage.simulator.faults.add(RuleRequest("cut_after_events;after=1", count=1))
    leader, followers = await _led(stage, max_tokens=30)
    await all_over([leader, *followers])
    readings = [client.read(stream=True) for client in (leader, *followers)]
    failed = [reading for reading in readings if not reading.clean]
    told = [reading.error for reading in failed]
    clean = [one for one in (leader, *followers) if one.read(stream=True).clean]
    problems = _not_one(stage, 2) + _unlike(clean, stream=True)
    if len(failed) != 1 or readings[0].clean:
        problems.append(f"these saw an error: {told}")
    figures = f"{stage.calls} upstream calls, {told} for its caller, {len(clean)} whole answers"
    return Verdict("a leader whose attempt is cut before content", figures, tuple(problems))


async def leader_leaves_early(stage: Stage) -> Verdict:
    """Its caller leaves before content: the call goes on for those who follow."""
    leader, followers = await _led(stage, max_tokens=30)
    leader.leave()
    return await _goes_on(stage, followers, "a leader's caller that leaves before content")


async def leader_leaves_late(stage: Stage) -> Verdict:
    """Its caller leaves after content: likewise."""
    leader, followers = await _led(stage, max_tokens=30)
    await leader.until_content()
    leader.leave()
    return await _goes_on(stage, followers, "a leader's caller that leaves after content")


async def all_leave(stage: Stage) -> Verdict:
    """When nobody is left the provider is not made to go on."""
    leader, followers = await _led(stage, max_tokens=200)
    await leader.until_content()
    for client in (leader, *followers):
        client.leave()
    async with asyncio.timeout(10):
        while stage.simulator.ledger[-1].ended is None:  # noqa: ASYNC110 - the ledger tells nobody
            await asyncio.sleep(0.01)
    seen = stage.simulator.ledger[-1]
    problems = [] if seen.client_closed and not seen.complete else ["the provider went on"]
    figures = f"the provider was cut off after {seen.output_tokens} of 200 tokens"
    return Verdict("all of them leave", figures, tuple(problems))


async def provider_breaks(stage: Stage) -> Verdict:
    """It breaks off after content: all get the error event, and the next request a new answer."""
    stage.simulator.faults.add(RuleRequest("cut_after_events;after=8", count=1))
    leader, followers = await _led(stage, max_tokens=30)
    await all_over([leader, *followers])
    readings = [client.read(stream=True) for client in (leader, *followers)]
    codes = Counter(f"{reading.status} {reading.error}" for reading in readings)
    [again] = await stage.crowd.many(leader.sent, 1)
    await all_over([again])
    last = again.read(stream=True)
    problems = _not_one(stage, 2)
    if set(codes) != {"200 upstream_connection_lost"} or not last.clean:
        problems.append(f"they saw {dict(codes)}, then {last.summary}")
    figures = f"error events {dict(codes)}; the next request: {last.summary}"
    return Verdict("a provider that breaks after content", figures, tuple(problems))


MISBEHAVIOUR: Sequence[Part] = (
    followers_leave,
    leader_is_cut,
    leader_leaves_early,
    leader_leaves_late,
    all_leave,
    provider_breaks,
)
STALLING: Sequence[Part] = (follower_stalls, leader_stalls)


async def _led(stage: Stage, *, max_tokens: int) -> tuple[Client, list[Client]]:
    """A stream before its first content, its leader's client, and those who follow it."""
    sent = stage.request("shared-slow", stream=True, max_tokens=max_tokens)
    leader = await stage.crowd.one(sent)
    await stage.called()
    followers = await stage.crowd.many(sent, FOLLOWERS)
    await stage.followed(FOLLOWERS)
    return leader, followers


async def _goes_on(stage: Stage, followers: Sequence[Client], name: str) -> Verdict:
    await all_over(followers)
    problems = _not_one(stage, 1) + _unlike(followers, stream=True)
    figures = f"{stage.calls} upstream call, {len(followers)} followers got all of it"
    return Verdict(name, figures, tuple(problems))


async def nothing_left(stage: Stage) -> Verdict:
    """The books agree, and nobody waits for anything any more."""
    metrics = await stage.made.metrics()
    left = {
        name: metrics[name]
        for name in ("trunkline_cache_flights", "trunkline_cache_followers", "trunkline_leases")
        if metrics[name]
    }
    problems = [f"{name} is {number:g}" for name, number in left.items()]
    async with asyncio.timeout(20):
        while len(rows := await stage.made.rows()) < len(stage.simulator.ledger):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    problems += disagreements(rows, stage.simulator.ledger)
    figures = f"{len(rows)} ledger rows for {len(stage.simulator.ledger)} upstream calls"
    return Verdict("the books of all flights", figures, tuple(problems))


def _not_one(stage: Stage, wanted: int) -> list[str]:
    return [] if stage.calls == wanted else [f"{stage.calls} upstream calls instead of {wanted}"]


def _unlike(clients: Sequence[Client], *, stream: bool) -> list[str]:
    """Answers that are not the first one's to the byte, and those that are not whole."""
    readings = [client.read(stream=stream) for client in clients]
    broken = Counter(reading.summary for reading in readings if not reading.clean)
    bodies = {client.raw.body for client in clients}
    heads = {_shared_head(client) for client in clients}
    problems = [f"not whole: {dict(broken)}"] if broken else []
    if len(bodies) != 1:
        problems.append(f"{len(bodies)} different bodies")
    if len(heads) != 1:
        problems.append(f"{len(heads)} different heads: {_differences(heads)}")
    return problems


def _shared_head(client: Client) -> frozenset[tuple[str, str]]:
    return frozenset(
        (name, value) for name, value in client.raw.headers.items() if name not in _IDS | _OWN
    )


def _differences(heads: Iterable[frozenset[tuple[str, str]]]) -> list[tuple[str, str]]:
    every = list(heads)
    return sorted(frozenset.union(*every) - frozenset.intersection(*every))[:6]


def _spread(clients: Sequence[Client]) -> str:
    """Milliseconds until the first byte."""
    times = sorted(client.first or 0.0 for client in clients)
    p99 = times[int(len(times) * 0.99) - 1]
    return f"p50 {statistics.median(times) * 1000:.0f} ms, p99 {p99 * 1000:.0f}"


async def _highest(process: psutil.Process) -> int:
    """The largest resident memory until the task is cancelled."""
    highest = 0
    try:
        while True:
            highest = max(highest, process.memory_info().rss)
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return highest
