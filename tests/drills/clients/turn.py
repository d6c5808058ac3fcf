"""One client takes one turn, and what it and the simulator say is judged."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
from tests.drills.clients.dead_end import DeadEnd
from tests.drills.clients.errand import Client, Errand, Run, new_errand
from tests.drills.clients.offer import Offered
from tests.product.running import Product

from trunkline.simulator.ledger import SeenAttempt

PATIENCE = 90.0
"""Seconds that a client may take for one run; the slowest needs about ten."""

_LAST_WORDS = 400


class Ended(msgspec.Struct, frozen=True):
    """A process that is over: exit code, None where it was stopped, and what it printed."""

    code: int | None
    output: str
    errors: str


class Turn(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        model: of the turn with the tool.
        other: of the turn after it.
        calls: how often the providers were asked.
        seconds: from the client's start to its end, for the turn with the tool.
        outside: hosts other than Trunkline that the client looked for, in vain.
        problems: why the turn does not count; none when all is well.
    """

    client: Client
    model: Offered
    other: Offered
    calls: int
    seconds: float
    outside: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


async def take_turn(
    client: Client,
    program: Path,
    models: tuple[Offered, Offered],
    product: Product,
    proxy: DeadEnd,
    room: Path,
) -> Turn:
    """Let the client read a word with its own tool, and repeat what the model then says.

    Args:
        client: who takes the turn.
        program: its command.
        models: what it asks for, and what goes on with the conversation.
        product: Trunkline with its simulator.
        proxy: what stands between the client and everybody else.
        room: a directory of its own, in which what the client printed is left.
    """
    model, other = models
    errand = new_errand(room, product.base_url, product.key, model.name, other.name)
    run = client.prepare(errand)
    start = partial(_started, program, _environment(errand, run, proxy), errand.workspace)
    before = len(product.simulator.ledger)
    proxy.wanted()
    began = time.monotonic()
    ended = [await start(arguments) for arguments in (*run.first, run.arguments)][-1]
    seconds = time.monotonic() - began
    problems = judge_client(client, errand, ended, errand.word)
    await product.idle()
    problems += judge_attempts(client, model, product.simulator.ledger[before:])
    _leave(room, "turn", ended)
    if run.again and not problems:
        middle = len(product.simulator.ledger)
        ended = await start(run.again)
        problems += judge_client(client, errand, ended, errand.farewell)
        await product.idle()
        problems += judge_answers(other, product.simulator.ledger[middle:])
        _leave(room, "again", ended)
    calls = len(product.simulator.ledger) - before
    return Turn(client, model, other, calls, seconds, proxy.wanted(), tuple(problems))


def _leave(room: Path, name: str, ended: Ended) -> None:
    (room / f"{name}.out").write_text(ended.output)
    (room / f"{name}.err").write_text(ended.errors)


def _environment(errand: Errand, run: Run, proxy: DeadEnd) -> dict[str, str]:
    """Nothing of this machine's but the path to the programs."""
    outside = f"http://127.0.0.1:{proxy.port}"
    proxies = {f"{scheme}_proxy": outside for scheme in ("http", "https")}
    return {
        "PATH": os.environ["PATH"],  # noqa: TID251 - where node is
        "HOME": str(errand.home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        **proxies,
        **{name.upper(): value for name, value in proxies.items()},
        "no_proxy": "127.0.0.1,localhost",
        "NO_PROXY": "127.0.0.1,localhost",
        **run.environment,
    }


async def _started(
    program: Path, environment: Mapping[str, str], directory: Path, arguments: Sequence[str]
) -> Ended:
    """Run it to its end; what it left running is ended with it."""
    child = await asyncio.create_subprocess_exec(
        str(program),
        *arguments,
        cwd=directory,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    code: int | None = None
    telling = asyncio.create_task(child.communicate())
    try:
        async with asyncio.timeout(PATIENCE):
            code = await child.wait()
    except TimeoutError:
        pass
    finally:
        _end_session(child.pid)
    output, errors = await telling
    return Ended(code, output.decode(errors="replace"), errors.decode(errors="replace"))


def _end_session(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def judge_client(client: Client, errand: Errand, ended: Ended, word: str) -> list[str]:
    """What the client itself says: its exit code, and a word that only the model told it."""
    if ended.code is None:
        return [f"it did not end within {PATIENCE:.0f} s"]
    said = (ended.errors.strip() or ended.output.strip())[-_LAST_WORDS:]
    if ended.code:
        return [f"it ended with {ended.code}: {said}"]
    try:
        words = client.final_words(ended.output, errand)
    except (ValueError, LookupError) as error:
        return [f"its output could not be read ({error!r}): {said}"]
    if word not in words:
        return [f"its last words are not what the model said: {words[-_LAST_WORDS:]!r}"]
    return []


def judge_attempts(client: Client, model: Offered, seen: Sequence[SeenAttempt]) -> list[str]:
    """What the provider saw: two requests or more, one of them with the tool's results."""
    problems = judge_answers(model, seen)
    if len(seen) < 2:
        problems.append(f"the provider was asked {len(seen)} times, which is no turn with a tool")
    elif client.sends_results and not any(attempt.tool_results for attempt in seen):
        problems.append("no request carried the tool's result")
    return problems


def judge_answers(model: Offered, seen: Sequence[SeenAttempt]) -> list[str]:
    """Only this model was asked, and all answers were whole."""
    problems = [
        f"the provider answered {attempt.status} to {attempt.path}"
        for attempt in seen
        if attempt.status != 200 or not attempt.complete
    ]
    asked = {attempt.model for attempt in seen}
    if asked != {model.target}:
        names = ", ".join(sorted(asked)) or "nothing"
        problems.append(f"the provider was asked for {names} instead of {model.target}")
    return problems
