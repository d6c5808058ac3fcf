"""The numbers that other parts keep, made readable for the scrape.

The ledger and the limits are known here only by the shape of what their ``stats()`` return.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from trunkline.gateway.transport.models import PoolStats
from trunkline.health import HealthApp
from trunkline.observability import semconv
from trunkline.observability.metrics import Metrics
from trunkline.observability.series import Sample


class JournalStats(Protocol):
    """What the journal says of itself; see ``ledger.journal``."""

    @property
    def ready(self) -> bool:
        """Whether attempts can be recorded."""
        ...

    @property
    def appended_bytes(self) -> int:
        """Written since the start."""
        ...

    @property
    def unsynced_bytes(self) -> int:
        """Of these, not certain to be on the disk."""
        ...

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest of these."""
        ...

    @property
    def live(self) -> int:
        """Attempts that are open."""
        ...

    @property
    def pending(self) -> int:
        """Closes that could not be written yet."""
        ...


class AnalysisStats(Protocol):
    """What the analysing process says of itself; see ``guardrails.presidio.process``."""

    @property
    def started(self) -> bool:
        """Whether anything has needed it."""
        ...

    @property
    def down(self) -> bool:
        """Whether it failed and the next one is not ready."""
        ...

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        ...


class RuleStats(Protocol):
    """How often a limit or budget would have refused; see ``limits.standing``."""

    @property
    def would_refuse(self) -> int:
        """Refusals that shadow mode turned into a count."""
        ...


class AdmissionStats(Protocol):
    """What the admission says of itself; see ``limits.standing``."""

    @property
    def leases(self) -> int:
        """Requests admitted and not finished."""
        ...

    @property
    def expired(self) -> int:
        """Leases ended without a sign of life."""
        ...

    @property
    def ledger_failures(self) -> int:
        """Questions to the ledger without an answer."""
        ...

    @property
    def rules(self) -> Sequence[RuleStats]:
        """Each rule that was met."""
        ...


def watch_pool(metrics: Metrics, stats: Callable[[], PoolStats]) -> None:
    """Connections to providers, by origin."""

    def read(*fields: str) -> Iterator[Sample]:
        for seen in stats().origins:
            for field in fields:
                labels = (str(seen.origin), field) if len(fields) > 1 else (str(seen.origin),)
                yield labels, getattr(seen, field)

    metrics.watch(
        semconv.POOL_CONNECTIONS,
        "Connections to providers.",
        lambda: summed(read("idle", "busy")),
        labels=("origin", "state"),
    )
    metrics.watch(
        semconv.POOL_WAITING,
        "Requests that wait for a connection.",
        lambda: summed(read("waiting")),
        labels=("origin",),
    )
    metrics.watch(
        semconv.POOL_OPENED,
        "Connections opened.",
        lambda: summed(read("opened")),
        kind="counter",
        labels=("origin",),
    )
    metrics.watch(
        semconv.POOL_REUSED,
        "Requests sent on a connection that had carried one.",
        lambda: summed(read("reused")),
        kind="counter",
        labels=("origin",),
    )


def watch_tasks(metrics: Metrics) -> None:
    """Tasks of the event loop that is scraped; a number that only grows is a leak."""
    metrics.watch(
        semconv.TASKS, "Tasks that have not ended.", lambda: [((), len(asyncio.all_tasks()))]
    )


def watch_analysis(metrics: Metrics, stats: Callable[[], AnalysisStats]) -> None:
    """The process that looks at texts for guardrails, once one of them needed it."""
    metrics.watch(
        semconv.ANALYSIS_READY,
        "1 while the analysing process takes texts.",
        lambda: [((), float(not stats().down))] if stats().started else [],
    )
    metrics.watch(
        semconv.ANALYSIS_RESTARTS,
        "How often the analysing process was started again.",
        lambda: [((), stats().restarts)] if stats().started else [],
        kind="counter",
    )


def watch_journal(metrics: Metrics, stats: Callable[[], JournalStats]) -> None:
    """How far the journal is behind, and whether it takes records."""
    metrics.watch(
        semconv.JOURNAL_READY,
        "1 while attempts can be recorded.",
        lambda: [((), float(stats().ready))],
    )
    metrics.watch(
        semconv.JOURNAL_LAG,
        "Age of the oldest record that may not be on the disk.",
        lambda: [((), stats().lag_seconds)],
    )
    metrics.watch(
        semconv.JOURNAL_BYTES,
        "Bytes written since the start.",
        lambda: [((), stats().appended_bytes)],
        kind="counter",
    )
    metrics.watch(
        semconv.JOURNAL_UNSYNCED,
        "Bytes that may not be on the disk.",
        lambda: [((), stats().unsynced_bytes)],
    )
    metrics.watch(semconv.JOURNAL_LIVE, "Attempts that are open.", lambda: [((), stats().live)])
    metrics.watch(
        semconv.JOURNAL_PENDING,
        "Closes that could not be written yet.",
        lambda: [((), stats().pending)],
    )


def watch_admission(metrics: Metrics, stats: Callable[[], AdmissionStats]) -> None:
    """Leases, and what shadow mode would have refused; without ids, which have no bound."""
    metrics.watch(
        semconv.LEASES, "Requests admitted and not finished.", lambda: [((), stats().leases)]
    )
    metrics.watch(
        semconv.LEASES_EXPIRED,
        "Leases ended without a sign of life.",
        lambda: [((), stats().expired)],
        kind="counter",
    )
    metrics.watch(
        semconv.LEDGER_FAILURES,
        "Questions of budgets to the ledger without an answer.",
        lambda: [((), stats().ledger_failures)],
        kind="counter",
    )
    metrics.watch(
        semconv.SHADOW_REFUSALS,
        "Requests that a limit in shadow mode, or a soft one, would have refused.",
        lambda: [((), sum(rule.would_refuse for rule in stats().rules))],
        kind="counter",
    )


def watch_shed(metrics: Metrics, **counts: Callable[[], int]) -> None:
    """What was dropped because a queue was full, by what it was, such as ``spans``."""
    metrics.watch(
        semconv.SHED,
        "Log lines, spans and the like that a full queue dropped.",
        lambda: [((what,), count()) for what, count in counts.items()],
        kind="counter",
        labels=("what",),
    )


def watch_checks(metrics: Metrics, health: HealthApp) -> None:
    """The last round of readiness checks, such as that of the database."""
    metrics.watch(
        semconv.CHECK_STATE,
        "1 for each readiness check that passed.",
        health.passing,
        labels=("check",),
    )


def summed(samples: Iterable[Sample]) -> list[Sample]:
    """One sample for each set of labels: an origin may have private and other connections."""
    totals: dict[tuple[str, ...], float] = {}
    for labels, number in samples:
        totals[labels] = totals.get(labels, 0) + number
    return list(totals.items())
