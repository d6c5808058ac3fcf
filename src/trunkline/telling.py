"""What is told about requests: logs, metrics and spans, built for the composition root.

Each object is entered into the root's exit stack, which closes it.
"""

import sys
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack

import msgspec

from trunkline.gateway.metering.event import Attempt
from trunkline.kit.clock import Clock
from trunkline.observability.access_line import AccessLog
from trunkline.observability.line_writer import LineWriter
from trunkline.observability.logs import configure_logs
from trunkline.observability.metrics import Metrics
from trunkline.settings import Settings
from trunkline.telemetry.batched import BatchedObserver
from trunkline.telemetry.provider_traffic import ProviderTraffic
from trunkline.telemetry.sources import watch_shed
from trunkline.telemetry.spans import SpanQueue
from trunkline.telemetry.target_traffic import TargetTraffic
from trunkline.telemetry.teller import RequestTeller


class Seen(msgspec.Struct, frozen=True):
    """What is told about requests.

    What these keep is up to date once the observer has flushed what waits.
    """

    metrics: Metrics
    providers: ProviderTraffic
    targets: TargetTraffic
    observer: BatchedObserver


def open_logs(settings: Settings, stack: AsyncExitStack, log_fd: int | None) -> LineWriter:
    """Log lines to standard output or this descriptor, from here on."""
    lines = LineWriter(sys.stdout.fileno() if log_fd is None else log_fd)
    stack.callback(lines.close)
    configure_logs(lines, settings.log_level)
    lines.start()
    return lines


def open_telemetry(
    settings: Settings,
    stack: AsyncExitStack,
    clock: Clock,
    lines: LineWriter,
    spans: SpanQueue | None,
    under_way: Callable[[], Iterable[Attempt]],
) -> Seen:
    """Metrics, access log, spans where there are any, and who is told of finished requests.

    ``under_way`` knows the attempts that have not ended.
    """
    metrics = Metrics()
    providers, targets = ProviderTraffic(clock), TargetTraffic(clock, under_way)
    if spans is not None:
        spans.start()
        stack.push_async_callback(spans.close)
    watch_shed(metrics, lines=lambda: lines.shed, spans=lambda: spans.shed if spans else 0)
    teller = RequestTeller(
        metrics,
        access_log=AccessLog(lines) if settings.access_log else None,
        spans=spans,
        providers=providers,
        targets=targets,
    )
    observer = BatchedObserver(metrics, teller)
    stack.callback(observer.flush)
    return Seen(metrics, providers, targets, observer)
