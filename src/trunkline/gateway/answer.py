"""What the caller gets: the answer, its headers, and errors before and after its start."""

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec
import structlog

from trunkline.errors import TrunklineError
from trunkline.gateway.attempt import WholeAnswer
from trunkline.gateway.background import BackgroundRun
from trunkline.gateway.caller import Caller
from trunkline.gateway.guarding import notes
from trunkline.gateway.headers import (
    JSON,
    Pairs,
    allowance_lines,
    downstream_headers,
    dropped_header,
    error_headers,
    request_id_lines,
)
from trunkline.gateway.patience import Patience
from trunkline.gateway.ports import StoredAnswer
from trunkline.gateway.relay import StreamBroken
from trunkline.gateway.scope import RequestScope
from trunkline.gateway.serving.head import LinedHeaders
from trunkline.gateway.sink import Headers, KeptSink, Sink
from trunkline.gateway.upstream_errors import AttemptFailed
from trunkline.gateway.wire.sse import EVENT_STREAM
from trunkline.kit.money import format_usd

_log = structlog.stdlib.get_logger("trunkline.gateway")


class Claim(msgspec.Struct, frozen=True):
    """An ``Idempotency-Key`` that this request was the first to use."""

    caller: Caller
    key: str
    kept: KeptSink


class Shared(Protocol):
    """Hears of an answer that others wait for as well, before this caller gets it."""

    def begin(self, head: Pairs) -> None:
        """A stream begins, with these headers of the provider."""
        ...

    def respond(self, whole: WholeAnswer) -> None:
        """The whole answer is here, and its cost is known."""
        ...

    def end(self, last: bytes) -> None:
        """A stream is whole with these last frames, and its cost is known."""
        ...


