"""Proof that everything is on in *full*: each part is looked at after a counted number of calls.

The same configuration that is measured is served here with its worker, so that the way of the money
can be followed to its end: from the hold over the journal into the ledger and the budgets.
"""

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from bench.candidates.full import (
    BUDGETS,
    LIMITS,
    caller_of,
    prepare_room,
    run_trunkline,
    serve_command,
    trunkline_environment,
)
from bench.cases import CHAT, Case
from bench.contender import ask
from bench.load.measured import Call
from bench.place import Site, free_ports
from bench.processes import Spawned, Unable, spawn
from trunkline.kit.money import format_usd

_CALLS: Final = 200
_CASE: Final = Case(CHAT, stream=False, concurrency=1)
# 103 tokens at 0.15 and 64 tokens at 0.60 dollars for a million.
_NANO_PER_CALL: Final = 103 * 150 + 64 * 600
_PATIENCE: Final = 30.0
_ROUTE_IN_LOG: Final = '"route":"/v1/chat/completions"'


class Proof(msgspec.Struct, frozen=True):
    """What was seen, a sentence for each part, and the memory of the worker in MB, where it ran."""

    sentences: list[str]
    worker_mb: float | None = None


def prove_full(site: Site) -> Proof:
    """Serve, call, and look at every part.

    Raises:
        Unable: a part is not on; the sentence names it.
    """
    room = site.room("proof")
    key = prepare_room(site, room)
    (port,) = free_ports(1)
    log = room / "output.log"
    process = spawn(
        serve_command(room, port, "gateway,worker"),
        core=site.cores.candidate,
        log=log,
        environment=trunkline_environment(site),
    )
    try:
        call = caller_of(port, key)(_CASE)
        wait_for(process, lambda: answers(call, site))
        # Lines are written in batches; that of the first call must not be counted with the rest.
        wait_for(process, lambda: _seen(port, log).lines == 1)
        before = _seen(port, log)
        headers = [dict(ask(call, _CASE, site.ca_file).getheaders()) for _ in range(_CALLS)]
        sentences = list(_front_sentences(call, site, before, headers, port, room, log))
        worker_mb = process.memory(children_only=True).now
    finally:
        process.end()
    # The worker ships the last records before it ends, so the ledger is complete now.
    return Proof([*sentences, *_ledger_sentences(site, room)], worker_mb)


class _Seen(msgspec.Struct, frozen=True):
    """What log, journal and metrics say at one moment."""

    lines: int
    journal_bytes: int
    requests: int


def _seen(port: int, log: Path) -> _Seen:
    metrics = metrics_of(port)
    counted = sum(
        int(float(line.rpartition(" ")[2]))
        for line in metrics.splitlines()
        if line.startswith("http_requests_total{") and 'route="/v1/chat/completions"' in line
    )
    appended = next(
        float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        if line.startswith("trunkline_journal_appended_bytes")
    )
    lines = [line for line in log.read_text().splitlines() if _ROUTE_IN_LOG in line]
    return _Seen(len(lines), int(appended), counted)


def _front_sentences(
    call: Call, site: Site, before: _Seen, headers: list[dict[str, str]], port: int, room: Path,
    log: Path,
) -> Iterator[str]:  # fmt: skip
    wrong = msgspec.structs.replace(
        call, headers=call.headers | {"authorization": "Bearer tl-nobody"}
    )
    with contextlib.suppress(Unable):
        ask(wrong, _CASE, site.ca_file)
        raise AssertionError("an unknown key was served")
    yield "Key check: an unknown key is refused."
    lowered = {name.lower(): value for name, value in headers[-1].items()}
    remaining = lowered.get("x-ratelimit-remaining-requests")
    require(remaining is not None, "limits: no x-ratelimit-remaining-requests in an answer")
    rules = json.loads(run_trunkline(site, room, "limits", "list", "--json"))
    require(len(rules) == LIMITS, f"limits: {len(rules)} instead of {LIMITS} are set")
    yield f"Limits: {LIMITS} are set and all admit; {remaining} requests remain in the tightest."
    wait_for(None, lambda: _seen(port, log).lines - before.lines >= _CALLS)
    after = _seen(port, log)
    yield f"Log: {after.lines - before.lines} lines for {_CALLS} calls and one refusal."
    yield f"Metrics: http_requests_total grew by {after.requests - before.requests}."
    grown = after.journal_bytes - before.journal_bytes
    require(grown > 0, "records: the journal did not grow")
    yield f"Journal: {grown / _CALLS:.0f} bytes a call, an open record and a close record each."


def _ledger_sentences(site: Site, room: Path) -> Iterator[str]:
    calls = _CALLS + 1
    expected = format_usd(calls * _NANO_PER_CALL)
    budgets = json.loads(run_trunkline(site, room, "budgets", "list", "--json"))
    require(len(budgets) == BUDGETS, f"budgets: {len(budgets)} instead of {BUDGETS} are set")
    spent = {str(budget["spent"]) for budget in budgets}
    require(spent == {expected}, f"budgets: {sorted(spent)} dollars instead of {expected}")
    yield (
        f"Budgets: each of the {BUDGETS} has ${expected} spent: {calls} calls at "
        f"{_NANO_PER_CALL} nano-dollars, each held before and settled after."
    )
    total = json.loads(run_trunkline(site, room, "usage", "--json"))["total"]
    require(total["attempts"] == calls, f"ledger: {total['attempts']} rows instead of {calls}")
    yield f"Ledger: {total['attempts']} rows for {calls} calls, shipped by the worker."


def answers(call: Call, site: Site) -> bool:
    """Whether it serves calls yet."""
    try:
        ask(call, _CASE, site.ca_file)
    except (OSError, http.client.HTTPException, Unable):
        return False
    return True


def metrics_of(port: int) -> str:
    """All metrics of a process as text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def wait_for(process: Spawned | None, done: Callable[[], bool]) -> None:
    """Wait until something is so.

    Raises:
        Unable: it is not in time, or the process has ended.
    """
    deadline = time.monotonic() + _PATIENCE
    while not done():
        if process is not None:
            process.check()
        if time.monotonic() > deadline:
            raise Unable(f"nothing came of it within {_PATIENCE:.0f} s")
        time.sleep(0.05)


def require(condition: bool, sentence: str) -> None:  # noqa: FBT001 - reads as an assertion
    """See that something is so.

    Raises:
        Unable: with this sentence, where it is not.
    """
    if not condition:
        raise Unable(sentence)
