"""Circuits, secrets, repeats and the answer cache, made readable for the scrape."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Final, Literal

from trunkline.gateway.recall.counts import RecallStats
from trunkline.gateway.resilience.health import Health
from trunkline.gateway.resilience.report import TargetReport
from trunkline.kit.clock import Clock
from trunkline.observability import semconv
from trunkline.observability.metrics import Metrics
from trunkline.observability.series import Labels, Sample
from trunkline.telemetry.sources import summed

_STATES: Final = ("closed", "half_open", "open")
_TARGET: Final = ("gen_ai_provider_name", "gen_ai_request_model")
# One scrape reads several families, and the report is the dear part of each.
_FRESH: Final = 0.5


class _Recent:
    """A report that serves all families of one scrape. Its state is the newest one."""

    def __init__(self, read: Callable[[], Sequence[TargetReport]], clock: Clock) -> None:
        self._read = read
        self._monotonic = clock.monotonic
        self._reports: Sequence[TargetReport] = ()
        self._until = float("-inf")

    def reports(self) -> Sequence[TargetReport]:
        """Of all targets, at most half a second old."""
        now = self._monotonic()
        if now >= self._until:
            self._reports, self._until = self._read(), now + _FRESH
        return self._reports


def watch_health(metrics: Metrics, health: Health, clock: Clock) -> None:
    """Circuits and repeats by provider and model, and the secrets that are left alone.

    Connections are not told apart: organisations name them.
    """
    recent = _Recent(health.report, clock)

    def by_target(
        read: Callable[[TargetReport], Iterator[tuple[str, float]]],
    ) -> Callable[[], list[Sample]]:
        def samples() -> Iterator[Sample]:
            for report in recent.reports():
                target = _labels(metrics, report)
                for last, number in read(report):
                    yield (*target, last), number

        return lambda: summed(samples())

    metrics.watch(
        semconv.CIRCUIT_STATE,
        "Targets whose circuit is in a state.",
        by_target(lambda report: ((one, float(one == report.state)) for one in _STATES)),
        labels=(*_TARGET, "state"),
    )
    metrics.watch(
        semconv.CIRCUIT_TRANSITIONS,
        "How often circuits opened and closed again.",
        by_target(lambda report: iter((("open", report.opened), ("closed", report.closed)))),
        kind="counter",
        labels=(*_TARGET, "to"),
    )
    metrics.watch(
        semconv.REPEATS,
        "Repeats at the same target that its retry budget allowed or refused.",
        by_target(
            lambda report: iter((("allowed", report.repeats), ("refused", report.repeats_refused)))
        ),
        kind="counter",
        labels=(*_TARGET, "budget"),
    )
    metrics.watch(
        semconv.CREDENTIALS_RESTING,
        "Secrets of connections that are left alone.",
        lambda: _resting(health, recent.reports()),
        labels=("gen_ai_provider_name", "verdict"),
    )
    metrics.watch(
        semconv.CREDENTIAL_VERDICTS,
        "How often providers limited, refused or barred a secret.",
        lambda: [((verdict,), count) for verdict, count in health.verdicts().items()],
        kind="counter",
        labels=("verdict",),
    )


def watch_recall(metrics: Metrics, stats: Callable[[], RecallStats]) -> None:
    """What the answer cache holds, and who waits for answers that are being made."""

    def watch(name: str, text: str, path: str, kind: Literal["gauge", "counter"]) -> None:
        read = attrgetter(path)

        def samples() -> list[Sample]:
            # There is no number where another server holds what it would count.
            number = read(stats())
            return [] if number is None else [((), number)]

        metrics.watch(name, text, samples, kind=kind)

    for name, text, path in (
        (semconv.CACHE_ENTRIES, "Answers that this process keeps.", "store.entries"),
        (semconv.CACHE_BYTES, "Bytes of the answers that this process keeps.", "store.bytes"),
        (semconv.CACHE_FLIGHTS, "Answers being made that others may follow.", "flights"),
        (semconv.CACHE_FOLLOWERS, "Requests that wait for these.", "followers"),
    ):
        watch(name, text, path, "gauge")
    for name, text, path in (
        (semconv.CACHE_EVICTED, "Answers that made room for others.", "store.evicted"),
        (semconv.CACHE_FAILURES, "Calls that the store left unanswered.", "store.failures"),
        (semconv.CACHE_DROPPED, "Callers cut off because they read too slowly.", "dropped"),
    ):
        watch(name, text, path, "counter")


def _labels(metrics: Metrics, report: TargetReport) -> Labels:
    return semconv.provider_name(report.provider), metrics.guard.label(report.model)


def _resting(health: Health, reports: Sequence[TargetReport]) -> list[Sample]:
    providers = {report.connection_id: report.provider for report in reports}
    return summed(
        ((semconv.provider_name(providers.get(one.connection_id, "unknown")), one.verdict), 1)
        for one in health.resting()
    )
