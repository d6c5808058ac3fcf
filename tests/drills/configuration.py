"""Changes of the configuration under load: nobody is dropped, and nobody is served by two of them.

Another process applies two configurations in turn, which have no part in common. Each answer, its
ledger row and the provider's own record must all show the same of the two.
"""

import asyncio
import math
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select
from tests.drills.applying import Commit
from tests.drills.load import PATIENCE, Call, make_calls
from tests.drills.marks import (
    ALIAS,
    KEPT,
    LETTERS,
    PASSED,
    Marks,
    read_marks,
    words,
    write_documents,
)
from tests.drills.verdict import Surroundings, Verdict
from tests.product.process import Installation, installation
from tests.product.running import CHAT
from tests.simulator.raw import Raw, asked, exchange, request

from trunkline.ledger.rows import Row
from trunkline.simulator.server import Simulator
from trunkline.storage.engine import Database
from trunkline.storage.tables.connections import connection

CHANGES = 120
EVERY = 1.0
RATE = 50.0
LATEST = 1.0
"""Seconds after a commit from which a request must be served by what was committed."""

SLOW_UPLOAD = 0.7
STREAMS = 40


class Sent(msgspec.Struct, frozen=True):
    """One request of the load.

    Attributes:
        began: Unix seconds at which its first byte left.
        slowly: whether its body took a while to leave.
    """

    began: float
    slowly: bool
    answer: Raw


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """Two minutes of changes, and targets that go while they stream."""
    rolling, switched = surroundings.directory / "rolling", surroundings.directory / "switched"
    rolling.mkdir()
    switched.mkdir()
    verdicts = [
        await changing(rolling, surroundings.seed, changes=CHANGES, every=EVERY),
        await leaving(switched, surroundings.seed, streams=STREAMS),
    ]
    for verdict in verdicts:
        surroundings.console.print(f"{verdict.name}: {verdict.figures}")
    return verdicts


async def changing(
    directory: Path,
    seed: int,
    *,
    changes: int,
    every: float,
    rate: float = RATE,
    latest: float = LATEST,
) -> Verdict:
    """Apply so many configurations, one each so many seconds, under load.

    Args:
        directory: of the installation.
        seed: of the simulator.
        changes: how many.
        every: seconds.
        rate: requests a second.
        latest: seconds after a commit from which nothing is served by what was before.
    """
    simulator = Simulator(seed=seed, speed=1e6)
    await simulator.start()
    try:
        async with _marked(directory, simulator) as (made, files):
            load = asyncio.create_task(_load(made, rate, (changes + 2) * every))
            commits = await _applied(made, files, changes, every)
            sent = await load
            await made.stop()
            rows = await made.rows()
            names = await _connection_names(made)
    finally:
        await simulator.stop()
    problems = _dropped(sent)
    marks = _marks_of(sent, rows, simulator, names)
    mixed = Counter(str(one) for one in marks if one is not None and one.letter is None)
    problems += [f"{count} requests were served by {mark}" for mark, count in mixed.items()]
    delays, late = _delays(commits, sent, marks, latest)
    if late:
        problems.append(f"{late} requests were served by a configuration that was over")
    slowly = sum(one.slowly for one in sent)
    again = len(sent) - len(rows)
    took = sorted(commit.committed - commit.begun for commit in commits)
    figures = (
        f"{len(commits)} changes in {commits[-1].committed - commits[0].begun:.0f} s, each of "
        f"{commits[-1].changes} rows in {took[len(took) // 2] * 1000:.0f} ms "
        f"(at most {took[-1] * 1000:.0f}); {len(sent)} "
        f"requests, {slowly} of them sent slowly and {again} answered from the cache, "
        f"{_errors(sent)} errors, {sum(mixed.values())} mixed; in use after {_spread(delays)}"
    )
    return Verdict("rolling changes", figures, tuple(problems))


async def leaving(directory: Path, seed: int, *, streams: int) -> Verdict:
    """Targets are drained and disabled, and their connection is removed, while they stream."""
    simulator = Simulator(seed=seed)
    await simulator.start()
    try:
        async with _marked(directory, simulator) as (made, files):
            kinds = [Call(CHAT, name, max_tokens=80) for name in ("drained", "switched")]
            calls = [kinds[number % 2] for number in range(streams)]
            running = asyncio.create_task(make_calls(made.base_url, made.key, calls))
            async with asyncio.timeout(20):
                while len(simulator.ledger) < streams:  # noqa: ASYNC110 - the ledger tells nobody
                    await asyncio.sleep(0.01)
            [_, commit] = await _applied(made, files, 2, 0.0)
            await asyncio.sleep(max(commit.committed + LATEST - time.time(), 0.0))
            still = sum(attempt.ended is None for attempt in simulator.ledger)
            after = await make_calls(made.base_url, made.key, kinds)
            new = [attempt.model for attempt in simulator.ledger[streams:]]
            readings = await running
            await made.stop()
    finally:
        await simulator.stop()
    problems = []
    whole = sum(reading.clean for reading in (*readings, *after))
    if whole != streams + len(after):
        problems.append(f"{whole} of {streams + len(after)} streams were whole")
    if new != ["sim-both"] * len(after) or not still:
        problems.append(f"new requests went to {new} while {still} streams ran")
    figures = f"{whole} streams were whole, {still} of them ran on at targets that took no more"
    return Verdict("targets that leave", figures, tuple(problems))


