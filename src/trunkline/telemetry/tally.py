"""Finished requests become numbers.

The events of a batch are put into groups with the same labels first, so that the series of a group
are looked up once, however many requests it has.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from trunkline.gateway.metering.event import Attempt, Finished, Outcome
from trunkline.gateway.recall.charging import PROVIDER as GIVEN_AGAIN
from trunkline.observability.metrics import Metrics, ModelSeries

Made = tuple[Attempt, Outcome]

# Operation, provider, model and alias; then ending, status, reason and state of the cost, or our
# code of the failure and the status of the answer.
_How = tuple[str, str, str, str, str, int | None, str, str]
_What = tuple[str, str, str, str, str | None, int]

_BAD: Final = 400
_REFUSED: Final = frozenset({402, 429})
_MS: Final = 0.001


def count_requests(metrics: Metrics, events: Sequence[Finished]) -> None:
    """Count whole requests by their routes, and those that were refused."""
    durations: defaultdict[tuple[str, str, int], list[float]] = defaultdict(list)
    for event in events:
        durations[event.method, event.route, event.status].append(event.duration_ms)
        if event.status in _REFUSED and event.error_code is not None and not event.attempts:
            metrics.refused(event.error_code)
    for labels, sizes in durations.items():
        metrics.requests(*labels).observe(sizes)
    metrics.overhead.observe(
        [event.overhead_ms for event in events if event.overhead_ms is not None]
    )


def count_attempts(metrics: Metrics, attempts: Iterable[Made]) -> None:
    """Count what was made at providers, and what it cost."""
    groups: defaultdict[_How, list[Made]] = defaultdict(list)
    for made in attempts:
        attempt, outcome = made
        groups[
            attempt.operation,
            attempt.provider,
            attempt.model,
            attempt.alias,
            outcome.ending,
            outcome.status,
            attempt.reason,
            outcome.cost_state,
        ].append(made)
    for _, _, model, alias, ending, *_ in groups:
        if ending == "completed":
            # The provider knows the model, so nobody made the name up.
            metrics.guard.allow((model, alias))
    for key, group in groups.items():
        operation, provider, model, alias, ending, status, reason, cost_state = key
        series = metrics.model(operation, provider, model, alias)
        _count_cost(series, cost_state, group)
        # An answer that is given again is charged to this caller, and no provider was asked.
        if provider != GIVEN_AGAIN:
            series.attempts(ending, status, reason).add(len(group))
            _observe_attempts(series, group)


def count_answers(metrics: Metrics, events: Iterable[Finished]) -> None:
    """Count what callers got from models: how long it took, and how fast it was spoken."""
    groups: defaultdict[_What, list[Finished]] = defaultdict(list)
    for event in events:
        if event.attempts:
            # The last attempt is the one that the caller's answer came from.
            attempt = event.attempts[-1][0]
            if attempt.provider != GIVEN_AGAIN:
                groups[
                    attempt.operation,
                    attempt.provider,
                    attempt.model,
                    attempt.alias,
                    event.error_code,
                    event.status,
                ].append(event)
    for (operation, provider, model, alias, error_code, status), group in groups.items():
        series = metrics.model(operation, provider, model, alias)
        error_type = error_code or ("" if status < _BAD else str(status))
        series.duration(error_type).observe([event.duration_ms * _MS for event in group])
        _observe_streams(series, group)


def count_extras(metrics: Metrics, events: Iterable[Finished]) -> None:
    """Count what the answer cache and guardrails did, where a request had to do with them."""
    groups: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for event in events:
        if event.cache is not None:
            groups[event.alias or "", event.cache].append(event.saved_nano)
        for guarded in event.guarded:
            for kind, count in guarded.kinds or (("", 1),):
                metrics.guarded(guarded.guardrail, guarded.way, guarded.action, kind, count)
    for (alias, result), saved in groups.items():
        metrics.cached(alias, result, len(saved), sum(saved))


def _count_cost(series: ModelSeries, state: str, group: Sequence[Made]) -> None:
    if state == "unpriced":
        series.unpriced.add(len(group))
    elif spent := sum([outcome.cost_nano or 0 for _, outcome in group]):
        series.cost[state].add(spent)


def _observe_attempts(series: ModelSeries, group: Sequence[Made]) -> None:
    series.upstream_duration.observe(
        [(outcome.closed_ms - attempt.opened_ms) * _MS for attempt, outcome in group]
    )
    usages = [outcome.usage for _, outcome in group]
    series.input_tokens.observe([tokens for used in usages if (tokens := used.input_total)])
    series.output_tokens.observe([tokens for used in usages if (tokens := used.output_total)])


def _observe_streams(series: ModelSeries, group: Iterable[Finished]) -> None:
    waits, paces = [], []
    for event in group:
        if event.stream and event.ttft_ms is not None:
            waits.append(event.ttft_ms * _MS)
            after_the_first = event.attempts[-1][1].usage.output_total - 1
            if after_the_first > 0:
                streamed = (event.duration_ms - event.ttft_ms) * _MS
                paces.append(streamed / after_the_first)
    if waits:
        series.first_token.observe(waits)
        series.per_output_token.observe(paces)
