"""Proof that policies, cache and guardrails are on in the models that are measured with them.

Each part is looked at after a counted number of calls: in the headers of the answers, and in what
the process counts.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from bench.bodies import request_body
from bench.candidates.featured import SECOND
from bench.candidates.full import caller_of, prepare_room, serve_command, trunkline_environment
from bench.cases import (
    BUFFERED,
    CACHED_HIT,
    CHAT,
    EVERYTHING_NEW,
    GUARDED,
    HEDGED,
    LOOKED_UP,
    Case,
)
from bench.contender import ask, stream
from bench.load.measured import Call
from bench.load.wrk import run_calls
from bench.place import Site, free_ports
from bench.processes import spawn
from bench.proof import Proof, answers, metrics_of, require, wait_for

_CALLS: Final = 100
_AT_ONCE: Final = 8
_PLAIN: Final = Case(CHAT, stream=False, concurrency=1)
_ADDRESS: Final = b"jo@bench.example"
_PAIR: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def prove_features(site: Site) -> Proof:
    """Serve, call, and look at every part.

    Raises:
        Unable: a part is not on; the sentence names it.
    """
    room = site.room("proof-of-features")
    key = prepare_room(site, room)
    (port,) = free_ports(1)
    process = spawn(
        serve_command(room, port, "gateway"),
        core=site.cores.candidate,
        log=room / "output.log",
        environment=trunkline_environment(site),
    )
    try:
        call = caller_of(port, key)(_PLAIN)
        wait_for(process, lambda: answers(call, site))
        seen = _Seen(site, call, port)
        return Proof([
            *seen.everything(), *seen.looking_up(), *seen.hits(), *seen.hedging(),
            *seen.guarding(), *seen.holding(),
        ])  # fmt: skip
    finally:
        process.end()


class _Seen:
    """What calls show of one running process. Its state is where that process is."""

    def __init__(self, site: Site, call: Call, port: int) -> None:
        self._site = site
        self._call = call
        self._port = port

    def everything(self) -> Iterator[str]:
        """New calls of the model with every policy: all asked for anew, at both targets."""
        case = Case(EVERYTHING_NEW, stream=False, concurrency=_AT_ONCE)
        body = self._site.folder / "proof.json"
        body.write_bytes(request_body(case))
        made = run_calls(self._call, body, concurrency=_AT_ONCE, seconds=1)
        counted = partial(self._count, "trunkline_cache_requests_total", trunkline_alias=case.model)
        misses = counted(result="miss")
        given = sum(counted(result=result) for result in ("hit", "near", "follow"))
        require(
            (made.errors, given) == (0, 0) and misses >= made.requests > 0,
            f"cache: {given} calls of {made.requests} were not new, {made.errors} failed",
        )
        attempts = [
            self._count("trunkline_upstream_attempts_total", gen_ai_request_model=model)
            for model in (case.model, case.model + SECOND)
        ]
        require(
            sum(attempts) >= made.requests and all(attempts),
            f"routes: {attempts} attempts at two targets with {misses} calls",
        )
        yield (
            f"Routes: {misses} calls of the model with every policy went to its two targets, "
            f"{attempts[0]} and {attempts[1]}, by their latency."
        )
        kept = self._count("trunkline_cache_entries")
        require(kept >= made.requests, f"cache: {kept} answers are kept of {misses}")
        yield f"Cache: it was asked for each of them and had none; it keeps {kept} answers now."
        closed = self._count("trunkline_circuit_state", state="closed")
        require(closed >= 2, f"circuits: {closed} are closed")
        yield f"Circuits: {closed} are closed, one for each target that was called."

    def looking_up(self) -> Iterator[str]:
        """New calls of a model whose answers are never kept: all looked for, and none there."""
        case = Case(LOOKED_UP, stream=False, concurrency=1)
        before = self._count("trunkline_cache_entries")
        uses = [self._ask(case)["x-trunkline-cache"] for _ in range(_CALLS)]
        kept = self._count("trunkline_cache_entries") - before
        require(
            (uses.count("miss"), kept) == (_CALLS, 0),
            f"cache: {uses.count('miss')} calls of {_CALLS} were misses, {kept} answers were kept",
        )
        yield f"Look-ups: of {_CALLS} equal calls, whose answers a filter ended, none was a hit."

    def hits(self) -> Iterator[str]:
        """The same call again and again: asked once."""
        case = Case(CACHED_HIT, stream=False, concurrency=1)
        uses = [self._ask(case)["x-trunkline-cache"] for _ in range(_CALLS)]
        require(uses == ["miss", *["hit"] * (_CALLS - 1)], f"cache: {uses.count('hit')} hits")
        counted = self._count(
            "trunkline_cache_requests_total", trunkline_alias=case.model, result="hit"
        )
        attempts = self._count("trunkline_upstream_attempts_total", gen_ai_request_model=case.model)
        require(
            (counted, attempts) == (_CALLS - 1, 1),
            f"cache: {counted} hits and {attempts} attempts were counted",
        )
        yield f"Hits: of {_CALLS} equal calls one reached the provider and {counted} were hits."

    def hedging(self) -> Iterator[str]:
        """Calls with a second attempt that is ready and never begins."""
        case = Case(HEDGED, stream=False, concurrency=1)
        for _ in range(_CALLS):
            self._ask(case)
        made = self._count("trunkline_upstream_attempts_total", gen_ai_request_model=case.model)
        fired = self._count("trunkline_upstream_attempts_total", reason="hedge")
        require((made, fired) == (_CALLS, 0), f"hedging: {made} attempts, {fired} of them hedges")
        yield f"Hedging: {made} attempts for {_CALLS} calls, and no second one."

    def guarding(self) -> Iterator[str]:
        """A call with an address, which does not reach the provider."""
        case = Case(GUARDED, stream=False, concurrency=1)
        body = request_body(case).replace(b"two short", b"two " + _ADDRESS + b" short", 1)
        ask(self._call, case, self._site.ca_file, body)
        taken = self._count("trunkline_guardrail_actions_total", way="in", action="redacted")
        require(taken == 1, f"guardrails: {taken} addresses were taken out of one request")
        yield "Guardrails: an address was taken out of a request before the provider saw it."

    def holding(self) -> Iterator[str]:
        """A held stream, whose first content comes when it is whole."""
        case = Case(BUFFERED, stream=True, concurrency=1)
        measured = stream(self._call, case, 0.5)
        first, whole = measured.ttft_p50_ms, measured.p50_ms
        require(
            measured.errors == 0 and first is not None and whole is not None and first > 900,
            f"buffered: the first content came after {first} ms",
        )
        yield f"Buffered: the first content came after {first:.0f} of {whole:.0f} ms."

    def _ask(self, case: Case) -> dict[str, str]:
        """The headers of an answer."""
        answer = ask(self._call, case, self._site.ca_file)
        return {name.lower(): value for name, value in answer.getheaders()}

    def _count(self, name: str, **labels: str) -> int:
        """The sum of a metric over all series that have these labels."""
        total = 0.0
        for line in metrics_of(self._port).splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name:
                said = dict(_PAIR.findall(series))
                if labels.items() <= said.items():
                    total += float(value)
        return int(total)