@asynccontextmanager
async def _marked(
    directory: Path, simulator: Simulator
) -> AsyncIterator[tuple[Installation, list[Path]]]:
    """An installation that serves the first of the two configurations."""
    async with installation(directory) as made:
        made.data.mkdir()
        files = write_documents(directory, simulator.base_url, made.chain)
        await _applied(made, files[:1], 1, 0.0)
        await made.start()
        yield made, files


async def _applied(
    made: Installation, files: Sequence[Path], count: int, every: float
) -> list[Commit]:
    """Apply the files in turn in another process; when each of them was committed."""
    command = [sys.executable, "-m", "tests.drills.applying", *map(str, files)]
    command += ["--count", str(count), "--every", str(every)]
    child = await asyncio.create_subprocess_exec(
        *command, env=made.environment(), stdout=subprocess.PIPE
    )
    output, _ = await child.communicate()
    assert child.returncode == 0
    return [msgspec.json.decode(line, type=Commit) for line in output.splitlines()]


async def _load(made: Installation, rate: float, seconds: float) -> list[Sent]:
    """Requests at a steady rate.

    One of four is sent slowly, one of eight passes a name on, and one of eight was made before.
    """
    began = time.time()
    tasks: list[asyncio.Task[Sent]] = []
    while (due := began + len(tasks) / rate) < began + seconds:
        await asyncio.sleep(max(due - time.time(), 0.0))
        tasks.append(asyncio.create_task(_send(made, len(tasks))))
    return await asyncio.gather(*tasks)


async def _send(made: Installation, number: int) -> Sent:
    fields: dict[str, Any] = {"model": ALIAS}
    text = words(number)
    if number % 8 == 1:
        fields = {"model": PASSED, "max_tokens": 20}
    elif number % 8 == 5:
        fields, text = {"model": KEPT}, words()
    messages = [{"role": "user", "content": text}]
    body = asked(CHAT, messages=messages, **fields)
    sent = request(CHAT, body, {"authorization": f"Bearer {made.key}"})
    began, slowly = time.time(), number % 4 == 3
    if slowly:
        return Sent(began, slowly, await _slow_exchange(made.port, sent))
    return Sent(began, slowly, await exchange(made.base_url, sent, patience=PATIENCE))


async def _slow_exchange(port: int, sent: bytes) -> Raw:
    """As ``exchange``, with a pause before the last byte of the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent[:-1])
        await asyncio.sleep(SLOW_UPLOAD)
        writer.write(sent[-1:])
        async with asyncio.timeout(PATIENCE):
            return Raw(await reader.read(-1), "closed")
    finally:
        writer.close()


def _dropped(sent: Sequence[Sent]) -> list[str]:
    answers = Counter(one.answer.data[:200] for one in sent if not _is_well(one.answer))
    return [f"{count} requests were answered {data!r}" for data, count in answers.items()]


def _errors(sent: Sequence[Sent]) -> int:
    return sum(not _is_well(one.answer) for one in sent)


def _is_well(answer: Raw) -> bool:
    return answer.data.startswith(b"HTTP/1.1 200 ") and answer.ended_well


def _marks_of(
    sent: Sequence[Sent], rows: Sequence[Row], simulator: Simulator, names: dict[str, str]
) -> list[Marks | None]:
    """What each request shows, in its order; None for one that was dropped."""
    by_request = {row["request_id"]: row for row in rows}
    by_attempt = {seen.reference: seen for seen in simulator.ledger}
    marks: list[Marks | None] = []
    for one in sent:
        if not _is_well(one.answer):
            marks.append(None)
            continue
        row = by_request.get(one.answer.headers["x-trunkline-generation-id"])
        seen = None if row is None else by_attempt[row["id"]]
        marks.append(read_marks(one.answer, row, seen, names))
    return marks


def _delays(
    commits: Sequence[Commit],
    sent: Sequence[Sent],
    marks: Sequence[Marks | None],
    latest: float,
) -> tuple[list[float], int]:
    """Seconds from each commit to the first request that was served by it, and how many were late.

    What another commit followed at once may never have been in use, and says nothing. Requests that
    were sent slowly may have begun before the commit.
    """
    shown = [
        (one.began, mark.letter)
        for one, mark in zip(sent, marks, strict=True)
        if mark is not None and not one.slowly
    ]
    ends = [commit.begun for commit in commits[1:]] + [math.inf]
    delays, late = [], 0
    for commit, end in zip(commits, ends, strict=True):
        if not commit.changes:
            continue
        letter = LETTERS[commit.number]
        served = [at for at, seen in shown if commit.begun <= at < end and seen == letter]
        if served or end - commit.committed >= latest / 2:
            delays.append(max(min(served, default=math.inf) - commit.committed, 0.0))
        over = commit.committed + latest
        late += sum(over <= at < end and seen != letter for at, seen in shown)
    return delays, late


def _spread(delays: Sequence[float]) -> str:
    ordered = sorted(delays)
    p50, p99 = ordered[len(ordered) // 2], ordered[math.ceil(len(ordered) * 0.99) - 1]
    return f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f}, at most {ordered[-1] * 1000:.0f}"


async def _connection_names(made: Installation) -> dict[str, str]:
    """Names of all connections by identifier."""
    database = await Database.open(None, data_dir=made.data)
    try:
        async with database.read(None) as conn:
            named = await conn.execute(select(connection.c.id, connection.c.name))
            return {row.id: row.name for row in named}
    finally:
        await database.close()
