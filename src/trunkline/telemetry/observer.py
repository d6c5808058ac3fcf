"""The one place where a finished request becomes a line, numbers and spans."""

from collections.abc import Callable
from typing import Final

from msgspec import UNSET
from typing_extensions import override

from trunkline.gateway.metering.event import Attempt, Finished, Guarded, Outcome
from trunkline.gateway.ports import Observer
from trunkline.gateway.recall.charging import PROVIDER as GIVEN_AGAIN
from trunkline.kit.money import format_usd
from trunkline.observability.access_line import AccessLine, AccessLog
from trunkline.observability.metrics import Metrics, ModelSeries
from trunkline.telemetry.provider_traffic import ProviderTraffic
from trunkline.telemetry.spans import SpanQueue

_SERVER_ERROR: Final = 500
_REFUSED: Final = frozenset({402, 429})
_NS_PER_MS: Final = 1_000_000
_MS: Final = 0.001


class RequestObserver(Observer):
    """Updates metrics, writes the access line, remembers how providers did, queues the spans.

    Each part may be absent. It owns none of them; whoever built them closes them.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        access_log: AccessLog | None = None,
        spans: SpanQueue | None = None,
        traffic: ProviderTraffic | None = None,
    ) -> None:
        self._metrics = metrics
        self._write: Callable[[int, AccessLine], None] | None = (
            access_log.write if access_log is not None else None
        )
        self._spans = spans
        self._traffic = traffic

    @override
    def began(self) -> None:
        self._metrics.request_began()

    @override
    def finished(self, event: Finished) -> None:
        metrics = self._metrics
        metrics.request_finished(
            event.method, event.route, event.status, event.duration_ms, event.overhead_ms
        )
        if event.attempts:
            self._count_attempts(event)
        elif event.status in _REFUSED and event.error_code is not None:
            metrics.refused(event.error_code)
        if event.cache is not None:
            metrics.cached(event.alias or "", event.cache, event.saved_nano)
        for guarded in event.guarded:
            for kind, count in guarded.kinds or (("", 1),):
                metrics.guarded(guarded.guardrail, guarded.way, guarded.action, kind, count)
        if self._write is not None:
            ended_ns = event.started_ns + int(event.duration_ms * _NS_PER_MS)
            self._write(ended_ns, access_line(event))
        if self._spans is not None:
            self._spans.put(event)

    def _count_attempts(self, event: Finished) -> None:
        traffic = self._traffic
        for attempt, outcome in event.attempts:
            if outcome.ending == "completed":
                # The provider knows the model, so nobody made the name up.
                self._metrics.guard.allow((attempt.model, attempt.alias))
            series = self._metrics.model(
                attempt.operation, attempt.provider, attempt.model, attempt.alias
            )
            _count_cost(series, outcome)
            if attempt.provider == GIVEN_AGAIN:
                # Charged to this caller, and no provider was asked.
                continue
            _count_attempt(series, attempt, outcome)
            if traffic is not None:
                traffic.record(attempt, outcome)
        # The last attempt is the one that the caller's answer came from.
        if attempt.provider != GIVEN_AGAIN:
            _count_answer(series, event, outcome)


def _count_cost(series: ModelSeries, outcome: Outcome) -> None:
    if outcome.cost_nano is None:
        series.unpriced.add()
    elif outcome.cost_nano:
        series.cost[outcome.cost_state].add(outcome.cost_nano)


def _count_attempt(series: ModelSeries, attempt: Attempt, outcome: Outcome) -> None:
    series.attempts(outcome.ending, outcome.status, attempt.reason).add()
    series.upstream_duration.observe((outcome.closed_ms - attempt.opened_ms) * _MS)
    usage = outcome.usage
    if tokens := usage.input_total:
        series.input_tokens.observe(tokens)
    if tokens := usage.output_total:
        series.output_tokens.observe(tokens)


def _count_answer(series: ModelSeries, event: Finished, outcome: Outcome) -> None:
    error_type = event.error_code
    if error_type is None:
        error_type = "" if event.status < 400 else str(event.status)
    series.duration(error_type).observe(event.duration_ms * _MS)
    if event.ttft_ms is None or not event.stream:
        return
    series.first_token.observe(event.ttft_ms * _MS)
    after_the_first = outcome.usage.output_total - 1
    if after_the_first > 0:
        streamed = (event.duration_ms - event.ttft_ms) * _MS
        series.per_output_token.observe(streamed / after_the_first)


def access_line(event: Finished) -> AccessLine:
    """The line of a request; its time is set when it is written."""
    line = AccessLine(
        "",
        "error" if event.status >= _SERVER_ERROR else "info",
        "request",
        event.client_request_id,
        event.method,
        event.url,
        event.route,
        event.status,
        round(event.duration_ms, 3),
        event.user_agent or UNSET,
        event.org_id or UNSET,
        event.key_id or UNSET,
        event.alias or UNSET,
    )
    if event.attempts:
        attempt = event.attempts[-1][0]
        line.model = attempt.model
        line.provider = attempt.provider
        line.attempts = len(event.attempts)
        line.cost, line.cost_state = cost_of_all(event)
    if event.ttft_ms is not None:
        line.ttft = round(event.ttft_ms, 3)
    if event.overhead_ms is not None:
        line.overhead = round(event.overhead_ms, 3)
    if event.error_code is not None:
        line.error_code = event.error_code
    if len(event.attempts) > 1:
        line.reasons = tuple(attempt.reason for attempt, _ in event.attempts)
    if event.cache is not None:
        line.cache = event.cache
        if event.saved_nano:
            line.saved = format_usd(event.saved_nano)
    if event.guarded:
        line.guardrails = tuple(map(_guardrail, event.guarded))
    return line


def _guardrail(guarded: Guarded) -> str:
    """What a guardrail did, in a few words without any text of the request."""
    words = [guarded.guardrail, guarded.way, guarded.action]
    if guarded.kinds:
        words.append(",".join(f"{kind}={count}" for kind, count in guarded.kinds))
    return ":".join(words)


def cost_of_all(event: Finished) -> tuple[str | None, str]:
    """Dollars of all attempts and the weakest of their states; None when one has no price."""
    total, state = 0, "exact"
    for _, outcome in event.attempts:
        if outcome.cost_nano is None:
            return None, "unpriced"
        total += outcome.cost_nano
        if outcome.cost_state == "estimated":
            state = "estimated"
    return format_usd(total), state
