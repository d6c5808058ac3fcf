"""A candidate that runs: started, found ready, checked, and measured case by case."""

import http.client
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from bench.bodies import answer_text, expected_text, request_body
from bench.candidates.contract import Candidate, Launch, Say
from bench.cases import CHAT, Case, Effort
from bench.load.measured import Call, Measured
from bench.load.streams import Order
from bench.load.wrk import run_calls
from bench.place import ROOT, Site
from bench.processes import Memory, Spawned, Unable, spawn
from bench.results import Sample

_READY_SECONDS: Final = 120.0
_ASK_SECONDS: Final = 15.0
# A gateway that needs longer for a stream of one second than this has failed it.
_STREAM_PATIENCE: Final = 90.0
_SETTLE_SECONDS: Final = 1.0
# Answers on each connection below which a measurement is taken again, so much longer.
_FEW_EACH: Final = 4
_STRETCH: Final = 5
_WARM_CASE: Final = Case(CHAT, stream=False, concurrency=8)


class Contender:
    """A running candidate; ``close`` ends it.

    Attributes:
        ready_s: seconds from its start to its first right answer; None where nothing is started.
        idle: its memory before the first load.
    """

    def __init__(self, candidate: Candidate, launch: Launch, site: Site) -> None:
        self.candidate = candidate
        self.launch = launch
        self.ready_s: float | None = None
        self.idle: Memory | None = None
        self._site = site
        self._process: Spawned | None = None
        self._slow: set[Case] = set()

    def start(self) -> None:
        """Start it, wait for its first right answer, and warm it up.

        Raises:
            Unable: it ended, or does not answer in time.
        """
        if self.launch.command is not None:
            room = self._site.room(self.candidate.title.replace(" ", "-"))
            began = time.perf_counter()
            self._process = spawn(
                self.launch.command,
                core=self._site.cores.candidate,
                log=room / "output.log",
                environment=self.launch.environment,
            )
            self._await_answer(began)
            time.sleep(_SETTLE_SECONDS)
            self.idle = self._process.memory(children_only=self.launch.children_only)
        self._calls(_WARM_CASE, 1)

    def check(self, case: Case) -> None:
        """One call, looked at as a whole.

        Raises:
            Unable: the answer is not the provider's.
        """
        if not case.stream:
            ask(self.launch.call(case), case, self._site.ca_file)
            return
        measured = stream(self.launch.call(case), msgspec.structs.replace(case, concurrency=1), 0.5)
        if measured.errors:
            raise Unable("its stream is not whole")

    def measure(self, case: Case, effort: Effort) -> Sample:
        """One turn of this candidate in a case.

        One that answers too few calls for a median gets more time, in this turn and in later ones.

        Raises:
            Unable: it has ended, or the load generator failed.
        """
        if case in self._slow:
            effort = msgspec.structs.replace(effort, call_seconds=effort.call_seconds * _STRETCH)
        sample = self._measure(case, effort)
        few = sample.measured.requests < _FEW_EACH * case.concurrency
        if few and not case.stream and case not in self._slow:
            self._slow.add(case)
            return self.measure(case, effort)
        return sample

    def _measure(self, case: Case, effort: Effort) -> Sample:
        process = self._process
        if process is None:
            return Sample(self._run(case, effort), None, None)
        process.check()
        process.wait_until_idle()
        process.forget_peak()
        children_only = self.launch.children_only
        before = process.cpu_seconds()
        measured = self._run(case, effort)
        spent = process.cpu_seconds() - before
        process.check()
        return Sample(measured, spent, process.memory(children_only=children_only).peak)

    def send_signal(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def close(self) -> None:
        """End the process; idempotent."""
        if self._process is not None:
            self._process.end()

    def _await_answer(self, began: float) -> None:
        process = self._process
        if process is None:
            return
        call = self.launch.call(_WARM_CASE)
        complaint: Exception | None = None
        while time.perf_counter() - began < _READY_SECONDS:
            process.check()
            try:
                ask(call, _WARM_CASE, self._site.ca_file)
            except (OSError, http.client.HTTPException, Unable) as error:
                complaint = error
                time.sleep(0.01)
            else:
                self.ready_s = round(time.perf_counter() - began, 2)
                return
        raise Unable(f"it gave no right answer within {_READY_SECONDS:.0f} s: {complaint}")

    def _run(self, case: Case, effort: Effort) -> Measured:
        if case.stream:
            return stream(self.launch.call(case), case, effort.stream_seconds)
        return self._calls(case, effort.call_seconds)

    def _calls(self, case: Case, seconds: int) -> Measured:
        body = self._site.folder / f"{case.operation.name}-{case.model}.json"
        body.write_bytes(request_body(case))
        return run_calls(
            self.launch.call(case), body, concurrency=case.concurrency, seconds=seconds
        )


def open_contender(candidate: Candidate, site: Site, say: Say) -> Contender:
    """Prepare and start a candidate.

    Raises:
        Unable: it cannot be installed or started.
    """
    launch = candidate.prepare(site, say)
    contender = Contender(candidate, launch, site)
    try:
        contender.start()
    except BaseException:
        contender.close()
        raise
    return contender


def ask(
    call: Call, case: Case, ca_file: Path, question: bytes | None = None
) -> http.client.HTTPResponse:
    """One call that is not streamed; its answer must be the provider's.

    Args:
        call: to whom and how.
        case: what is asked.
        ca_file: whom to trust.
        question: in place of the body of the case.

    Raises:
        Unable: it is not.
        OSError, http.client.HTTPException: there is none.
    """
    if call.tls:
        trusted = ssl.create_default_context(cafile=ca_file)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            call.host, call.port, timeout=_ASK_SECONDS, context=trusted
        )
    else:
        connection = http.client.HTTPConnection(call.host, call.port, timeout=_ASK_SECONDS)
    try:
        connection.request("POST", call.path, question or request_body(case), call.headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise Unable(f"it answers {answer.status}: {body[:200].decode(errors='replace')}")
    try:
        right = answer_text(case.operation.wire, body) == expected_text()
    except (ValueError, LookupError, TypeError):
        right = False
    if not right:
        raise Unable("its answer is not the one that the provider gave")
    return answer


def stream(call: Call, case: Case, seconds: float) -> Measured:
    """Streams of a case, begun for so long, and each read to its end.

    Raises:
        Unable: their client failed.
    """
    order = Order(
        call=call,
        body=request_body(case).decode(),
        wire=case.operation.wire,
        concurrency=case.concurrency,
        seconds=seconds,
        patience=_STREAM_PATIENCE,
    )
    done = subprocess.run(
        (sys.executable, "-m", "bench.load.streams"),
        input=msgspec.json.encode(order),
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=seconds + 2 * _STREAM_PATIENCE,
    )
    if done.returncode:
        raise Unable(f"the client of streams failed: {done.stderr.decode()[-300:]}")
    return msgspec.json.decode(done.stdout, type=Measured)
