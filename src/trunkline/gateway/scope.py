"""What must happen on every way out of a request hangs on one object: the scope.

Settle, record, release, the connection's end and the one finished event are done here and nowhere
else, so that a success, a refusal, a cut stream, a caller who left and a shutdown all pass the same
place.
"""

import asyncio
import time
from typing import Literal, Protocol

import msgspec
from typing_extensions import override

from trunkline.gateway.arrival import Arrival
from trunkline.gateway.bounds import Bounds
from trunkline.gateway.caller import Caller
from trunkline.gateway.metering.event import (
    Attempt,
    CacheUse,
    Ending,
    Finished,
    Guarded,
    Outcome,
    Progress,
)
from trunkline.gateway.metering.settlement import Evidence, settle
from trunkline.gateway.policy import AttemptReason
from trunkline.gateway.ports import Admission, Lease, Observer, Recorder
from trunkline.gateway.resilience.health import Call
from trunkline.gateway.routing.speaking import Speech
from trunkline.gateway.snapshot import Target
from trunkline.gateway.upstream_errors import AttemptFailed
from trunkline.gateway.wire.contract import COUNT_TOKENS, Inbound, Wire
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id

Interruption = Literal["client_gone", "shut_down"]


class Company(Protocol):
    """Others who wait for the same answer as a request's own caller."""

    def stays(self) -> bool:
        """The caller has left: whether the request goes on for them."""
        ...


class LiveAttempt(msgspec.Struct, eq=False):
    """An attempt that is under way: its records, and what it has shown so far.

    Attributes:
        call: how the target's health hears of it.
        noted: what guardrails did to its answer so far.
        clean: whether its answer ended as it should, as far as it was read.
        failure: why it failed, once it has.
        started: ``time.perf_counter`` when it was opened.
    """

    attempt: Attempt
    progress: Progress
    target: Target
    call: Call
    noted: list[Guarded]
    clean: bool = True
    failure: AttemptFailed | None = None
    evidence: Evidence = msgspec.field(default_factory=Evidence)
    started: float = msgspec.field(default_factory=time.perf_counter)

    def elapsed_ms(self) -> int:
        """Milliseconds since the attempt was opened."""
        return round((time.perf_counter() - self.started) * 1000)


class Books(msgspec.Struct, frozen=True):
    """Where the requests of a process are accounted for.

    Attributes:
        drain_timeout: seconds for which an answer is read on after its caller has left.
    """

    admission: Admission
    recorder: Recorder
    observer: Observer
    clock: Clock
    drain_timeout: float