class Answer(msgspec.Struct, eq=False):
    """One answer on its way out. Its state says how much of it the caller has.

    Attributes:
        sink: where it goes.
        claim: the ``Idempotency-Key`` that it is kept for.
        run: the background run that it belongs to.
        shared: who else hears of it.
    """

    _scope: RequestScope
    sink: Sink
    claim: Claim | None = None
    run: BackgroundRun | None = None
    shared: Shared | None = None
    _patience: Patience | None = None
    _state: Literal["nothing", "started", "done"] = "nothing"

    def be_patient(self, interval: float) -> None:
        """Send headers and keep-alives if a stream's first content takes longer than this."""
        request = self._scope.request
        if request is not None and request.stream:
            self._patience = Patience(
                self.sink, self._scope.wire.keep_alive, interval, self._early_headers
            )

    def respond(self, whole: WholeAnswer) -> None:
        """The provider's whole answer, byte for byte, with our headers."""
        if self.shared is not None:
            self.shared.respond(whole)
        scope = self._scope
        headers = self._with_own(whole.headers, f"x-trunkline-cost: {self._cost()}\r\n")
        scope.ttft_ms = scope.arrival.elapsed_ms()
        self._give(whole.status, headers, whole.body)

    def respond_again(self, head: Pairs, body: bytes, told: Iterable[tuple[bytes, bytes]]) -> None:
        """A whole answer that another request has made; arguments as of ``begin_again``."""
        scope = self._scope
        scope.ttft_ms = scope.arrival.elapsed_ms()
        self._give(200, self._with_own([*head, *told]), body)

    def estimate(self, body: bytes) -> None:
        """A count of tokens that we made ourselves."""
        self._give(200, self._with_own([JSON], "x-trunkline-estimated: true\r\n"), body)

    def begin(self, head: Pairs) -> None:
        """The head of a stream, unless patience has sent one already."""
        if self.shared is not None:
            self.shared.begin(head)
        self.begin_again(head, ())

    def begin_again(self, head: Pairs, told: Iterable[tuple[bytes, bytes]]) -> None:
        """As ``begin``, for a stream that another request has made.

        Args:
            head: the headers that its provider gave it.
            told: what else is to be said of it.
        """
        scope = self._scope
        scope.ttft_ms = scope.arrival.elapsed_ms()
        if not self._stop_waiting():
            self.sink.start(200, self._with_own([*head, *told]))
        self._state = "started"
        scope.status = 200

    async def finish(self, last: bytes) -> None:
        """The last frames, and the end."""
        if self.shared is not None:
            self.shared.end(last)
        await self.sink.write(last)
        self._done(200)
        self.sink.finish()

    def detach(self, run: BackgroundRun) -> None:
        """The caller gets the response to come; what follows goes where nobody waits for it."""
        self.sink.respond(200, self._with_own([JSON]), run.response)
        self.sink, self.run = run.sink, run

    def replay(self, stored: StoredAnswer) -> None:
        """An answer that was given before, with the ids of this request."""
        headers = [
            pair for pair in stored.headers if pair[0] not in {b"x-request-id", b"request-id"}
        ]
        request_id = self._scope.arrival.client_request_id.encode()
        headers += [
            (b"x-request-id", request_id),
            (b"request-id", request_id),
            (b"x-trunkline-replayed", b"true"),
        ]
        self._give(stored.status, headers, stored.body)

    async def fail(self, error: TrunklineError) -> None:
        """An error of ours: a status while there is none yet, else an event without a clean end."""
        scope = self._scope
        scope.error_code = error.code
        self._tell_the_log(error)
        if self._state == "done":
            return
        request_id = scope.arrival.client_request_id
        if self._stop_waiting() or self._state == "started":
            await self._last_words(scope.wire.error_frame(error, request_id))
            return
        body = scope.wire.error_body(error, request_id)
        self._give(error.status, self._with_own([JSON, *error_headers(error)]), body)

    async def fail_as_provider(self, failure: AttemptFailed) -> None:
        """The provider's own error answer where it may pass, else ours."""
        passing = failure.answer
        waited = self._patience is not None and self._patience.started
        if passing is None or failure.error.code == "upstream_credentials" or waited:
            await self.fail(failure.error)
            return
        self._scope.error_code = failure.error.code
        headers = self._with_own(downstream_headers(passing.headers, passing.status))
        self._give(passing.status, headers, passing.body)

    async def break_off(self, broken: StreamBroken) -> None:
        """The stream failed after its commit point: an error event, and no clean end."""
        scope = self._scope
        scope.error_code = broken.error.code
        self._tell_the_log(broken.error)
        scope.close_attempt(broken.ending, broken.error.code)
        frame = broken.frame
        if frame is None:
            frame = scope.wire.error_frame(broken.error, scope.arrival.client_request_id)
        await self._last_words(frame)

    def cut_off(self, error: TrunklineError) -> None:
        """End a stream with an error event, without waiting for a caller who does not read."""
        scope = self._scope
        scope.error_code = error.code
        self.sink.write_soon(scope.wire.error_frame(error, scope.arrival.client_request_id))
        self._done(scope.status or 200)
        self.sink.finish()

    def abandon(self) -> None:
        """The caller is gone; there is nobody to tell."""
        self._stop_waiting()
        self._scope.status = self._scope.status or 499
        self._scope.error_code = "client_gone"

    def close(self) -> None:
        """Let go of what waits, however the request ended."""
        if self._patience is not None:
            self._patience.stop()

    def _give(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer; it counts as given only once the sink has taken it."""
        self._stop_waiting()
        self.sink.respond(status, headers, body)
        self._state = "done"
        self._scope.status = status

    async def _last_words(self, frame: bytes) -> None:
        await self.sink.write(frame)
        self._done(self._scope.status or 200)
        self.sink.finish()

    def _done(self, status: int) -> None:
        self._stop_waiting()
        self._state = "done"
        self._scope.status = status

    def _stop_waiting(self) -> bool:
        """End the keep-alives; whether they had started the answer."""
        patience = self._patience
        if patience is None:
            return False
        patience.stop()
        return patience.started

    def _early_headers(self) -> Headers:
        self._scope.status = 200
        kind = self._scope.wire.stream_type
        if kind == EVENT_STREAM:
            kind += b"; charset=utf-8"
        pairs = [(b"content-type", kind), (b"cache-control", b"no-cache")]
        return LinedHeaders(pairs, self._sure_lines())

    def _with_own(self, pairs: Pairs, more: str = "") -> Headers:
        """These headers, and what we say ourselves; ``more`` is lines of this answer alone."""
        scope = self._scope
        lines = f"{self._sure_lines()}x-trunkline-attempts: {scope.opened}\r\n{more}"
        if scope.cache is not None:
            lines += f"x-trunkline-cache: {scope.cache}\r\n"
        if scope.served is not None:
            lines += f"x-trunkline-model: {scope.served.label.decode()}\r\n"
        # Names that others chose are judged like what comes from the provider.
        if scope.dropped:
            pairs = [*pairs, dropped_header(scope.dropped)]
        if scope.guarded:
            pairs = [*pairs, (notes.HEADER, notes.header_value(scope.guarded))]
        return LinedHeaders(pairs, lines)

    def _sure_lines(self) -> str:
        """What is known before it is known which attempt answers."""
        scope = self._scope
        lines = request_id_lines(scope.arrival.client_request_id, scope.id)
        if scope.overhead_ms is not None:
            lines += f"x-trunkline-overhead-ms: {scope.overhead_ms:.3f}\r\n"
        if scope.lease is not None:
            for allowance in scope.lease.allowances:
                lines += allowance_lines(allowance)
        return lines

    def _cost(self) -> str:
        """Dollars of all attempts, ``estimated`` beside them where one is, or ``unpriced``."""
        total, exact = 0, not self._scope.trailing
        for _, outcome in self._scope.attempts:
            if outcome.cost_nano is None:
                return "unpriced"
            total += outcome.cost_nano
            exact = exact and outcome.cost_state == "exact"
        amount = format_usd(total)
        return amount if exact else f"{amount} estimated"

    def _tell_the_log(self, error: TrunklineError) -> None:
        """Details that are for us alone."""
        if error.reference is None and error.status != 500:
            return
        _log.warning(
            "request failed",
            requestId=self._scope.arrival.client_request_id,
            generation=self._scope.id,
            code=error.code,
            reference=error.reference,
            exc_info=error.__cause__,
        )