class RequestScope(msgspec.Struct, eq=False):
    """The state of one request; it lives on the event loop and is owned by one task.

    Attributes:
        id: UUIDv7 of the request.
        underway: attempts whose outcome is not known; more than one only while one is hedged.
        live: the attempt whose answer the caller gets, once it is chosen.
        company: who else waits for the same answer.
        noted: what guardrails did to the request, and to an answer that they refused.
        trailing: attempts that nobody waits for and whose bill is still to be learned.
        traceparent: the trace context that the caller sent.
    """

    arrival: Arrival
    wire: Wire
    operation: str
    _books: Books
    id: str = msgspec.field(default_factory=new_id)
    caller: Caller | None = None
    request: Inbound | None = None
    name: str | None = None
    lease: Lease | None = None
    underway: list[LiveAttempt] = []
    live: LiveAttempt | None = None
    company: Company | None = None
    trailing: list[asyncio.Task[None]] = []
    cache: CacheUse | None = None
    saved_nano: int = 0
    noted: list[Guarded] = []
    attempts: list[tuple[Attempt, Outcome]] = []
    opened: int = 0
    served: Target | None = None
    dropped: tuple[str, ...] = ()
    status: int = 0
    error_code: str | None = None
    overhead_ms: float | None = None
    ttft_ms: float | None = None
    interrupted: Interruption | None = None
    must_finish: bool = False
    traceparent: str | None = None
    _task: asyncio.Task[None] | None = None
    _drain_timer: asyncio.TimerHandle | None = None
    _released: bool = False
    _finished: bool = False

    @override
    def __repr__(self) -> str:
        """Without what the request says."""
        return f"<RequestScope {self.id}>"

    @property
    def drain_timeout(self) -> float:
        """Seconds for which an answer is read on after the caller has left."""
        return self._books.drain_timeout

    @property
    def deserted(self) -> bool:
        """Whether the caller has left, so that nothing new is begun for it.

        What is under way may be read to its end nevertheless; and an answer that is kept for a
        repeat is still made.
        """
        return self._drain_timer is not None and not self.must_finish

    @property
    def answered(self) -> tuple[Attempt, Outcome]:
        """The settled attempt whose answer the caller gets: the chosen one, else the last."""
        chosen = self.live
        for closed in reversed(self.attempts):
            if chosen is not None and closed[0] is chosen.attempt:
                return closed
        return self.attempts[-1]

    @property
    def guarded(self) -> list[Guarded]:
        """What guardrails did to the request and to the answer that the caller gets."""
        live = self.live
        return self.noted + live.noted if live is not None and live.noted else self.noted

    def enter(self) -> None:
        """Begin: from here on the scope hears of the caller's leaving and of the shutdown."""
        arrival = self.arrival
        client = arrival.client
        self.traceparent = _text(arrival.headers.get(b"traceparent"))
        self._task = client.task or asyncio.current_task()
        self._books.observer.began()
        client.on_deadline = self._shut_down
        client.on_gone = self._client_gone
        if client.gone:
            self._client_gone()

    def open_attempt(
        self, speech: Speech, bounds: Bounds, reason: AttemptReason, credential: str
    ) -> Attempt:
        """The record of the next attempt; nothing is written yet."""
        target = speech.target
        caller, request = self.caller, self.request
        if caller is None or request is None or self.name is None:
            raise AssertionError("an attempt needs a caller and a request")
        connection = target.connection
        price = target.price
        # In the order of the record: with names, making it would cost six times as much.
        return Attempt(
            new_id(),
            self.id,
            self.arrival.client_request_id,
            self.opened + 1,
            int(self._books.clock.now() * 1000),
            caller.org_id,
            caller.team_id,
            caller.user_id,
            caller.key_id,
            self.name,
            connection.provider,
            connection.id,
            target.model,
            speech.wire.name,
            self.operation,
            request.stream,
            bounds.hold_nano,
            bounds.input_tokens,
            bounds.input_estimate,
            bounds.output_tokens,
            bounds.floor_nano,
            bounds.output_rate_nano,
            price.ref if price is not None else None,
            caller.tags + request.tags,
            request.end_user,
            reason,
            credential,
        )

    def record_open(
        self, attempt: Attempt, target: Target, call: Call, noted: list[Guarded]
    ) -> LiveAttempt:
        """Write the attempt down; after this its bytes may leave.

        Raises:
            Unavailable: it could not be written; its hold has been given back.
        """
        try:
            progress = self._books.recorder.opened(attempt)
        except Exception:
            if self.lease is not None:
                unsent = Outcome(closed_ms=attempt.opened_ms, ending="not_sent")
                self._books.admission.settle(self.lease, attempt.id, unsent)
            raise
        live = LiveAttempt(attempt, progress, target, call, noted)
        self.underway.append(live)
        self.opened += 1
        self.served = target
        if self.overhead_ms is None:
            self.overhead_ms = self.arrival.elapsed_ms()
        return live

    def choose(self, live: LiveAttempt, dropped: tuple[str, ...]) -> None:
        """The caller gets this attempt's answer, which leaves out what is named."""
        self.live = live
        self.served = live.target
        self.dropped = dropped

    def close_attempt(
        self,
        ending: Ending,
        error_code: str | None = None,
        live: LiveAttempt | None = None,
        *,
        provisional: bool = False,
    ) -> Outcome | None:
        """Settle and record an attempt, the chosen one by default; once, whoever calls first.

        With ``provisional`` its tokens are still to be counted, and its cost with them.
        """
        live = live or self.live
        if live is None or self.lease is None or live not in self.underway:
            return None
        self.underway.remove(live)
        outcome = settle(
            live.attempt,
            live.evidence,
            live.target.price,
            live.target.bytes_per_token,
            ending,
            int(self._books.clock.now() * 1000),
            error_code,
        )
        self._books.recorder.closed(live.attempt, outcome)
        self._books.admission.settle(self.lease, live.attempt.id, outcome, provisional=provisional)
        self.attempts.append((live.attempt, outcome))
        if self.operation == COUNT_TOKENS:
            # How quickly and how well tokens are counted says nothing about answers.
            live.call.cancelled()
        elif ending == "completed":
            live.call.ended(None, outcome.usage.output_total)
        elif live.failure is not None:
            live.call.ended(live.failure)
        else:
            live.call.cancelled()
        return outcome

    async def learn_the_rest(self) -> None:
        """Wait until the bills of attempts that nobody waits for are known, within their time."""
        if self.trailing:
            await asyncio.wait(self.trailing)

    def let_go(self) -> None:
        """The caller has everything: its place in the limits is free, and it may leave.

        What is still to be learned then ends with the server, and changes nothing for the caller.
        """
        if not self.trailing:
            self.leave()
            return
        client = self.arrival.client
        client.on_gone, client.on_deadline = None, self._stop_learning
        self._release()

    def leave(self) -> None:
        """The way out of every request; idempotent."""
        if self._finished:
            return
        self._finished = True
        if self.trailing:
            self._stop_learning()
        for live in tuple(self.underway):
            self.close_attempt(self.interrupted or "failed", self.error_code, live)
        if len(self.attempts) > 1:
            self._put_the_answer_last()
        self._release()
        arrival = self.arrival
        client = arrival.client
        client.on_gone = client.on_deadline = None
        caller, request = self.caller, self.request
        # In the order of the event, as in ``open_attempt``.
        self._books.observer.finished(
            Finished(
                client.accepted_ns,
                self.id,
                arrival.client_request_id,
                arrival.method,
                arrival.url,
                arrival.route,
                self.status,
                arrival.elapsed_ms(),
                _text(arrival.headers.get(b"user-agent")),
                caller.org_id if caller is not None else None,
                caller.key_id if caller is not None else None,
                self.wire.name,
                self.operation,
                self.name,
                request is not None and request.stream,
                self.overhead_ms,
                self.ttft_ms,
                self.error_code,
                self.traceparent,
                tuple(self.attempts),
                self.cache,
                self.saved_nano,
                tuple(self.guarded),
            )
        )

    def detach(self) -> None:
        """The caller has what it gets now; the request goes on, and only we can end it."""
        self.arrival.client.on_deadline = self._shut_down

    def cancel(self) -> None:
        """End the request as if its caller had left."""
        self._client_gone()

    def _release(self) -> None:
        if self.lease is not None and not self._released:
            self._released = True
            self._books.admission.release(self.lease)
        if self._drain_timer is not None:
            self._drain_timer.cancel()

    def _stop_learning(self) -> None:
        for task in self.trailing:
            task.cancel()

    def _put_the_answer_last(self) -> None:
        """Whoever reads the finished event finds the attempt that was answered with at its end."""
        chosen = self.live
        if chosen is not None:
            self.attempts.sort(key=lambda closed: closed[0] is chosen.attempt)

    def _client_gone(self) -> None:
        """The caller left: stop at once, or read on where the provider bills the rest anyway."""
        if self.company is not None and self.company.stays():
            return
        # An answer that must be kept for a repeat is not abandoned between two attempts.
        drain = self.must_finish or any(
            not live.target.connection.cancels_on_close for live in self.underway
        )
        if not drain:
            self._interrupt("client_gone")
        elif self._drain_timer is None:
            self._drain_timer = asyncio.get_running_loop().call_later(
                self._books.drain_timeout, self._interrupt, "client_gone"
            )

    def _shut_down(self) -> None:
        self._interrupt("shut_down")

    def _interrupt(self, reason: Interruption) -> None:
        if self.interrupted is None and not self._finished and self._task is not None:
            self.interrupted = reason
            self._task.cancel()


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value is not None else None
